//! What a function keeps for its traces over every snapshot of the catalog.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use domain::sampling::Sampler;
use domain::{FunctionArn, Region};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::attributes::Attributes;
use crate::catalog::FunctionEntry;

/// The sampling of a function, and who its spans are by.
#[derive(Debug, Default)]
pub(crate) struct FunctionTraces {
    pub(crate) sampler: Sampler,
    resource: ArcSwapOption<Resource>,
}

impl FunctionTraces {
    /// The function is as this entry says.
    pub(crate) fn follow(&self, function: &FunctionEntry, region: &Region) {
        self.resource.store(Some(Arc::new(resource(function, region))));
    }

    /// Who its spans are by; none before a catalog knew the function.
    pub(crate) fn resource(&self) -> Option<Arc<Resource>> {
        self.resource.load_full()
    }
}

/// As OpenTelemetry's own library would say it inside the function, which sees Lambda, and where it is.
fn resource(function: &FunctionEntry, region: &Region) -> Resource {
    let (name, account) = (function.name.clone(), function.account.clone());
    let mut attributes = Attributes::default();
    attributes.put("service.name", name.as_str());
    attributes.put("faas.name", name.as_str());
    attributes.put("faas.version", &function.revision.version);
    attributes.put("faas.max_memory", i64::from(function.memory_mb) * 1_048_576);
    attributes.put("cloud.provider", "aws");
    attributes.put("cloud.platform", "aws_lambda");
    attributes.put("cloud.region", region.as_str());
    attributes.put("cloud.account.id", account.to_string());
    let arn = FunctionArn { region: region.clone(), account, name, qualifier: None };
    attributes.put("cloud.resource_id", arn.to_string());
    attributes.put("k8s.namespace.name", &function.revision.namespace);
    Resource { attributes: attributes.into_parts().0, ..Resource::default() }
}
