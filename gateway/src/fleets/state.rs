//! What is under a fleet's lock, and how effects are carried out there.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use domain::placement::{Bounds, Effect, EnvironmentKey, Fleet, InvocationKey};
use protocol::link::assignment::Revision;
use protocol::link::control::Obstacle;
use tokio::sync::mpsc;

use super::flight::Flight;
use super::refusal::{Blocked, NotAdmitted};
use crate::environments::ToLink;
use crate::limits;

#[derive(Debug)]
pub(super) struct State {
    pub(super) fleet: Fleet<Revision>,
    pub(super) flights: HashMap<InvocationKey, Arc<Flight>>,
    pub(super) links: HashMap<EnvironmentKey, mpsc::Sender<ToLink>>,
    pub(super) blocked: Option<(Blocked, Instant)>,
    /// The waiter that environments were last told of, and when.
    told: Option<(InvocationKey, Instant)>,
    /// Links whose queue had no room for that.
    missed: HashSet<EnvironmentKey>,
}

impl State {
    pub(super) fn new() -> Self {
        let bounds = Bounds { environments_max: 0, waiting_max: 0 };
        let fleet = Fleet::new(bounds);
        Self {
            fleet,
            flights: HashMap::new(),
            links: HashMap::new(),
            blocked: None,
            told: None,
            missed: HashSet::new(),
        }
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
        self.age_ms(self.fleet.oldest_waiting()?)
    }

    fn age_ms(&self, invocation: InvocationKey) -> Option<u64> {
        let arrived = self.flights.get(&invocation)?.arrived;
        Some(u64::try_from(arrived.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Between somebody and nobody it is told at once; another oldest waiter, what is to be repeated, and what a
    /// link had no room for only on a `refresh`.
    pub(super) fn tell_waiting(&mut self, refresh: bool) {
        let oldest = self.fleet.oldest_waiting();
        let is_other = oldest != self.told.map(|(waiter, _)| waiter);
        let is_old = self.told.is_some_and(|(_, at)| at.elapsed() >= limits::WAITING_REPEAT);
        if oldest.is_some() != self.told.is_some() || (refresh && (is_other || is_old)) {
            self.told = oldest.map(|waiter| (waiter, Instant::now()));
            let all = self.fleet.current_environments().collect();
            self.tell_waiting_to(all);
        } else if refresh && !self.missed.is_empty() {
            let missed = std::mem::take(&mut self.missed);
            self.tell_waiting_to(missed);
        }
    }

    /// Each is told of those whom it may serve.
    fn tell_waiting_to(&mut self, keys: HashSet<EnvironmentKey>) {
        let has_no_room = |key: &EnvironmentKey| {
            let age = self.fleet.oldest_waiting_for(*key).and_then(|oldest| self.age_ms(oldest));
            self.links.get(key).is_some_and(|link| link.try_send(ToLink::Waiting(age)).is_err())
        };
        self.missed = keys.into_iter().filter(has_no_room).collect();
    }
}

#[cfg(test)]
mod tests {
    use domain::placement::Reported;
    use protocol::link::assignment::ConfigurationHash;

    use super::*;

    const KEY: EnvironmentKey = EnvironmentKey(1);

    /// A fleet with a busy environment, whose queue has room for one, and somebody who waits.
    fn waiting() -> (State, mpsc::Receiver<ToLink>) {
        let mut state = State::new();
        let text = |text: &str| text.to_owned();
        let revision = Revision {
            namespace: text("n"),
            function: text("f"),
            uid: text("u"),
            version: text("$LATEST"),
            configuration: ConfigurationHash(text("c")),
        };
        state.fleet.revise(revision.clone(), Bounds { environments_max: 9, waiting_max: 9 });
        state.fleet.attach(KEY, revision);
        state.fleet.report(KEY, Reported::Busy);
        let (link, queue) = mpsc::channel(1);
        state.links.insert(KEY, link);
        assert_eq!(state.fleet.arrive(InvocationKey(1), None), Ok(None));
        (state, queue)
    }

    #[test]
    fn a_notice_that_had_no_room_is_told_later() {
        let (mut state, mut queue) = waiting();
        state.links[&KEY].try_send(ToLink::Waiting(Some(77))).unwrap();
        state.tell_waiting(false);
        assert!(matches!(queue.try_recv(), Ok(ToLink::Waiting(Some(77)))));
        assert!(queue.try_recv().is_err());
        state.tell_waiting(true);
        assert!(matches!(queue.try_recv(), Ok(ToLink::Waiting(_))));
        state.tell_waiting(true);
        assert!(queue.try_recv().is_err(), "told once, it is not told at every look");
    }

    #[test]
    fn it_is_told_again_for_as_long_as_somebody_waits() {
        let (mut state, mut queue) = waiting();
        state.tell_waiting(false);
        assert!(queue.try_recv().is_ok());
        state.told =
            state.told.zip(Instant::now().checked_sub(limits::WAITING_REPEAT)).map(|((of, _), at)| (of, at));
        state.tell_waiting(true);
        assert!(queue.try_recv().is_ok());
        state.fleet.cancel(InvocationKey(1));
        state.tell_waiting(false);
        assert!(matches!(queue.try_recv(), Ok(ToLink::Waiting(None))));
        state.tell_waiting(true);
        assert!(queue.try_recv().is_err());
    }
}
