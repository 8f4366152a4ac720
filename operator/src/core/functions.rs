//! Functions, Runtimes and namespaces: what exists, and whether it can run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use resources::{Function, Reason, Runtime};

use super::effect::ImageQuestion;
use super::known::{IMAGE_BACKOFF, Known};
use super::{AwsName, Change, Claim, Core, Effect, SeenNamespace};
use crate::function::status::pinned_image;
use crate::function::{FunctionKey, Problem};
use crate::image::ImageProgress;
use crate::pod::placement::kubernetes_name;

impl Core {
    pub(super) fn functions_changed(&mut self, change: Change<Arc<Function>, FunctionKey>) {
        match change {
            Change::Seen(function) => self.function_seen(function),
            Change::Gone(key) => {
                self.unreadable.remove(&key);
                self.function_gone(&key);
            }
            Change::Listed(functions) => {
                let listed: BTreeSet<_> =
                    functions.iter().map(|function| FunctionKey::of(function)).collect();
                self.forget_stale_unreadable();
                let exists = |key: &FunctionKey| listed.contains(key) || self.unreadable.contains_key(key);
                let gone: Vec<_> = self.functions.keys().filter(|key| !exists(key)).cloned().collect();
                for key in &gone {
                    self.function_gone(key);
                }
                for function in functions {
                    self.function_seen(function);
                }
                self.synced.functions = true;
                self.touch_all();
            }
        }
    }

    fn function_seen(&mut self, function: Arc<Function>) {
        let key = FunctionKey::of(&function);
        self.unreadable.remove(&key);
        self.names.entry(aws_name(&function)).or_default().insert(claim(&function));
        self.touch_namesakes(&function);
        let runtime = function.spec.runtime.as_ref().and_then(|name| self.runtimes.get(name));
        match self.functions.get_mut(&key) {
            Some(known) if known.function.metadata.uid == function.metadata.uid => {
                known.renew(function, runtime);
            }
            Some(_) => {
                self.function_gone(&key);
                return self.function_seen(function);
            }
            None => {
                self.functions.insert(key.clone(), Known::new(function, runtime));
            }
        }
        self.touch(key);
    }

    fn function_gone(&mut self, key: &FunctionKey) {
        let Some(known) = self.functions.remove(key) else { return };
        self.touch_namesakes(&known.function);
        let name = aws_name(&known.function);
        if let Some(claims) = self.names.get_mut(&name) {
            claims.remove(&claim(&known.function));
            if claims.is_empty() {
                self.names.remove(&name);
            }
        }
        self.touched.remove(key);
    }

    /// Whoever has the same AWS name may have gained or lost it.
    fn touch_namesakes(&mut self, function: &Function) {
        let name = aws_name(function);
        let namesakes = self.names.get(&name).into_iter().flatten();
        let keys: Vec<_> = namesakes
            .map(|(_, _, object)| FunctionKey { namespace: name.0.clone(), name: object.clone() })
            .filter(|key| self.functions.contains_key(key))
            .collect();
        self.touched.extend(keys);
    }

    pub(super) fn runtimes_changed(&mut self, change: Change<Runtime, String>) {
        let named = |runtime: Runtime| Some((runtime.metadata.name?, runtime.spec));
        match change {
            Change::Seen(runtime) => self.runtimes.extend(named(runtime)),
            Change::Gone(name) => drop(self.runtimes.remove(&name)),
            Change::Listed(runtimes) => {
                self.runtimes = runtimes.into_iter().filter_map(named).collect();
                self.synced.runtimes = true;
            }
        }
        for known in self.functions.values_mut() {
            let runtime = known.function.spec.runtime.as_ref().and_then(|name| self.runtimes.get(name));
            known.renew_runtime(runtime);
        }
        self.touch_all();
    }

    pub(super) fn namespaces_changed(&mut self, change: Change<SeenNamespace, String>) {
        match change {
            Change::Seen(namespace) => drop(self.accounts.insert(namespace.name, namespace.account)),
            Change::Gone(name) => drop(self.accounts.remove(&name)),
            Change::Listed(namespaces) => {
                self.accounts = namespaces.into_iter().map(|one| (one.name, one.account)).collect();
                self.synced.namespaces = true;
            }
        }
        self.touch_all();
    }

    pub(super) fn judge(&mut self, key: &FunctionKey) {
        let Some(known) = self.functions.get(key) else { return };
        let conflict = self.name_conflict(known);
        let runtime = self.runtime_of(&known.function).cloned();
        if let Some(known) = self.functions.get_mut(key) {
            known.judge(runtime.as_ref(), conflict);
        }
    }

    /// The oldest has the name; among those of one second, the one with the smallest uid.
    fn name_conflict(&self, known: &Known) -> Option<Problem> {
        let name = aws_name(&known.function);
        let (_, uid, owner) = self.names.get(&name)?.first()?;
        if Some(uid) == known.function.metadata.uid.as_ref() {
            return None;
        }
        let message =
            format!("the older Function '{owner}' of this namespace already has the name '{}'", name.1);
        Some(Problem::new(Reason::NameConflict, message))
    }

    pub(super) fn ask_for_image(&mut self, key: &FunctionKey, now: Duration) {
        let Some(known) = self.functions.get_mut(key) else { return };
        let Some(written) = &known.function.spec.code.image else { return };
        if known.image.asked_at.is_some() || known.image.ask_at.is_some_and(|at| at > now) {
            return;
        }
        if matches!(known.image.progress, ImageProgress::Known(_)) {
            return;
        }
        known.image.asked_at = Some(now);
        let metadata = &known.function.metadata;
        let pinned = pinned_image(metadata.generation, known.written_status());
        let spec = &known.function.spec;
        let question = ImageQuestion {
            reference: pinned.unwrap_or(written).to_owned(),
            pull_secrets: spec.image_pull_secrets.iter().map(|secret| secret.name.clone()).collect(),
            architecture: spec.architectures.first().map_or("amd64", |&one| kubernetes_name(one)),
        };
        self.effects.push(Effect::ReadImage(key.clone(), metadata.generation.unwrap_or_default(), question));
    }

    pub(super) fn image_read(
        &mut self,
        key: &FunctionKey,
        generation: i64,
        progress: ImageProgress,
        now: Duration,
    ) {
        let random = (self.draw)();
        let Some(known) = self.functions.get_mut(key) else { return };
        if known.function.metadata.generation.unwrap_or_default() != generation {
            return;
        }
        let image = &mut known.image;
        image.asked_at = None;
        if matches!(progress, ImageProgress::Known(_)) {
            image.failures = 0;
            image.ask_at = None;
        } else {
            image.failures = image.failures.saturating_add(1);
            image.ask_at = Some(now + IMAGE_BACKOFF.wait(image.failures, random));
        }
        image.progress = progress;
        self.touch(key.clone());
    }
}

fn aws_name(function: &Function) -> AwsName {
    (function.metadata.namespace.clone().unwrap_or_default(), function.aws_name().to_owned())
}

fn claim(function: &Function) -> Claim {
    let metadata = &function.metadata;
    let created = metadata.creation_timestamp.as_ref().map_or(i64::MAX, |time| time.0.as_second());
    (created, metadata.uid.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}
