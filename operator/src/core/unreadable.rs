//! Functions that this version cannot read, as one that a newer version wrote: people are told, what is known of
//! them and what runs of them is left as it is, and all others go on.

use k8s_openapi::api::core::v1::ObjectReference;
use resources::Reason;

use super::{Core, Effect, Notice};
use crate::function::FunctionKey;

#[derive(Debug)]
pub(super) struct Unreadable {
    notice: Notice,
    is_told: bool,
    /// It was seen after the last list of all was complete.
    is_fresh: bool,
}

impl Core {
    pub(super) fn function_unreadable(&mut self, about: ObjectReference, why: &str) {
        let key = FunctionKey {
            namespace: about.namespace.clone().unwrap_or_default(),
            name: about.name.clone().unwrap_or_default(),
        };
        let note = format!("the Function cannot be read: {why}");
        let notice = Notice { about, is_warning: true, reason: Reason::InvalidSpec.as_str(), note };
        let before = self.unreadable.get(&key);
        let is_told = before.is_some_and(|before| before.is_told && before.notice == notice);
        self.unreadable.insert(key, Unreadable { notice, is_told, is_fresh: true });
    }

    /// A list is complete: what it does not have is gone.
    pub(super) fn forget_stale_unreadable(&mut self) {
        self.unreadable.retain(|_, one| std::mem::take(&mut one.is_fresh));
    }

    pub(super) fn tell_unreadable(&mut self) {
        if self.leads {
            let untold = self.unreadable.values_mut().filter(|one| !one.is_told);
            self.effects.extend(untold.map(|one| {
                one.is_told = true;
                Effect::Publish(one.notice.clone())
            }));
        }
    }
}
