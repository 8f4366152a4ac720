//! From what is declared to a snapshot.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use domain::{AccountId, FunctionName, TimeBudget};
use protocol::link::assignment::Revision;

use super::{Catalog, Declared, DeclaredFunction, DeclaredNamespace, FunctionEntry};
use crate::fleets::FunctionFleet;

impl Catalog {
    /// The snapshot of `declared`; `fleet_of` finds the fleet that a function keeps over every snapshot.
    pub(crate) fn build(declared: &Declared, fleet_of: impl Fn(&Revision) -> Arc<FunctionFleet>) -> Self {
        let accounts: HashMap<String, AccountId> =
            declared.namespaces.iter().map(|of| (of.name.clone(), of.account.clone())).collect();
        let mut catalog =
            Self { functions: HashMap::new(), namespaces: namespaces(&declared.namespaces), accounts };
        for ((namespace, name), function) in oldest_by_name(&declared.functions) {
            let entry = Arc::new(entry(function, catalog.account_of(namespace), &fleet_of));
            catalog.functions.entry(namespace.to_owned()).or_default().insert(name.clone(), entry);
        }
        catalog
    }
}

fn namespaces(declared: &[DeclaredNamespace]) -> HashMap<AccountId, String> {
    let mut oldest: HashMap<&AccountId, &DeclaredNamespace> = HashMap::new();
    for namespace in declared {
        let holder = oldest.entry(&namespace.account).or_insert(namespace);
        if namespace.created < holder.created {
            *holder = namespace;
        }
    }
    oldest.into_values().map(|namespace| (namespace.account.clone(), namespace.name.clone())).collect()
}

fn oldest_by_name(declared: &[DeclaredFunction]) -> HashMap<(&str, &FunctionName), &DeclaredFunction> {
    let mut oldest: HashMap<(&str, &FunctionName), &DeclaredFunction> = HashMap::new();
    for function in declared {
        match oldest.entry((function.namespace.as_str(), &function.name)) {
            Entry::Vacant(place) => {
                place.insert(function);
            }
            Entry::Occupied(mut place) if function.created < place.get().created => {
                place.insert(function);
            }
            Entry::Occupied(_) => {}
        }
    }
    oldest
}

fn entry(
    function: &DeclaredFunction,
    account: AccountId,
    fleet_of: impl Fn(&Revision) -> Arc<FunctionFleet>,
) -> FunctionEntry {
    let revision = Revision {
        namespace: function.namespace.clone(),
        function: function.object.clone(),
        uid: function.created.uid.clone(),
        version: function.version.clone(),
        configuration: function.configuration.clone(),
    };
    FunctionEntry {
        name: function.name.clone(),
        account,
        budget: TimeBudget::from_timeout_seconds(function.timeout_seconds),
        memory_mb: function.memory_mb,
        environments_max: function.environments_max,
        tracing: function.tracing,
        tenancy: function.tenancy,
        unavailable: function.unavailable.clone(),
        settings: Arc::clone(&function.settings),
        state: function.state.clone(),
        fleet: fleet_of(&revision),
        revision,
    }
}
