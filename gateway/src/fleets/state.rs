//! What is under a fleet's lock, and how effects are carried out there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use domain::placement::{Bounds, Effect, EnvironmentKey, Fleet, InvocationKey};
use protocol::link::assignment::Revision;
use protocol::link::control::Obstacle;
use tokio::sync::mpsc;

use super::flight::Flight;
use super::function_fleet::NotAdmitted;
use crate::environments::ToLink;
use crate::limits;

/// Why no environment of the current revision can start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blocked {
    pub(crate) reason: Obstacle,
    pub(crate) message: String,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) fleet: Fleet<Revision>,
    pub(super) flights: HashMap<InvocationKey, Arc<Flight>>,
    pub(super) links: HashMap<EnvironmentKey, mpsc::Sender<ToLink>>,
    pub(super) blocked: Option<(Blocked, Instant)>,
    /// The waiter that environments were last told of.
    told: Option<InvocationKey>,
}

impl State {
    pub(super) fn new() -> Self {
        let bounds = Bounds { environments_max: 0, waiting_max: 0 };
        let fleet = Fleet::new(bounds);
        Self { fleet, flights: HashMap::new(), links: HashMap::new(), blocked: None, told: None }
    }

    pub(super) fn carry_out(&mut self, effects: impl IntoIterator<Item = Effect>) {
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

    pub(super) fn refusal(&self) -> NotAdmitted {
        let unknown = || Blocked { reason: Obstacle::Unschedulable, message: String::new() };
        NotAdmitted::Blocked(self.blocked.as_ref().map_or_else(unknown, |(blocked, _)| blocked.clone()))
    }

    pub(super) fn forget_old_obstacle(&mut self) {
        if self.blocked.as_ref().is_some_and(|(_, since)| since.elapsed() > limits::OBSTACLE_BELIEVED) {
            self.blocked = None;
            self.fleet.unobstruct();
        }
    }

    pub(super) fn oldest_waiting_ms(&self) -> Option<u64> {
        let oldest = self.fleet.oldest_waiting()?;
        let arrived = self.flights.get(&oldest)?.arrived;
        Some(u64::try_from(arrived.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Between somebody and nobody it is told at once; another oldest waiter only on a `refresh`.
    pub(super) fn tell_waiting(&mut self, refresh: bool) {
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
