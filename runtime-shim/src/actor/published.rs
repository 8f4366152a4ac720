//! What peers are told of the environment: its phase, how its init phase ended, what it became.

use domain::environment::State;
use protocol::link::environment::{EnvironmentState, Phase};

use super::Actor;

impl Actor {
    /// Tells every peer where the environment is, if that has changed.
    pub(super) fn publish(&mut self) {
        let state = self.state();
        let changed = self.published.as_ref().is_none_or(|told| {
            told.phase != state.phase
                || told.init != state.init
                || told.revision != state.revision
                || told.tenant != state.tenant
        });
        if changed {
            self.peers.tell_all(&state);
            self.published = Some(state);
        }
    }

    pub(super) fn state(&self) -> EnvironmentState {
        EnvironmentState {
            phase: self.phase(),
            revision: self.assigned.as_ref().map(|assigned| assigned.assignment.revision.clone()),
            tenant: self.tenant.clone(),
            init: self.init.result.clone(),
            invocations: self.invocations,
        }
    }

    fn phase(&self) -> Phase {
        match self.environment.state() {
            State::Drained => Phase::Drained,
            _ if self.environment.is_draining() => Phase::Draining,
            State::Generic => Phase::Generic,
            // A reset without an invocation is the end of a failed init phase.
            State::Preparing | State::Init { .. } | State::Reset { attempt: None, .. } => Phase::Init,
            State::Idle(_) if !self.grants.is_held() => Phase::Free,
            _ => Phase::Busy,
        }
    }
}
