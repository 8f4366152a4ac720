//! What an environment says of itself.

use domain::placement::{Reported, Tenant};
use protocol::link::assignment::Revision;
use protocol::link::environment::{EnvironmentState, Phase};

/// What an environment says of itself, as far as placement cares.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) tenant: Option<Tenant>,
    pub(super) reported: Reported,
}

impl Said {
    /// Reads a state, and which revision it is of.
    pub(super) fn of(state: EnvironmentState) -> (Option<Revision>, Self) {
        let tenant = state.tenant.map(|tenant| Tenant(tenant.into()));
        (state.revision, Self { tenant, reported: reported(state.phase) })
    }
}

fn reported(phase: Phase) -> Reported {
    match phase {
        Phase::Generic | Phase::Init => Reported::Starting,
        Phase::Free => Reported::Free,
        Phase::Busy => Reported::Busy,
        Phase::Draining | Phase::Drained => Reported::Leaving,
    }
}
