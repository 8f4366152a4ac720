//! From objects of the API server to what the catalog is built from.

use std::sync::Arc;

use domain::{FunctionName, TracingMode};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt as _;
use protocol::lambda_api::configuration::{FunctionSettings, FunctionState};
use protocol::link::assignment::ConfigurationHash;
use resources::configuration::{ConfigurationPrefix, account_of_namespace};
use resources::{
    ConditionStatus, Function, FunctionStatus, Reason, Runtime, RuntimeSpec, conditions, labels,
};

use super::watching::Watched;
use crate::catalog::{
    Created, DeclaredFunction, DeclaredNamespace, Tenancy, Unavailable, settings_of, state_of,
};

/// A Function without its code.
#[derive(Debug, Clone)]
pub(super) struct KeptFunction {
    namespace: String,
    object: String,
    created: Created,
    name: FunctionName,
    prefix: ConfigurationPrefix,
    runtime: Option<String>,
    timeout_seconds: u32,
    memory_mb: u32,
    environments_max: u32,
    tracing: TracingMode,
    tenancy: Tenancy,
    invalid: Option<String>,
    settings: Arc<FunctionSettings>,
    state: FunctionState,
}

impl KeptFunction {
    /// What the catalog is built from, with the Runtime that the function names.
    pub(super) fn declared<'a>(
        &self,
        runtime: impl FnOnce(&str) -> Option<&'a RuntimeSpec>,
    ) -> DeclaredFunction {
        let named = self.runtime.as_deref();
        let found = named.and_then(runtime);
        let unknown = named
            .filter(|_| found.is_none())
            .map(|name| Unavailable::UnknownRuntime { runtime: name.to_owned() });
        let invalid = || self.invalid.clone().map(|message| Unavailable::Invalid { message });
        DeclaredFunction {
            namespace: self.namespace.clone(),
            object: self.object.clone(),
            created: self.created.clone(),
            name: self.name.clone(),
            version: domain::LATEST.to_owned(),
            configuration: ConfigurationHash(self.prefix.hash(found)),
            timeout_seconds: self.timeout_seconds,
            memory_mb: self.memory_mb,
            environments_max: self.environments_max,
            tracing: self.tracing,
            tenancy: self.tenancy,
            unavailable: unknown.or_else(invalid),
            settings: Arc::clone(&self.settings),
            state: self.state.clone(),
        }
    }
}

impl Watched for Function {
    type Kept = KeptFunction;

    fn cut(self) -> Option<KeptFunction> {
        let namespace = self.namespace().unwrap_or_default();
        let name: FunctionName = match self.aws_name().parse() {
            Ok(name) => name,
            Err(error) => {
                tracing::warn!(namespace, object = self.name_any(), %error, "A Function has no valid name");
                return None;
            }
        };
        let invalid = self.status.as_ref().and_then(|status| invalid(status, self.metadata.generation));
        Some(KeptFunction {
            namespace,
            object: self.name_any(),
            created: created(&self.metadata),
            settings: Arc::new(settings_of(&self, &name)),
            state: state_of(self.status.as_ref(), self.metadata.generation),
            name,
            prefix: ConfigurationPrefix::of(&self.spec),
            tracing: self.spec.tracing(),
            tenancy: if self.spec.isolates_tenants() { Tenancy::PerTenant } else { Tenancy::Shared },
            runtime: self.spec.runtime,
            timeout_seconds: self.spec.timeout,
            memory_mb: self.spec.memory_size,
            environments_max: self.spec.scaling.max_environments,
            invalid,
        })
    }
}

/// The operator's word that this generation of the manifest breaks a rule.
fn invalid(status: &FunctionStatus, generation: Option<i64>) -> Option<String> {
    let ready = status.conditions.iter().find(|condition| condition.kind == conditions::READY)?;
    let broken = ready.status == ConditionStatus::False
        && ready.reason == Reason::InvalidSpec.as_str()
        && ready.observed_generation == generation;
    broken.then(|| ready.message.clone())
}

impl Watched for Runtime {
    type Kept = RuntimeSpec;

    fn cut(self) -> Option<RuntimeSpec> {
        Some(self.spec)
    }
}

impl Watched for Namespace {
    type Kept = DeclaredNamespace;

    fn cut(self) -> Option<DeclaredNamespace> {
        let name = self.name_any();
        let annotation = self.annotations().get(labels::ACCOUNT_ID).map(String::as_str);
        let account = account_of_namespace(&name, annotation);
        Some(DeclaredNamespace { created: created(&self.metadata), account, name })
    }
}

fn created(metadata: &ObjectMeta) -> Created {
    Created {
        epoch_seconds: metadata.creation_timestamp.as_ref().map_or(i64::MAX, |time| time.0.as_second()),
        uid: metadata.uid.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use resources::configuration::configuration_hash;

    use super::*;

    fn function() -> Function {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "kubelambda.dev/v1alpha1", "kind": "Function",
            "metadata": {"name": "my-func", "namespace": "n", "uid": "u", "generation": 2,
                         "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"functionName": "My_Func", "runtime": "python3.13", "handler": "a.b",
                     "code": {"inline": {"a.py": "x"}}, "timeout": 7, "scaling": {"maxEnvironments": 4},
                     "tracingConfig": {"mode": "Active"}},
            "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "InvalidSpec",
                "observedGeneration": 2, "message": "too big", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}
        }))
        .unwrap()
    }

    fn runtime() -> RuntimeSpec {
        serde_json::from_value(serde_json::json!({"image": "python"})).unwrap()
    }

    #[test]
    fn the_hash_is_the_operators_although_the_code_is_dropped() {
        let (function, runtime) = (function(), runtime());
        let expected = configuration_hash(&function.spec, Some(&runtime));
        let declared = function.cut().unwrap().declared(|_| Some(&runtime));
        assert_eq!(declared.configuration.0, expected);
        assert_eq!((declared.name.as_str(), declared.object.as_str()), ("My_Func", "my-func"));
        assert_eq!((declared.timeout_seconds, declared.environments_max), (7, 4));
        assert_eq!(declared.tracing, TracingMode::Active);
        assert_eq!(declared.created.epoch_seconds, 1_767_225_600);
    }

    #[test]
    fn what_makes_a_function_unavailable_is_known_without_a_pod() {
        let (kept, runtime) = (function().cut().unwrap(), runtime());
        let unknown = Unavailable::UnknownRuntime { runtime: "python3.13".to_owned() };
        assert_eq!(kept.declared(|_| None).unavailable, Some(unknown));
        let invalid = Unavailable::Invalid { message: "too big".to_owned() };
        assert_eq!(kept.declared(|_| Some(&runtime)).unavailable, Some(invalid));
        let mut corrected = function();
        corrected.metadata.generation = Some(3);
        let kept = corrected.cut().unwrap();
        assert_eq!(kept.declared(|_| Some(&runtime)).unavailable, None);
    }
}
