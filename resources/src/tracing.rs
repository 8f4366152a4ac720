//! `spec.tracingConfig`: whether the platform traces a function by itself, as AWS names it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::function::FunctionSpec;

/// What becomes of the trace of an invocation.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct TracingConfig {
    /// `PassThrough` hands the caller's trace header on. `Active` decides on sampling where the caller did
    /// not, and makes segments of the platform's own.
    #[serde(default)]
    pub mode: TracingMode,
}

/// Who traces.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TracingMode {
    /// Only the function, where its caller's trace is sampled.
    #[default]
    PassThrough,
    /// The platform too.
    Active,
}

impl FunctionSpec {
    /// Whether the platform traces the function by itself.
    pub fn tracing(&self) -> domain::TracingMode {
        match self.tracing_config.as_ref().map(|config| config.mode).unwrap_or_default() {
            TracingMode::PassThrough => domain::TracingMode::PassThrough,
            TracingMode::Active => domain::TracingMode::Active,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mode(tracing: &serde_json::Value) -> domain::TracingMode {
        let mut manifest = json!({"runtime": "r", "handler": "a.b", "code": {"inline": {"a": "x"}}});
        manifest["tracingConfig"] = tracing.clone();
        serde_json::from_value::<FunctionSpec>(manifest).unwrap().tracing()
    }

    #[test]
    fn the_default_is_aws_s() {
        assert_eq!(mode(&json!(null)), domain::TracingMode::PassThrough);
        assert_eq!(mode(&json!({})), domain::TracingMode::PassThrough);
        assert_eq!(mode(&json!({"mode": "PassThrough"})), domain::TracingMode::PassThrough);
        assert_eq!(mode(&json!({"mode": "Active"})), domain::TracingMode::Active);
    }
}
