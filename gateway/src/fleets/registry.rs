//! Every fleet by its function. Not on the path of a request: a catalog entry carries its fleet.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::placement::Bounds;
use protocol::link::assignment::Revision;
use protocol::link::control::Demand;
use tokio::sync::Notify;

use super::function_fleet::FunctionFleet;
use crate::catalog::Catalog;

/// Uid and version: what an environment belongs to over every change of its configuration.
type FleetKey = (String, String);

/// Every fleet.
#[derive(Debug)]
pub(crate) struct Fleets {
    by_function: Mutex<HashMap<FleetKey, Arc<FunctionFleet>>>,
    waiting_per_function_max: usize,
    prompt: Arc<Notify>,
}

impl Fleets {
    /// `prompt` is notified when an invocation begins to wait.
    pub(crate) fn new(waiting_per_function_max: usize, prompt: Arc<Notify>) -> Self {
        Self { by_function: Mutex::default(), waiting_per_function_max, prompt }
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self::new(10, Arc::default())
    }

    /// The fleet of the function and version that `revision` is of, made where there is none.
    pub(crate) fn of(&self, revision: &Revision) -> Arc<FunctionFleet> {
        let key = (revision.uid.clone(), revision.version.clone());
        let mut fleets = self.lock();
        let fleet =
            fleets.entry(key).or_insert_with(|| Arc::new(FunctionFleet::new(Arc::clone(&self.prompt))));
        Arc::clone(fleet)
    }

    /// Brings every fleet in line with a new catalog: bounds and revisions of what exists, an end to the rest.
    pub(crate) fn follow(&self, catalog: &Catalog) {
        let mut kept: HashSet<FleetKey> = HashSet::new();
        for function in catalog.functions() {
            kept.insert((function.revision.uid.clone(), function.revision.version.clone()));
            let environments_max = usize::try_from(function.environments_max).unwrap_or(usize::MAX);
            let bounds = Bounds { environments_max, waiting_max: self.waiting_per_function_max };
            function.fleet.revise(function.revision.clone(), bounds);
        }
        let gone = self.lock().extract_if(|key, fleet| !kept.contains(key) && fleet.end()).count();
        if gone > 0 {
            tracing::debug!(gone, "Fleets of deleted functions are gone");
        }
    }

    /// Every fleet, at this moment.
    pub(crate) fn all(&self) -> Vec<Arc<FunctionFleet>> {
        self.lock().values().cloned().collect()
    }

    /// Demand of every revision.
    pub(crate) fn demand(&self) -> Vec<Demand> {
        self.all().iter().flat_map(|fleet| fleet.demand()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FleetKey, Arc<FunctionFleet>>> {
        self.by_function.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
