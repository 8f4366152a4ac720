//! What two programs must compute alike without talking to each other: the digest of a configuration, and the
//! account of a namespace.

use domain::AccountId;
use ring::digest::{Context, SHA256};
use serde_json::json;

use crate::function::FunctionSpec;
use crate::runtime::RuntimeSpec;

/// The digest of everything in a Function that its environments depend on: 16 hexadecimal digits.
///
/// A change of what is not listed here (description, scaling, tracing) leaves environments as they are. The shim's
/// version is left out on purpose: an upgrade of Kubelambda restarts nothing that runs.
pub fn configuration_hash(function: &FunctionSpec, runtime: Option<&RuntimeSpec>) -> String {
    ConfigurationPrefix::of(function).hash(runtime)
}

/// The part of [`configuration_hash`] that comes from the Function alone, so that a cache can drop the code
/// and still follow a change of the Runtime.
#[derive(Clone)]
pub struct ConfigurationPrefix(Context);

impl std::fmt::Debug for ConfigurationPrefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConfigurationPrefix")
    }
}

impl ConfigurationPrefix {
    /// Digests everything in `function` that its environments depend on.
    pub fn of(function: &FunctionSpec) -> Self {
        let FunctionSpec {
            function_name,
            description: _,
            runtime,
            handler,
            code,
            memory_size,
            timeout,
            environment,
            variables_from,
            ephemeral_storage,
            image_config,
            image_pull_secrets,
            architectures,
            scaling: _,
            idle,
            logging_config,
            // The gateway decides on it, per invocation; environments do not know it.
            tracing_config: _,
            tenancy_config,
            pod,
        } = function;
        let mut configuration = json!([
            function_name,
            runtime,
            handler,
            code,
            memory_size,
            timeout,
            environment,
            variables_from,
            ephemeral_storage,
            image_config,
            image_pull_secrets,
            architectures,
            idle,
            pod,
        ]);
        // Appended only where it is set: whoever does not use it keeps its environments over an upgrade.
        if let (Some(logging), Some(configuration)) = (logging_config, configuration.as_array_mut()) {
            configuration.push(json!(logging));
        }
        if let (Some(tenancy), Some(configuration)) = (tenancy_config, configuration.as_array_mut()) {
            configuration.push(json!(tenancy));
        }
        let mut context = Context::new(&SHA256);
        context.update(configuration.to_string().as_bytes());
        Self(context)
    }

    /// The digest with the Runtime that the function names, where it names one that exists.
    pub fn hash(&self, runtime: Option<&RuntimeSpec>) -> String {
        let mut context = self.0.clone();
        context.update(json!(runtime).to_string().as_bytes());
        domain::hex::encode(context.finish().as_ref()).chars().take(16).collect()
    }
}

/// The account of a namespace: its annotation where it is a valid id, otherwise one made from its name.
pub fn account_of_namespace(namespace: &str, annotation: Option<&str>) -> AccountId {
    annotation.and_then(|text| text.parse().ok()).unwrap_or_else(|| {
        let digits: String = digest(namespace.as_bytes()).chars().take(15).collect();
        AccountId::from_seed(u64::from_str_radix(&digits, 16).unwrap_or_default())
    })
}

fn digest(bytes: &[u8]) -> String {
    let mut context = Context::new(&SHA256);
    context.update(bytes);
    domain::hex::encode(context.finish().as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(manifest: serde_json::Value) -> FunctionSpec {
        serde_json::from_value(manifest).unwrap()
    }

    #[test]
    fn only_what_environments_depend_on_changes_the_hash() {
        let base = json!({"runtime": "python3.13", "handler": "a.b", "code": {"inline": {"a.py": "x"}}});
        let hash_with = |field: &str, value: serde_json::Value| {
            let mut changed = base.clone();
            changed[field] = value;
            configuration_hash(&spec(changed), None)
        };
        let hash = configuration_hash(&spec(base.clone()), None);
        assert_eq!(hash.len(), 16);
        assert_eq!(hash_with("description", json!("d")), hash);
        assert_eq!(hash_with("tracingConfig", json!({"mode": "Active"})), hash);
        assert_eq!(hash_with("scaling", json!({"maxEnvironments": 3})), hash);
        assert_ne!(hash_with("loggingConfig", json!({"logFormat": "JSON"})), hash);
        assert_ne!(hash_with("tenancyConfig", json!({"tenantIsolationMode": "PER_TENANT"})), hash);
        assert_ne!(hash_with("timeout", json!(4)), hash);
        assert_ne!(hash_with("code", json!({"inline": {"a.py": "y"}})), hash);
    }

    #[test]
    fn a_namespace_has_the_account_that_it_names_or_a_stable_one() {
        assert_eq!(account_of_namespace("a", Some("123456789012")).as_str(), "123456789012");
        assert_eq!(account_of_namespace("a", Some("12")), account_of_namespace("a", None));
        assert_ne!(account_of_namespace("a", None), account_of_namespace("b", None));
    }
}
