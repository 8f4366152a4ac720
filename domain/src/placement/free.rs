//! Free environments of the current revision, by tenant and by when they turned free.

use std::collections::BTreeMap;

use super::keys::{EnvironmentKey, Tenant};

/// The free environments. One that has served nobody yet has no tenant; nor has any of a function without tenants.
#[derive(Debug, Default)]
pub(super) struct Free {
    by_tenant: BTreeMap<Option<Tenant>, BTreeMap<u64, EnvironmentKey>>,
    turns: u64,
}

impl Free {
    /// Adds one; its place among the others.
    pub(super) fn add(&mut self, tenant: Option<&Tenant>, key: EnvironmentKey) -> u64 {
        self.turns += 1;
        self.by_tenant.entry(tenant.cloned()).or_default().insert(self.turns, key);
        self.turns
    }

    pub(super) fn remove(&mut self, tenant: Option<&Tenant>, turn: u64) {
        let tenant = tenant.cloned();
        let Some(own) = self.by_tenant.get_mut(&tenant) else { return };
        own.remove(&turn);
        if own.is_empty() {
            self.by_tenant.remove(&tenant);
        }
    }

    /// The one that turned free last: of the tenant's own, else of those that are nobody's.
    pub(super) fn newest_for(&self, tenant: Option<&Tenant>) -> Option<EnvironmentKey> {
        let newest =
            |of: Option<&Tenant>| self.by_tenant.get(&of.cloned())?.last_key_value().map(|(_, key)| *key);
        newest(tenant).or_else(|| newest(None))
    }

    pub(super) fn len(&self) -> usize {
        self.by_tenant.values().map(BTreeMap::len).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_tenant.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.by_tenant.clear();
    }
}
