//! The fleet of one function under its lock: carries out what placement decides.
//!
//! Nothing under the lock waits: an environment is given its invocation by a queue of its link that either has
//! room or counts as a refusal, and a caller is told by a queue of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use domain::placement::{Bounds, Census, EnvironmentKey, InvocationKey, Reported, Tenant, Throttled};
use protocol::link::assignment::Revision;
use protocol::link::control::Demand;
use tokio::sync::{Notify, mpsc};

use super::flight::Flight;
use super::refusal::{Blocked, NotAdmitted};
use super::state::State;
use crate::environments::ToLink;
use crate::traces::FunctionTraces;

/// Environments and invocations of one function.
#[derive(Debug)]
pub(crate) struct FunctionFleet {
    state: Mutex<State>,
    prompt: Arc<Notify>,
    traces: FunctionTraces,
}

impl FunctionFleet {
    /// A fleet that knows no revision yet.
    pub(crate) fn new(prompt: Arc<Notify>) -> Self {
        let state = State::new();
        Self { state: Mutex::new(state), prompt, traces: FunctionTraces::default() }
    }

    /// What the function keeps for its traces.
    pub(crate) fn traces(&self) -> &FunctionTraces {
        &self.traces
    }

    /// Takes an invocation on, or says why not. Whoever drops the ticket no longer waits.
    pub(crate) fn admit(self: &Arc<Self>, flight: &Arc<Flight>) -> Result<Ticket, NotAdmitted> {
        let mut state = self.lock();
        state.forget_old_obstacle();
        match state.fleet.arrive(flight.key, flight.tenant()) {
            Err(Throttled::Obstructed) => Err(state.refusal()),
            Err(throttled) => Err(NotAdmitted::Throttled(throttled)),
            Ok(effect) => {
                state.flights.insert(flight.key, Arc::clone(flight));
                state.carry_out(effect);
                if state.fleet.oldest_waiting().is_some() {
                    self.prompt.notify_one();
                    state.tell_waiting(false);
                }
                Ok(Ticket { fleet: Arc::clone(self), key: flight.key })
            }
        }
    }

    /// An environment is linked.
    pub(crate) fn attach(&self, key: EnvironmentKey, revision: &Revision, link: mpsc::Sender<ToLink>) {
        let mut state = self.lock();
        state.fleet.attach(key, revision.clone());
        if let Some(oldest) = state.oldest_waiting_ms() {
            drop(link.try_send(ToLink::Waiting(Some(oldest))));
        }
        state.links.insert(key, link);
    }

    pub(crate) fn report(&self, key: EnvironmentKey, reported: Reported) {
        let mut state = self.lock();
        let effect = state.fleet.report(key, reported);
        state.carry_out(effect);
        state.tell_waiting(false);
    }

    /// An environment says whose it is, and what it does.
    pub(crate) fn state(&self, key: EnvironmentKey, tenant: Option<Tenant>, reported: Reported) {
        self.lock().fleet.belongs(key, tenant);
        self.report(key, reported);
    }

    pub(crate) fn refused(&self, key: EnvironmentKey, invocation: InvocationKey) {
        let mut state = self.lock();
        let effect = state.fleet.refused(key, invocation);
        state.carry_out(effect);
        if state.fleet.oldest_waiting().is_some() {
            self.prompt.notify_one();
        }
    }

    pub(crate) fn accepted(&self, key: EnvironmentKey, invocation: InvocationKey) {
        self.lock().fleet.accepted(key, invocation);
    }

    pub(crate) fn answered(&self, key: EnvironmentKey, invocation: InvocationKey) {
        self.lock().fleet.answered(key, invocation);
    }

    pub(crate) fn finished(&self, key: EnvironmentKey, invocation: InvocationKey) {
        let mut state = self.lock();
        state.flights.remove(&invocation);
        let effect = state.fleet.finished(key, invocation);
        state.carry_out(effect);
        state.tell_waiting(false);
    }

    /// A link is gone; `invocation` is what it had taken from its queue.
    pub(crate) fn lost(&self, key: EnvironmentKey, invocation: Option<InvocationKey>, handed_over: bool) {
        let mut state = self.lock();
        state.links.remove(&key);
        let effect = state.fleet.lost(key, handed_over);
        if let (None, Some(answered), true) = (effect, invocation, handed_over) {
            state.flights.remove(&answered);
        }
        state.carry_out(effect);
        if state.fleet.oldest_waiting().is_some() {
            self.prompt.notify_one();
        }
    }

    /// The function changed.
    pub(crate) fn revise(&self, revision: Revision, bounds: Bounds) {
        let mut state = self.lock();
        if state.fleet.current() != Some(&revision) {
            state.blocked = None;
        }
        let effects = state.fleet.revise(revision, bounds);
        state.carry_out(effects);
        if state.fleet.oldest_waiting().is_some() {
            self.prompt.notify_one();
        }
    }

    /// No environment of `revision` can start.
    pub(crate) fn block(&self, revision: &Revision, blocked: Blocked) {
        let mut state = self.lock();
        if state.fleet.current() == Some(revision) {
            state.blocked = Some((blocked, Instant::now()));
            let effects = state.fleet.obstruct();
            state.carry_out(effects);
        }
    }

    /// Environments of `revision` may start again.
    pub(crate) fn unblock(&self, revision: &Revision) {
        let mut state = self.lock();
        if state.fleet.current() == Some(revision) {
            state.blocked = None;
            state.fleet.unobstruct();
        }
    }

    /// The function is deleted. True once nothing of it is left.
    pub(crate) fn end(&self) -> bool {
        let mut state = self.lock();
        if state.fleet.current().is_some() {
            let effects = state.fleet.close();
            state.carry_out(effects);
        }
        state.fleet.is_empty()
    }

    /// Tells environments how long the oldest waiter has waited, where that has changed.
    pub(crate) fn refresh(&self) {
        let mut state = self.lock();
        state.forget_old_obstacle();
        state.tell_waiting(true);
    }

    pub(crate) fn demand(&self) -> Vec<Demand> {
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        let mut state = self.lock();
        let demand = state.fleet.demand();
        state.fleet.looked();
        drop(state);
        demand
            .into_iter()
            .map(|of| Demand {
                revision: of.revision,
                running: count(of.running),
                waiting: count(of.waiting),
            })
            .collect()
    }

    /// Environments by what they do, and invocations in flight.
    pub(crate) fn census(&self) -> (Census, usize) {
        let state = self.lock();
        (state.fleet.census(), state.fleet.in_flight())
    }

    /// False where the invocation was placed meanwhile, and runs on.
    fn cancel(&self, key: InvocationKey) -> bool {
        let mut state = self.lock();
        let cancelled = state.fleet.cancel(key);
        if cancelled {
            state.flights.remove(&key);
        }
        cancelled
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An invocation's place; dropping it gives up a place among those who wait.
#[derive(Debug)]
pub(crate) struct Ticket {
    fleet: Arc<FunctionFleet>,
    key: InvocationKey,
}

impl Ticket {
    /// Gives up waiting. False where the invocation was placed meanwhile, and runs on.
    pub(crate) fn cancel(&self) -> bool {
        self.fleet.cancel(self.key)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.fleet.cancel(self.key);
    }
}
