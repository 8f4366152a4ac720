//! Why a fleet does not take an invocation on.

use domain::placement::Throttled;
use protocol::link::control::Obstacle;

/// Why no environment of the current revision can start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blocked {
    pub(crate) reason: Obstacle,
    pub(crate) message: String,
}

/// Why an invocation was not taken on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotAdmitted {
    Throttled(Throttled),
    Blocked(Blocked),
}
