//! What a function keeps for its traces over every snapshot of the catalog.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use domain::sampling::Sampler;
use domain::{FunctionArn, Region};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::attributes::Attributes;
use super::room::{Owner, Room};
use crate::catalog::FunctionEntry;

/// The sampling of a function, and who its spans are by.
#[derive(Debug)]
pub(crate) struct FunctionTraces {
    pub(crate) sampler: Sampler,
    resource: ArcSwapOption<Resource>,
    room: Arc<Room>,
}

impl Default for FunctionTraces {
    fn default() -> Self {
        Self { sampler: Sampler::default(), resource: ArcSwapOption::empty(), room: Arc::new(Room::of_one()) }
    }
}

impl FunctionTraces {
    /// The function is as this entry says. Its resource stays the same one where it says nothing else: spans are
    /// gathered by it.
    pub(super) fn follow(&self, function: &FunctionEntry, region: &Region) {
        let now = resource(function, region);
        if self.resource.load().as_deref() != Some(&now) {
            self.resource.store(Some(Arc::new(now)));
        }
    }

    /// Who its spans are by; nobody without a collector, and before a catalog knew the function.
    pub(super) fn owner(&self) -> Option<Owner> {
        let resource = self.resource.load_full()?;
        Some(Owner { resource, room: Arc::clone(&self.room) })
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

#[cfg(test)]
mod tests {
    use protocol::lambda_api::configuration::FunctionState;

    use super::*;
    use crate::catalog::{Catalog, Created, Declared, DeclaredFunction, DeclaredNamespace};
    use crate::fleets::Fleets;

    fn catalog(fleets: &Fleets, memory_mb: u32) -> Catalog {
        let function = DeclaredFunction {
            namespace: "default".to_owned(),
            object: "object".to_owned(),
            created: Created::default(),
            name: "f".parse().unwrap(),
            version: domain::LATEST.to_owned(),
            configuration: protocol::link::assignment::ConfigurationHash("h".to_owned()),
            timeout_seconds: 3,
            memory_mb,
            environments_max: 1,
            tracing: domain::TracingMode::default(),
            tenancy: crate::catalog::Tenancy::default(),
            unavailable: None,
            settings: Arc::default(),
            state: FunctionState::Active,
        };
        let namespace = DeclaredNamespace {
            name: "default".to_owned(),
            created: Created::default(),
            account: "111111111111".parse().unwrap(),
        };
        let declared = Declared { functions: vec![function], namespaces: vec![namespace] };
        Catalog::build(&declared, |revision| fleets.of(revision))
    }

    #[test]
    fn its_resource_stays_the_same_until_it_says_something_else() {
        let fleets = Fleets::for_tests();
        let followed = |memory_mb: u32| {
            let catalog = catalog(&fleets, memory_mb);
            let function = catalog.functions().next().unwrap();
            function.fleet.traces().follow(function, &"eu-west-1".parse().unwrap());
            function.fleet.traces().owner().unwrap().resource
        };
        let first = followed(128);
        assert!(Arc::ptr_eq(&first, &followed(128)), "spans of before and after go together");
        assert!(!Arc::ptr_eq(&first, &followed(256)));
    }
}
