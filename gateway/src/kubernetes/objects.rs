//! Everything that the watches have told so far.

use std::collections::HashMap;

use resources::RuntimeSpec;

use super::declared::KeptFunction;
use super::watching::{Change, ObjectKey};
use crate::catalog::{Declared, DeclaredNamespace};

/// The objects of one kind.
#[derive(Debug)]
pub(super) struct Kind<T> {
    objects: HashMap<ObjectKey, T>,
    listed: bool,
}

impl<T> Default for Kind<T> {
    fn default() -> Self {
        Self { objects: HashMap::new(), listed: false }
    }
}

impl<T> Kind<T> {
    pub(super) fn take(&mut self, change: Change<T>) {
        match change {
            Change::All(objects) => {
                self.objects = objects.into_iter().collect();
                self.listed = true;
            }
            Change::Applied(key, object) => {
                self.objects.insert(key, object);
            }
            Change::Deleted(key) => {
                self.objects.remove(&key);
            }
        }
    }
}

/// The objects of every kind.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) functions: Kind<KeptFunction>,
    pub(super) runtimes: Kind<RuntimeSpec>,
    pub(super) namespaces: Kind<DeclaredNamespace>,
}

impl Objects {
    /// What is declared; nothing before every kind was listed once.
    pub(super) fn declared(&self) -> Option<Declared> {
        if !(self.functions.listed && self.runtimes.listed && self.namespaces.listed) {
            return None;
        }
        let runtime = |name: &str| self.runtimes.objects.get(&(String::new(), name.to_owned()));
        let functions = self.functions.objects.values().map(|function| function.declared(runtime));
        let namespaces = self.namespaces.objects.values().cloned();
        Some(Declared { functions: functions.collect(), namespaces: namespaces.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_declared_before_every_kind_was_listed() {
        let mut objects = Objects::default();
        objects.functions.take(Change::All(Vec::new()));
        objects.runtimes.take(Change::All(Vec::new()));
        assert_eq!(objects.declared(), None);
        objects.namespaces.take(Change::All(Vec::new()));
        assert_eq!(objects.declared(), Some(Declared::default()));
    }
}
