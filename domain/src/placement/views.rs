//! What others want to know of a fleet: demand, and how many do what.

use super::environment::{Environment, EnvironmentKey, Reported, Stage};
use super::fleet::{Fleet, InvocationKey};

/// Running and waiting invocations of one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionDemand<R> {
    /// Whose.
    pub revision: R,
    /// In an environment.
    pub running: usize,
    /// Waiting for one.
    pub waiting: usize,
}

/// How many environments are linked, by what they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Census {
    /// Not ready yet.
    pub starting: usize,
    /// Free.
    pub free: usize,
    /// Busy.
    pub busy: usize,
    /// Leaving.
    pub leaving: usize,
}

impl<R: Clone + PartialEq> Fleet<R> {
    /// The revision whose environments are taken.
    pub fn current(&self) -> Option<&R> {
        self.current.as_ref()
    }

    /// The invocation that has waited longest.
    pub fn oldest_waiting(&self) -> Option<InvocationKey> {
        self.waiting.first().copied()
    }

    /// Linked environments of the current revision.
    pub fn current_environments(&self) -> impl Iterator<Item = EnvironmentKey> + '_ {
        let current = |environment: &Environment<R>| self.current.as_ref() == Some(&environment.revision);
        self.environments.iter().filter(move |(_, environment)| current(environment)).map(|(key, _)| *key)
    }

    /// Demand by revision; revisions without demand are left out. Who waits for an environment that has just
    /// answered is no demand for another.
    pub fn demand(&self) -> Vec<RevisionDemand<R>> {
        let mut demand: Vec<RevisionDemand<R>> = Vec::new();
        let running = self.environments.values().filter(|environment| environment.work.is_some());
        for environment in running {
            match demand.iter_mut().find(|of| of.revision == environment.revision) {
                Some(of) => of.running += 1,
                None => demand.push(RevisionDemand {
                    revision: environment.revision.clone(),
                    running: 1,
                    waiting: 0,
                }),
            }
        }
        let waiting = self.waiting.len().saturating_sub(self.about_to_be_free());
        if let (Some(current), 1..) = (&self.current, waiting) {
            match demand.iter_mut().find(|of| of.revision == *current) {
                Some(of) => of.waiting = waiting,
                None => demand.push(RevisionDemand { revision: current.clone(), running: 0, waiting }),
            }
        }
        demand
    }

    /// Takes note that a look at the demand is over: what was answered before it and is not finished by the next
    /// one occupies its environment for longer, and no longer hides a waiter from the demand.
    pub fn looked(&mut self) {
        let answered = self.environments.values_mut().filter_map(|environment| environment.work.as_mut());
        for work in answered.filter(|work| work.stage == Stage::Answered) {
            work.stage = Stage::Lingering;
        }
    }

    /// Environments that have just answered: a caller that sends the next at once waits for one of these.
    fn about_to_be_free(&self) -> usize {
        let answered = |environment: &&Environment<R>| {
            self.current.as_ref() == Some(&environment.revision)
                && environment.work.is_some_and(|work| work.stage == Stage::Answered)
        };
        self.environments.values().filter(answered).count()
    }

    /// Invocations that run or wait here.
    pub fn in_flight(&self) -> usize {
        self.waiting.len()
            + self.environments.values().filter(|environment| environment.work.is_some()).count()
    }

    /// Linked environments by what they do.
    pub fn census(&self) -> Census {
        let mut census = Census::default();
        for environment in self.environments.values() {
            match environment.reported {
                Reported::Starting => census.starting += 1,
                Reported::Free => census.free += 1,
                Reported::Busy => census.busy += 1,
                Reported::Leaving => census.leaving += 1,
            }
        }
        census
    }

    /// Nothing runs, nothing waits and nothing is linked.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.environments.is_empty()
    }
}
