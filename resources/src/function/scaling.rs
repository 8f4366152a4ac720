//! How many environments there may be, for how long, and what they do between invocations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many environments there may be, and for how long.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Scaling {
    /// Most environments at once, and so most invocations at once; beyond it an invoke is throttled (429).
    #[serde(default = "default_max_environments")]
    #[schemars(range(min = 0, max = 10000))]
    pub max_environments: u32,
    /// How long an environment without an invocation is kept, in seconds. Where it is not set, the operator's
    /// setting applies (600).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86400))]
    pub idle_timeout_seconds: Option<u32>,
}

impl Default for Scaling {
    fn default() -> Self {
        Self { max_environments: default_max_environments(), idle_timeout_seconds: None }
    }
}

/// What happens between invocations.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdlePolicy {
    /// Processes are stopped after a grace, as on AWS.
    #[default]
    Freeze,
    /// Processes run on.
    Run,
}

fn default_max_environments() -> u32 {
    100
}
