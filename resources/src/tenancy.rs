//! `spec.tenancyConfig`: whether a function's tenants share environments, as AWS names it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::function::FunctionSpec;

/// How a function's tenants are kept apart.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct TenancyConfig {
    /// `PER_TENANT`: each invocation names its tenant (X-Amz-Tenant-Id), and an environment serves only the tenant of
    /// its first. At `scaling.maxEnvironments` a free one of another tenant makes room, after a second.
    pub tenant_isolation_mode: TenantIsolationMode,
}

/// What an environment is one tenant's for.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantIsolationMode {
    /// For its whole life.
    #[serde(rename = "PER_TENANT")]
    PerTenant,
}

impl FunctionSpec {
    /// Whether each environment serves one tenant only.
    pub fn isolates_tenants(&self) -> bool {
        self.tenancy_config.is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_mode_is_named_as_aws_names_it() {
        let read = |tenancy: serde_json::Value| {
            let mut manifest = json!({"runtime": "r", "handler": "a.b", "code": {"inline": {"a": "x"}}});
            manifest["tenancyConfig"] = tenancy;
            serde_json::from_value::<FunctionSpec>(manifest).map(|spec| spec.isolates_tenants()).ok()
        };
        assert_eq!(read(json!({"tenantIsolationMode": "PER_TENANT"})), Some(true));
        assert_eq!(read(json!(null)), Some(false));
        assert_eq!(read(json!({})), None);
        assert_eq!(read(json!({"tenantIsolationMode": "SHARED"})), None);
    }
}
