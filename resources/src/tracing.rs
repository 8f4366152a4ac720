//! `spec.tracingConfig`: whether the platform traces a function by itself, as AWS names it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

impl From<TracingMode> for domain::TracingMode {
    fn from(mode: TracingMode) -> Self {
        match mode {
            TracingMode::PassThrough => Self::PassThrough,
            TracingMode::Active => Self::Active,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_default_is_aws_s() {
        let mode = |tracing| serde_json::from_value::<TracingConfig>(tracing).unwrap().mode.into();
        assert_eq!(domain::TracingMode::PassThrough, mode(json!({})));
        assert_eq!(domain::TracingMode::PassThrough, mode(json!({"mode": "PassThrough"})));
        assert_eq!(domain::TracingMode::Active, mode(json!({"mode": "Active"})));
    }
}
