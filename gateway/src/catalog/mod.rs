//! The catalog: an immutable snapshot of what exists, swapped in as a whole.
//!
//! Of functions with one AWS name in a namespace, the oldest has it; of namespaces with one account id, the
//! oldest is reached by it. Both by creation time, then uid, so that every gateway comes to the same answer.

mod build;
mod resolve;
mod shown;
mod source;

use std::collections::HashMap;
use std::sync::Arc;

use domain::{AccountId, FunctionName, TimeBudget, TracingMode};
use protocol::lambda_api::configuration::{FunctionSettings, FunctionState};
use protocol::link::assignment::Revision;

use crate::fleets::FunctionFleet;
use crate::metrics::FunctionLabels;

pub use resolve::{NotResolved, Resolved};
pub use shown::{settings_of, state_of};
pub use source::{
    CatalogSource, Created, Declared, DeclaredFunction, DeclaredNamespace, DeclaredSender, Tenancy,
    Unavailable,
};

/// One function that callers can name.
#[derive(Debug)]
pub struct FunctionEntry {
    /// The AWS name.
    pub name: FunctionName,
    /// The account of its namespace.
    pub account: AccountId,
    /// What its environments must be.
    pub revision: Revision,
    /// Its time-out.
    pub budget: TimeBudget,
    /// Its memory, in MB.
    pub memory_mb: u32,
    /// Most environments at once.
    pub environments_max: u32,
    /// Whether the platform traces it by itself.
    pub tracing: TracingMode,
    /// Whether callers may name a tenant.
    pub tenancy: Tenancy,
    /// Why it cannot be invoked, where that is known without a pod.
    pub unavailable: Option<Unavailable>,
    /// What the Lambda API shows beside.
    pub settings: Arc<FunctionSettings>,
    /// Whether it can be invoked, as the Lambda API shows it.
    pub state: FunctionState,
    pub(crate) fleet: Arc<FunctionFleet>,
}

impl FunctionEntry {
    /// The labels of its series.
    pub(crate) fn labels(&self) -> FunctionLabels {
        FunctionLabels {
            namespace: self.revision.namespace.clone(),
            function: self.name.to_string(),
            version: self.revision.version.clone(),
        }
    }
}

/// A snapshot of what exists.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Namespace, then AWS name.
    functions: HashMap<String, HashMap<FunctionName, Arc<FunctionEntry>>>,
    /// Which namespace an account id stands for.
    namespaces: HashMap<AccountId, String>,
    /// The account id of each namespace that declares one.
    accounts: HashMap<String, AccountId>,
}

impl Catalog {
    /// Every function that callers can name.
    pub fn functions(&self) -> impl Iterator<Item = &Arc<FunctionEntry>> {
        self.functions.values().flat_map(HashMap::values)
    }

    /// The account id of a namespace.
    pub fn account_of(&self, namespace: &str) -> AccountId {
        let stable = || resources::configuration::account_of_namespace(namespace, None);
        self.accounts.get(namespace).cloned().unwrap_or_else(stable)
    }
}
