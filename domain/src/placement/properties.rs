//! Any order of events: no environment has two invocations, and every invocation has exactly one outcome.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Event {
    Arrive(u8),
    Cancel(usize),
    Attach(u32),
    Report(usize, Reported),
    Refuse(usize),
    Accept(usize),
    Answer(usize),
    Finish(usize),
    Lose(usize, bool),
    Revise(u32),
    Obstruct,
    Unobstruct,
}

fn event() -> impl Strategy<Value = Event> {
    let reported = prop_oneof![
        Just(Reported::Starting),
        Just(Reported::Free),
        Just(Reported::Busy),
        Just(Reported::Leaving)
    ];
    prop_oneof![
        4 => (0..3_u8).prop_map(Event::Arrive),
        1 => any::<usize>().prop_map(Event::Cancel),
        2 => (0..3_u32).prop_map(Event::Attach),
        6 => (any::<usize>(), reported).prop_map(|(at, reported)| Event::Report(at, reported)),
        2 => any::<usize>().prop_map(Event::Refuse),
        4 => any::<usize>().prop_map(Event::Accept),
        3 => any::<usize>().prop_map(Event::Answer),
        4 => any::<usize>().prop_map(Event::Finish),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(at, handed_over)| Event::Lose(at, handed_over)),
        1 => (0..3_u32).prop_map(Event::Revise),
        1 => Just(Event::Obstruct),
        1 => Just(Event::Unobstruct),
    ]
}

/// What a caller knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Waiting,
    In(EnvironmentKey),
    Done,
}

/// The world around a fleet, which checks each effect.
struct World {
    fleet: Fleet<u32>,
    seen: BTreeMap<InvocationKey, Seen>,
    accepted: BTreeSet<InvocationKey>,
    environments: BTreeMap<EnvironmentKey, u32>,
    /// Whose invocations are, where tenants are isolated.
    tenants: BTreeMap<InvocationKey, Tenant>,
    /// Whose environments are.
    bound: BTreeMap<EnvironmentKey, Tenant>,
    isolates: bool,
    revision: u32,
    keys: u64,
}

const BOUNDS: Bounds = Bounds { environments_max: 6, waiting_max: 4 };

impl World {
    fn new(isolates: bool) -> Self {
        let mut fleet = Fleet::new(BOUNDS);
        fleet.revise(0, BOUNDS);
        Self {
            fleet,
            seen: BTreeMap::new(),
            accepted: BTreeSet::new(),
            environments: BTreeMap::new(),
            tenants: BTreeMap::new(),
            bound: BTreeMap::new(),
            isolates,
            revision: 0,
            keys: 0,
        }
    }

    fn environment_at(&self, at: usize) -> Option<EnvironmentKey> {
        self.environments.keys().nth(at % self.environments.len().max(1)).copied()
    }

    fn work_at(&self, at: usize) -> Option<(EnvironmentKey, InvocationKey)> {
        let key = self.environment_at(at)?;
        self.seen.iter().find(|(_, seen)| **seen == Seen::In(key)).map(|(invocation, _)| (key, *invocation))
    }

    fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Place(invocation, key) => {
                let busy = self.seen.values().any(|seen| *seen == Seen::In(key));
                assert!(!busy, "{key:?} has two invocations");
                assert!(!self.accepted.contains(&invocation), "{invocation:?} was handed over twice");
                assert_eq!(
                    self.environments.get(&key),
                    Some(&self.revision),
                    "another revision's environment"
                );
                let bound = self.bound.get(&key);
                let fits = |of: &InvocationKey| bound.is_none_or(|bound| self.tenants.get(of) == Some(bound));
                assert!(fits(&invocation), "{key:?} is another tenant's");
                let mut earlier = self.seen.range(..invocation);
                let overtaken = earlier.find(|(of, seen)| **seen == Seen::Waiting && fits(of));
                assert_eq!(overtaken, None, "{invocation:?} was served first");
                assert_eq!(self.seen.insert(invocation, Seen::In(key)), Some(Seen::Waiting));
            }
            Effect::Lost(invocation) | Effect::Obstruct(invocation) | Effect::Close(invocation) => {
                let before = self.seen.insert(invocation, Seen::Done);
                assert!(matches!(before, Some(Seen::Waiting | Seen::In(_))), "{invocation:?} had an outcome");
            }
        }
    }

    fn step(&mut self, event: &Event) {
        let effects: Vec<Effect> = match *event {
            Event::Arrive(tenant) => self.arrive(tenant),
            Event::Cancel(at) => self.cancel(at),
            Event::Attach(revision) => {
                self.keys += 1;
                self.environments.insert(EnvironmentKey(self.keys), revision);
                self.fleet.attach(EnvironmentKey(self.keys), revision);
                Vec::new()
            }
            Event::Report(at, reported) => {
                let key = self.environment_at(at);
                key.and_then(|key| self.report(key, reported)).into_iter().collect()
            }
            Event::Refuse(at) => self.refuse(at),
            Event::Accept(at) => {
                if let Some((key, invocation)) = self.work_at(at) {
                    self.accept(key, invocation);
                }
                Vec::new()
            }
            Event::Answer(at) => {
                if let Some((key, invocation)) = self.work_at(at) {
                    self.accept(key, invocation);
                    self.fleet.answered(key, invocation);
                }
                Vec::new()
            }
            Event::Finish(at) => match self.work_at(at) {
                Some((key, invocation)) if self.accepted.contains(&invocation) => {
                    self.seen.insert(invocation, Seen::Done);
                    self.fleet.finished(key, invocation).into_iter().collect()
                }
                _ => Vec::new(),
            },
            Event::Lose(at, handed_over) => self.lose(at, handed_over),
            Event::Revise(revision) => {
                self.revision = revision;
                self.fleet.revise(revision, BOUNDS)
            }
            Event::Obstruct => self.fleet.obstruct(),
            Event::Unobstruct => {
                self.fleet.unobstruct();
                Vec::new()
            }
        };
        for effect in effects {
            self.obey(effect);
        }
    }

    /// With every word of itself an environment says whose it is.
    fn report(&mut self, key: EnvironmentKey, reported: Reported) -> Option<Effect> {
        self.fleet.belongs(key, self.bound.get(&key).cloned());
        self.fleet.report(key, reported)
    }

    fn accept(&mut self, key: EnvironmentKey, invocation: InvocationKey) {
        self.fleet.accepted(key, invocation);
        self.accepted.insert(invocation);
        if let Some(tenant) = self.tenants.get(&invocation) {
            self.bound.insert(key, tenant.clone());
        }
    }

    fn arrive(&mut self, tenant: u8) -> Vec<Effect> {
        self.keys += 1;
        let invocation = InvocationKey(self.keys);
        let tenant = self.isolates.then(|| Tenant(tenant.to_string().into()));
        match self.fleet.arrive(invocation, tenant.clone()) {
            Ok(effect) => {
                self.tenants.extend(tenant.map(|tenant| (invocation, tenant)));
                self.seen.insert(invocation, Seen::Waiting);
                effect.into_iter().collect()
            }
            Err(_) => Vec::new(),
        }
    }

    fn cancel(&mut self, at: usize) -> Vec<Effect> {
        let waiting = self.seen.iter().filter(|(_, seen)| **seen == Seen::Waiting).map(|(key, _)| *key);
        let waiting: Vec<InvocationKey> = waiting.collect();
        if let Some(invocation) = waiting.get(at % waiting.len().max(1)) {
            assert!(self.fleet.cancel(*invocation));
            self.seen.insert(*invocation, Seen::Done);
        }
        Vec::new()
    }

    fn refuse(&mut self, at: usize) -> Vec<Effect> {
        match self.work_at(at) {
            Some((key, invocation)) if !self.accepted.contains(&invocation) => {
                self.seen.insert(invocation, Seen::Waiting);
                self.fleet.refused(key, invocation).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn lose(&mut self, at: usize, handed_over: bool) -> Vec<Effect> {
        let Some(key) = self.environment_at(at) else { return Vec::new() };
        let work = self.work_at(at).map(|(_, invocation)| invocation);
        self.environments.remove(&key);
        let effect = self.fleet.lost(key, handed_over);
        if let Some(invocation) = work {
            let again = !handed_over && !self.accepted.contains(&invocation);
            match effect {
                Some(Effect::Lost(_)) => assert!(!again),
                _ if again => drop(self.seen.insert(invocation, Seen::Waiting)),
                // The answer was complete.
                _ => drop(self.seen.insert(invocation, Seen::Done)),
            }
        }
        effect.into_iter().collect()
    }

    /// Serves everything that is left: one environment that never fails must be enough, or one for each.
    fn drain(&mut self) {
        self.step(&Event::Unobstruct);
        self.step(&Event::Attach(self.revision));
        let mut key = EnvironmentKey(self.keys);
        for _ in 0..=self.seen.len() {
            if self.isolates {
                self.step(&Event::Attach(self.revision));
                key = EnvironmentKey(self.keys);
            }
            if let Some(effect) = self.report(key, Reported::Free) {
                self.obey(effect);
            }
            let work = self.seen.iter().find(|(_, seen)| **seen == Seen::In(key)).map(|(key, _)| *key);
            if let Some(invocation) = work {
                self.accept(key, invocation);
                self.seen.insert(invocation, Seen::Done);
                assert_eq!(self.fleet.finished(key, invocation), None);
            }
        }
    }
}

proptest! {
    #[test]
    fn in_any_order_of_events_nothing_runs_twice_or_starves(
        isolates in any::<bool>(), events in prop::collection::vec(event(), 0..120),
    ) {
        let mut world = World::new(isolates);
        for event in events {
            world.step(&event);
            let waiting = world.seen.values().filter(|seen| **seen == Seen::Waiting).count();
            let idle = world.fleet.census().free > 0
                && world.fleet.current_environments().count() == world.environments.len();
            let placed = world.seen.values().filter(|seen| matches!(seen, Seen::In(_))).count();
            prop_assert_eq!(world.fleet.in_flight(), waiting + placed);
            prop_assert!(waiting == 0 || !idle || world.fleet.oldest_waiting().is_some());
        }
        world.drain();
        prop_assert!(!world.seen.values().any(|seen| *seen == Seen::Waiting), "somebody starved");
    }
}
