//! The end of processes where there are extensions: asked first, killed in the end.

use std::time::Duration;

use domain::TimeBudget;
use domain::environment::State;
use domain::extensions::{Shutdown, ShutdownReason, Step};
use domain::failure::Exit;
use domain::log_lines::Ending;
use protocol::extensions_api;
use rustix::process::Pid;

use super::timers::Timer;
use super::{Actor, Leave};
use crate::clock;
use crate::events::ExtensionAnswer;

impl Actor {
    /// Processes are being asked to end.
    pub(super) fn is_ending(&self) -> bool {
        self.extensions.ending.as_ref().is_some_and(|ending| !ending.is_done())
    }

    /// Begins to end everything; if that has begun, nothing is begun anew.
    pub(super) fn begin_shutdown(&mut self) {
        match &self.extensions.ending {
            Some(ending) if ending.is_done() => return self.processes.end(),
            Some(_) => return,
            None => {}
        }
        self.thaw();
        self.close_registration();
        let over_a_limit =
            matches!(self.environment.state(), State::Reset { ending: Ending::Error { .. }, .. });
        if over_a_limit && let Some(pid) = self.runtime.running() {
            // What has no room left must not be asked to take its time.
            self.processes.end_one(pid);
        }
        let runs = self.runtime.running().is_some() && !over_a_limit;
        if self.runtime.pid.is_none() && self.runtime.exit.is_none() {
            self.runtime.exit = Some(Exit::Signal { number: 9, core_dumped: false });
        }
        let kinds = self.extensions.known.kinds();
        let (ending, steps) = Shutdown::begin(self.shutdown_reason(), kinds, runs);
        let after = |millis| clock::now() + Duration::from_millis(millis);
        self.timers.set(Timer::Shutdown, after(ending.millis()));
        self.timers.set(Timer::RuntimeShare, after(ending.runtime_millis()));
        self.extensions.ending = Some(ending);
        self.take_steps(steps);
    }

    fn shutdown_reason(&self) -> ShutdownReason {
        match self.environment.state() {
            State::Drained => ShutdownReason::Spindown,
            State::Reset { ending: Ending::TimedOut, .. } => ShutdownReason::Timeout,
            _ => ShutdownReason::Failure,
        }
    }

    pub(super) fn shutdown_step(&mut self, next: impl FnOnce(&mut Shutdown) -> Vec<Step>) {
        let steps = self.extensions.ending.as_mut().map(next).unwrap_or_default();
        self.take_steps(steps);
    }

    fn take_steps(&mut self, steps: Vec<Step>) {
        for step in steps {
            match (step, self.runtime.running()) {
                (Step::TerminateRuntime, Some(pid)) => self.processes.terminate_one(pid),
                (Step::KillRuntime, Some(pid)) => self.processes.end_one(pid),
                (Step::TerminateRuntime | Step::KillRuntime, None) => {}
                (Step::TellExtensions, _) => self.end_extensions(),
                (Step::KillAll, _) => {
                    self.timers.clear(Timer::Shutdown);
                    self.timers.clear(Timer::RuntimeShare);
                    self.processes.end();
                }
            }
        }
    }

    fn end_extensions(&mut self) {
        self.timers.clear(Timer::RuntimeShare);
        let deaf = self.extensions.known.iter().filter(|extension| !extension.events.shutdown);
        let deaf: Vec<Pid> =
            deaf.filter_map(|extension| self.extensions.processes.get(&extension.id).copied()).collect();
        for pid in deaf {
            self.processes.end_one(pid);
        }
        self.logs.flush_subscriptions();
        self.tell_of_end();
        if self.extensions.processes.is_empty() {
            self.shutdown_step(Shutdown::extensions_gone);
        }
    }

    /// Tells extensions that wait for an event that the end has come, if it has.
    pub(super) fn tell_of_end(&mut self) {
        let Some(ending) = self.extensions.ending.as_ref().filter(|ending| ending.tells_extensions()) else {
            return;
        };
        let reason = ending.reason;
        let left = self.timers.due(Timer::Shutdown).map(|due| due.saturating_duration_since(clock::now()));
        let left =
            TimeBudget::from_millis(u64::try_from(left.unwrap_or_default().as_millis()).unwrap_or(u64::MAX));
        let body = extensions_api::shutdown_event(reason, left, clock::epoch_millis());
        for id in self.extensions.known.take_shutdown() {
            self.answer_extension(id, ExtensionAnswer::Event { identifier: None, body: body.clone() });
        }
    }

    /// An external extension's process ended: expected at the end, a failure before.
    pub(super) fn extension_ended(&mut self, pid: Pid, exit: &Exit) {
        let found = self.extensions.processes.iter().find(|(_, process)| **process == pid);
        let Some(id) = found.map(|(id, _)| *id) else { return };
        self.extensions.processes.remove(&id);
        if self.extensions.ending.is_none() {
            let error_type = self.extensions.known.lost(id, true);
            self.runtime.exit.get_or_insert_with(|| exit.of_extension(error_type));
            self.end_processes();
        }
        if self.extensions.processes.is_empty() {
            self.shutdown_step(Shutdown::extensions_gone);
        }
    }

    /// All processes are gone: the next life begins with nothing of this one.
    pub(super) fn forget_extensions(&mut self) {
        self.timers.clear(Timer::Shutdown);
        self.timers.clear(Timer::RuntimeShare);
        self.extensions = super::extensions::ExtensionsState::default();
        self.logs.telemetry().life_ended();
        if self.leaving == Some(Leave::WhenDrained) && *self.environment.state() == State::Drained {
            self.leaving = Some(Leave::Now);
        }
    }
}
