//! `spec.tenancyConfig`: whether a function's tenants share environments, as AWS names it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_mode_is_named_as_aws_names_it() {
        let read = |tenancy| serde_json::from_value::<TenancyConfig>(tenancy).ok();
        let per_tenant = TenancyConfig { tenant_isolation_mode: TenantIsolationMode::PerTenant };
        assert_eq!(read(json!({"tenantIsolationMode": "PER_TENANT"})), Some(per_tenant));
        assert_eq!(read(json!({})), None);
        assert_eq!(read(json!({"tenantIsolationMode": "SHARED"})), None);
    }
}
