//! What others want to know of a fleet: demand, and how many do what.

use std::collections::BTreeMap;

use super::environment::{Environment, Reported, Stage};
use super::fleet::Fleet;
use super::keys::{EnvironmentKey, InvocationKey, Tenant};

/// Running and waiting invocations of one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionDemand<R> {
    /// Whose.
    pub revision: R,
    /// In an environment; where somebody waits, with the free environments, which are other tenants'.
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
        self.waiting.first_key_value().map(|(invocation, _)| *invocation)
    }

    /// The invocation that has waited longest, of those that this environment may serve.
    pub fn oldest_waiting_for(&self, key: EnvironmentKey) -> Option<InvocationKey> {
        let environment = self.environments.get(&key)?;
        let fits = |(_, tenant): &(&InvocationKey, &Option<Tenant>)| environment.may_serve(tenant.as_ref());
        self.waiting.iter().find(fits).map(|(invocation, _)| *invocation)
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
        let waiting = self.waiting.len().saturating_sub(self.about_to_be_served());
        if let (Some(current), 1..) = (&self.current, waiting) {
            let of_others = self.free.len();
            match demand.iter_mut().find(|of| of.revision == *current) {
                Some(of) => (of.running, of.waiting) = (of.running + of_others, waiting),
                None => {
                    demand.push(RevisionDemand { revision: current.clone(), running: of_others, waiting });
                }
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

    /// Waiters for whom an environment has just answered: a caller that sends the next at once waits for that one.
    fn about_to_be_served(&self) -> usize {
        let is_answered = |environment: &&Environment<R>| {
            self.current.as_ref() == Some(&environment.revision)
                && environment.is_at(|stage| stage == Stage::Answered)
        };
        let mut answered: BTreeMap<Option<&Tenant>, usize> = BTreeMap::new();
        for environment in self.environments.values().filter(is_answered) {
            *answered.entry(environment.tenant.as_ref()).or_default() += 1;
        }
        if answered.is_empty() {
            return 0;
        }
        let mut served = 0;
        for tenant in self.waiting.values() {
            if let Some(left) = answered.get_mut(&tenant.as_ref()).filter(|left| **left > 0) {
                *left -= 1;
                served += 1;
            }
        }
        served
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
