//! The fleet of one function. See the module above for its rules.

use std::collections::BTreeMap;

use super::environment::{Environment, Reported, Stage, Work};
use super::free::Free;
use super::keys::{EnvironmentKey, InvocationKey, Tenant};
use super::verdict::{Bounds, Effect, Throttled};

/// Environments and invocations of one function.
#[derive(Debug)]
pub struct Fleet<R> {
    pub(super) current: Option<R>,
    bounds: Bounds,
    pub(super) environments: BTreeMap<EnvironmentKey, Environment<R>>,
    pub(super) free: Free,
    pub(super) waiting: BTreeMap<InvocationKey, Option<Tenant>>,
    obstructed: bool,
    closed: bool,
}

impl<R: Clone + PartialEq> Fleet<R> {
    /// A fleet that knows no revision yet, and so places nothing.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            current: None,
            bounds,
            environments: BTreeMap::new(),
            free: Free::default(),
            waiting: BTreeMap::new(),
            obstructed: false,
            closed: false,
        }
    }

    /// An invocation arrives, of a tenant where the function isolates them. It is placed, or waits where there is no
    /// effect.
    pub fn arrive(
        &mut self,
        invocation: InvocationKey,
        tenant: Option<Tenant>,
    ) -> Result<Option<Effect>, Throttled> {
        if self.closed {
            return Err(Throttled::Closed);
        }
        if self.bounds.environments_max == 0 {
            return Err(Throttled::Disabled);
        }
        if self.counted() + self.waiting.len() >= self.bounds.environments_max {
            return Err(Throttled::AtCap);
        }
        if self.is_barren_for(tenant.as_ref()) {
            return Err(Throttled::Obstructed);
        }
        if self.free.newest_for(tenant.as_ref()).is_none() && self.waiting.len() >= self.bounds.waiting_max {
            return Err(Throttled::TooManyWaiting);
        }
        self.waiting.insert(invocation, tenant);
        Ok(self.place_next())
    }

    /// The caller no longer waits. False where the invocation was already placed and runs on.
    pub fn cancel(&mut self, invocation: InvocationKey) -> bool {
        self.waiting.remove(&invocation).is_some()
    }

    /// A link with an environment is there.
    pub fn attach(&mut self, key: EnvironmentKey, revision: R) {
        self.environments.insert(key, Environment::new(revision));
    }

    /// An environment tells whose it is; what it tells of itself comes next.
    pub fn belongs(&mut self, key: EnvironmentKey, tenant: Option<Tenant>) {
        let Some(environment) = self.environments.get_mut(&key) else { return };
        if environment.tenant == tenant {
            return;
        }
        if let Some(turn) = environment.turn.take() {
            self.free.remove(environment.tenant.as_ref(), turn);
        }
        environment.tenant = tenant;
    }

    /// An environment tells of itself.
    pub fn report(&mut self, key: EnvironmentKey, reported: Reported) -> Option<Effect> {
        self.environments.get_mut(&key)?.report(reported);
        self.settle(key)
    }

    /// The invocation was not handed over and never will be by this environment.
    pub fn refused(&mut self, key: EnvironmentKey, invocation: InvocationKey) -> Option<Effect> {
        let environment = self.environments.get_mut(&key)?;
        environment.work_on(invocation).filter(|work| work.stage == Stage::Sent)?;
        let work = environment.work.take()?;
        // It just said no: whatever it said before of being free is no longer so.
        if environment.reported == Reported::Free {
            environment.reported = Reported::Busy;
        }
        self.wait_again(work)
    }

    /// The environment took the invocation. From here on it runs there or nowhere.
    pub fn accepted(&mut self, key: EnvironmentKey, invocation: InvocationKey) {
        let Some(environment) = self.environments.get_mut(&key) else { return };
        let Some(work) = environment.work_on(invocation) else { return };
        if work.stage == Stage::Sent {
            work.stage = Stage::Accepted;
            if environment.reported == Reported::Free {
                environment.reported = Reported::Busy;
            }
        }
    }

    /// The answer is complete.
    pub fn answered(&mut self, key: EnvironmentKey, invocation: InvocationKey) {
        let work = self.environments.get_mut(&key).and_then(|environment| environment.work_on(invocation));
        if let Some(work) = work {
            work.stage = Stage::Answered;
        }
    }

    /// The environment is done with the invocation.
    pub fn finished(&mut self, key: EnvironmentKey, invocation: InvocationKey) -> Option<Effect> {
        let environment = self.environments.get_mut(&key)?;
        environment.work_on(invocation)?;
        environment.work = None;
        self.settle(key)
    }

    /// The link is gone. `handed_over`: the invocation on its way may have reached the environment.
    pub fn lost(&mut self, key: EnvironmentKey, handed_over: bool) -> Option<Effect> {
        let environment = self.environments.remove(&key)?;
        if let Some(turn) = environment.turn {
            self.free.remove(environment.tenant.as_ref(), turn);
        }
        let work = environment.work?;
        match work.stage {
            Stage::Sent if !handed_over => self.wait_again(work),
            Stage::Sent | Stage::Accepted => Some(Effect::Lost(work.invocation)),
            Stage::Answered | Stage::Lingering => None,
        }
    }

    /// The function changed: from now on environments of `revision` are taken, within `bounds`.
    pub fn revise(&mut self, revision: R, bounds: Bounds) -> Vec<Effect> {
        self.bounds = bounds;
        self.closed = false;
        if self.current.as_ref() == Some(&revision) {
            return Vec::new();
        }
        self.current = Some(revision);
        self.obstructed = false;
        self.free.clear();
        self.environments.values_mut().for_each(|environment| environment.turn = None);
        let keys: Vec<EnvironmentKey> = self.environments.keys().copied().collect();
        keys.into_iter().filter_map(|key| self.settle(key)).collect()
    }

    /// No further environment of the current revision can start: who waits is told at once, unless there are
    /// environments to wait for.
    pub fn obstruct(&mut self) -> Vec<Effect> {
        self.obstructed = true;
        let waiting = std::mem::take(&mut self.waiting);
        let (told, kept) = waiting.into_iter().partition(|(_, tenant)| self.is_barren_for(tenant.as_ref()));
        self.waiting = kept;
        let told: BTreeMap<InvocationKey, Option<Tenant>> = told;
        told.into_keys().map(Effect::Obstruct).collect()
    }

    /// Environments may start again.
    pub fn unobstruct(&mut self) {
        self.obstructed = false;
    }

    /// The function is gone: who waits is told, who runs runs on.
    pub fn close(&mut self) -> Vec<Effect> {
        self.closed = true;
        std::mem::take(&mut self.waiting).into_keys().map(Effect::Close).collect()
    }

    /// None can start, and none is there that could turn free.
    fn is_barren_for(&self, tenant: Option<&Tenant>) -> bool {
        let may_serve = |environment: &Environment<R>| {
            self.current.as_ref() == Some(&environment.revision)
                && environment.reported != Reported::Leaving
                && environment.may_serve(tenant)
        };
        self.obstructed && !self.environments.values().any(may_serve)
    }

    fn counted(&self) -> usize {
        self.environments.values().filter(|environment| environment.counts()).count()
    }

    fn wait_again(&mut self, work: Work) -> Option<Effect> {
        let Work { invocation, tenant, .. } = work;
        if self.closed {
            return Some(Effect::Close(invocation));
        }
        self.waiting.insert(invocation, tenant.clone());
        self.place_next().or_else(|| {
            let obstructed =
                self.is_barren_for(tenant.as_ref()) && self.waiting.remove(&invocation).is_some();
            obstructed.then_some(Effect::Obstruct(invocation))
        })
    }

    /// Puts an environment among the free ones, or takes it out, as it is; then serves who has waited longest.
    fn settle(&mut self, key: EnvironmentKey) -> Option<Effect> {
        let environment = self.environments.get_mut(&key)?;
        let usable = environment.is_idle() && self.current.as_ref() == Some(&environment.revision);
        match (usable, environment.turn) {
            (true, None) => environment.turn = Some(self.free.add(environment.tenant.as_ref(), key)),
            (false, Some(turn)) => {
                environment.turn = None;
                self.free.remove(environment.tenant.as_ref(), turn);
            }
            (true, Some(_)) | (false, None) => {}
        }
        self.place_next()
    }

    /// Gives the environment that turned free last to the invocation that has waited longest, of those that fit.
    /// Looks at every waiter only where all free environments are other tenants'.
    fn place_next(&mut self) -> Option<Effect> {
        if self.free.is_empty() {
            return None;
        }
        let fits = |(invocation, tenant): (&InvocationKey, &Option<Tenant>)| {
            Some((*invocation, self.free.newest_for(tenant.as_ref())?))
        };
        let (invocation, key) = self.waiting.iter().find_map(fits)?;
        let tenant = self.waiting.remove(&invocation)?;
        let environment = self.environments.get_mut(&key)?;
        if let Some(turn) = environment.turn {
            self.free.remove(environment.tenant.as_ref(), turn);
        }
        environment.give(invocation, tenant);
        Some(Effect::Place(invocation, key))
    }
}
