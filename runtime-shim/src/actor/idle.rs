//! Between invocations: whom the environment is offered to, and what its processes may do meanwhile.

use std::time::Duration;

use domain::environment::State;
use protocol::link::assignment::Idle;
use protocol::link::environment::FromEnvironment;

use super::Actor;
use super::timers::Timer;
use crate::{allocator, clock};

impl Actor {
    /// The environment can take an invocation: the longest waiter's first.
    pub(super) fn offer(&mut self) {
        if !matches!(self.environment.state(), State::Idle(_)) {
            return;
        }
        self.timers.clear(Timer::Sample);
        let now_ms = self.now_ms();
        if let Some(peer) = self.grants.grant(now_ms) {
            self.peers.tell(peer, FromEnvironment::Granted);
            let until = self.grants.ends_at_ms().unwrap_or(now_ms);
            self.timers.set(Timer::Grant, self.started + Duration::from_millis(until));
        }
        let freeze = self.assigned.as_ref().is_some_and(|assigned| assigned.assignment.idle == Idle::Freeze);
        if freeze && self.runtime.pid.is_some() && !self.timers.is_set(Timer::Freeze) {
            self.timers.set(Timer::Freeze, clock::now() + self.settings.idle_grace);
        }
    }

    pub(super) fn grant_ended(&mut self) {
        self.grants.expired();
        self.offer();
    }

    pub(super) fn freeze(&mut self) {
        // Nobody waits now, and the next invocation may be far away.
        allocator::give_back();
        self.processes.stop();
        self.frozen = true;
        self.logs.telemetry().set_asleep(true);
    }

    pub(super) fn thaw(&mut self) {
        if self.frozen {
            self.processes.resume();
            self.frozen = false;
            self.logs.telemetry().set_asleep(false);
        }
    }
}
