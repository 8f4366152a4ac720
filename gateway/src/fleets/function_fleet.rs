//! The fleet of one function under its lock: carries out what placement decides.
//!
//! Nothing under the lock waits: an environment is given its invocation by a queue of its link that either has
//! room or counts as a refusal, and a caller is told by a queue of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use domain::placement::{Bounds, Census, Effect, EnvironmentKey, Fleet, InvocationKey, Reported, Throttled};
use protocol::link::assignment::Revision;
use protocol::link::control::{Demand, Obstacle};
use tokio::sync::{Notify, mpsc};

use super::flight::Flight;
use crate::environments::ToLink;
use crate::limits;

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

/// Environments and invocations of one function.
#[derive(Debug)]
pub(crate) struct FunctionFleet {
    state: Mutex<State>,
    prompt: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    fleet: Fleet<Revision>,
    flights: HashMap<InvocationKey, Arc<Flight>>,
    links: HashMap<EnvironmentKey, mpsc::Sender<ToLink>>,
    blocked: Option<(Blocked, Instant)>,
    /// The waiter that environments were last told of.
    told: Option<InvocationKey>,
}

impl FunctionFleet {
    /// A fleet that knows no revision yet.
    pub(crate) fn new(prompt: Arc<Notify>) -> Self {
        let bounds = Bounds { environments_max: 0, waiting_max: 0 };
        let state = State {
            fleet: Fleet::new(bounds),
            flights: HashMap::new(),
            links: HashMap::new(),
            blocked: None,
            told: None,
        };
        Self { state: Mutex::new(state), prompt }
    }

    /// Takes an invocation on, or says why not. Whoever drops the ticket no longer waits.
    pub(crate) fn admit(self: &Arc<Self>, flight: &Arc<Flight>) -> Result<Ticket, NotAdmitted> {
        let mut state = self.lock();
        state.forget_old_obstacle();
        match state.fleet.arrive(flight.key) {
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
        let demand = self.lock().fleet.demand().into_iter();
        demand
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

impl State {
    fn carry_out(&mut self, effects: impl IntoIterator<Item = Effect>) {
        let mut left: Vec<Effect> = effects.into_iter().collect();
        while let Some(effect) = left.pop() {
            match effect {
                Effect::Place(invocation, key) => left.extend(self.place(invocation, key)),
                Effect::Lost(invocation) => self.last_word(invocation, Flight::lost),
                Effect::Close(invocation) => self.last_word(invocation, Flight::deleted),
                Effect::Obstruct(invocation) => {
                    let NotAdmitted::Blocked(blocked) = self.refusal() else { continue };
                    self.last_word(invocation, |flight| flight.obstructed(blocked.clone()));
                }
            }
        }
    }

    /// A link whose queue has no room, or that is about to be gone, counts as a refusal.
    fn place(&mut self, invocation: InvocationKey, key: EnvironmentKey) -> Option<Effect> {
        let flight = self.flights.get(&invocation)?;
        let order = ToLink::Invoke(Arc::clone(flight));
        let sent = self.links.get(&key).is_some_and(|link| link.try_send(order).is_ok());
        if sent { None } else { self.fleet.refused(key, invocation) }
    }

    fn last_word(&mut self, invocation: InvocationKey, word: impl FnOnce(&Flight)) {
        if let Some(flight) = self.flights.remove(&invocation) {
            word(&flight);
        }
    }

    fn refusal(&self) -> NotAdmitted {
        let unknown = || Blocked { reason: Obstacle::Unschedulable, message: String::new() };
        NotAdmitted::Blocked(self.blocked.as_ref().map_or_else(unknown, |(blocked, _)| blocked.clone()))
    }

    fn forget_old_obstacle(&mut self) {
        if self.blocked.as_ref().is_some_and(|(_, since)| since.elapsed() > limits::OBSTACLE_BELIEVED) {
            self.blocked = None;
            self.fleet.unobstruct();
        }
    }

    fn oldest_waiting_ms(&self) -> Option<u64> {
        let oldest = self.fleet.oldest_waiting()?;
        let arrived = self.flights.get(&oldest)?.arrived;
        Some(u64::try_from(arrived.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Between somebody and nobody it is told at once; another oldest waiter only on a `refresh`.
    fn tell_waiting(&mut self, refresh: bool) {
        let oldest = self.fleet.oldest_waiting();
        let due = oldest.is_some() != self.told.is_some() || (refresh && oldest != self.told);
        if !due {
            return;
        }
        self.told = oldest;
        let age = self.oldest_waiting_ms();
        for key in self.fleet.current_environments() {
            if let Some(link) = self.links.get(&key) {
                drop(link.try_send(ToLink::Waiting(age)));
            }
        }
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
