//! Messages between a gateway and the operator: demand one way, environments the other.

use serde::{Deserialize, Serialize};

use super::assignment::Revision;

/// From a gateway to every operator replica; the leader acts on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum ToOperator {
    /// Everything that this gateway runs and that waits in it. Sent on change and at least every
    /// [`DEMAND_SECONDS`]; a revision that is not listed has no demand.
    Demand {
        /// One entry per revision with demand.
        revisions: Vec<Demand>,
    },
    /// Passed over; what a newer gateway may send.
    #[serde(other)]
    Unknown,
}

/// How often a gateway repeats its demand, in seconds. The operator forgets a silent gateway after three.
pub const DEMAND_SECONDS: u64 = 1;

/// Demand of one revision in one gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Demand {
    /// Whose.
    pub revision: Revision,
    /// Invocations in an environment.
    pub running: u32,
    /// Invocations that wait for one.
    pub waiting: u32,
}

/// From the operator to every linked gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum FromOperator {
    /// An environment exists and can be dialled. Sent for each at the start, and whenever one announces itself
    /// or is assigned.
    EnvironmentUp(EnvironmentEntry),
    /// An environment is gone.
    EnvironmentGone {
        /// The pod's namespace.
        namespace: String,
        /// The pod's name.
        pod: String,
    },
    /// No environment of this revision can start now; who waits for one is answered with this.
    Blocked {
        /// Whose.
        revision: Revision,
        /// What kind of obstacle.
        reason: Obstacle,
        /// The API server's, scheduler's or registry's own words.
        message: String,
    },
    /// Environments of this revision may start again.
    Unblocked {
        /// Whose.
        revision: Revision,
    },
    /// Passed over; what a newer operator may send.
    #[serde(other)]
    Unknown,
}

/// Where an environment is to be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentEntry {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// `ip:port` of the shim.
    pub address: String,
    /// What it was, or is about to be, assigned to.
    pub revision: Option<Revision>,
}

/// Why no environment can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Obstacle {
    /// The API server refused the pod: a quota or an admission rule.
    Refused,
    /// The scheduler found no node.
    Unschedulable,
    /// The image cannot be pulled, or its configuration cannot be read.
    Image,
    /// The named `Runtime` does not exist.
    UnknownRuntime,
    /// The function itself cannot be run as it is written.
    Invalid,
}
