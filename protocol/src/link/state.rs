//! What a shim tells of itself: where its environment is in its life, and how the init phase ended.

use serde::{Deserialize, Serialize};

use super::assignment::Revision;

/// Where an environment is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Not yet assigned.
    Generic,
    /// The init phase runs.
    Init,
    /// Ready for an invocation.
    Free,
    /// Runs an invocation, resets, or is granted to a peer.
    Busy,
    /// Takes no further invocation; one may still run.
    Draining,
    /// Takes no further invocation and runs none.
    Drained,
}

/// What a shim tells of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentState {
    /// Where it is.
    pub phase: Phase,
    /// What it was assigned to.
    #[serde(default)]
    pub revision: Option<Revision>,
    /// The only tenant that it serves, once it has served one; none where it serves everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// How the latest init phase ended, once one has.
    #[serde(default)]
    pub init: Option<InitResult>,
    /// Invocations finished so far.
    #[serde(default)]
    pub invocations: u64,
}

/// How an init phase ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase")]
pub enum InitResult {
    /// The runtime asked for its first event.
    Succeeded {
        /// How long the phase took, in milliseconds.
        duration_ms: f64,
    },
    /// The runtime reported an error, exited, or could not be started.
    Failed {
        /// Such as `Runtime.ImportModuleError`.
        error_type: String,
        /// What the function's author needs to read.
        message: String,
    },
    /// The phase took longer than it may; it is repeated inside the first invocation.
    TimedOut,
}
