//! What people and gateways are told: statuses, events, obstacles.

use std::time::Duration;

use domain::FunctionArn;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource;
use protocol::link::assignment::Revision;
use protocol::link::control::{FromOperator, Obstacle};
use resources::configuration::account_of_namespace;
use resources::{Function, FunctionStatus};

use super::known::{Known, Told};
use super::planning::is_unschedulable;
use super::{Core, Effect, Notice, STATUS_SECONDS_MIN};
use crate::function::status::{Standing, pinned_image, status};
use crate::function::{FunctionKey, Problem};
use crate::image::ImageProgress;
use crate::moment::Moment;

/// How long a registry is waited for before a Function is reported as pending, in seconds: nearly all answer at
/// once, and a status is written only every few seconds.
pub(super) const REGISTRY_SECONDS_QUIET: u64 = 2;
/// How often gateways are told of an obstacle again while invocations wait, in seconds: they believe in one for
/// 30 s, and starts back off for longer.
pub(super) const OBSTACLE_AGAIN_SECONDS: u64 = 5;

impl Core {
    pub(super) fn report(&mut self, key: &FunctionKey, now: Moment) {
        self.publish_problem(key);
        let Some(wanted) = self.wanted_status(key, now) else { return };
        let Some(known) = self.functions.get_mut(key) else { return };
        let patience = Duration::from_secs(REGISTRY_SECONDS_QUIET);
        if known.image.asked_at.is_some_and(|at| now.elapsed.saturating_sub(at) < patience) {
            return;
        }
        let reported = &mut known.reported;
        let bound = Duration::from_secs(STATUS_SECONDS_MIN);
        let is_early = reported.written_at.is_some_and(|at| now.elapsed.saturating_sub(at) < bound);
        if reported.status.as_ref() == Some(&wanted) || reported.is_writing || is_early {
            return;
        }
        reported.is_writing = true;
        reported.written_at = Some(now.elapsed);
        reported.status = Some(wanted.clone());
        self.effects.push(Effect::WriteStatus(key.clone(), Box::new(wanted)));
    }

    pub(super) fn status_written(&mut self, key: &FunctionKey, result: &Result<(), String>) {
        let Some(known) = self.functions.get_mut(key) else { return };
        known.reported.is_writing = false;
        if result.is_err() {
            // What the API server has is not known; the bound between two writes spaces the next attempt.
            known.reported.status = None;
        }
    }

    fn wanted_status(&self, key: &FunctionKey, now: Moment) -> Option<FunctionStatus> {
        let known = self.functions.get(key)?;
        let annotation = self.accounts.get(&key.namespace).and_then(Option::as_deref);
        let arn = known.function.aws_name().parse().ok().map(|name| FunctionArn {
            region: self.rules.region.clone(),
            account: account_of_namespace(&key.namespace, annotation),
            name,
            qualifier: None,
        });
        let environments = self.environments_of(key).filter(|(_, one)| !one.is_over()).count();
        let image = match &known.image.progress {
            ImageProgress::Known(facts) => Some(facts.reference.clone()),
            // Between this start and the registry's answer, the generation keeps the digest that it has.
            _ => pinned_image(known.function.metadata.generation, known.written_status()).map(str::to_owned),
        };
        let standing = Standing {
            problem: known.problem().cloned(),
            is_decided: known.judged.as_ref().is_ok_and(Option::is_some),
            arn: arn.map(|arn| arn.to_string()),
            environments: i32::try_from(environments).unwrap_or(i32::MAX),
            image,
        };
        let before = known.written_status();
        Some(status(known.function.metadata.generation, before, &standing, &now.rfc3339()))
    }

    fn publish_problem(&mut self, key: &FunctionKey) {
        let Some(known) = self.functions.get_mut(key) else { return };
        let problem = known.problem().cloned();
        // By reason only: the API server's words may name a pod, and so differ with every try.
        let reason = |problem: &Option<Problem>| problem.as_ref().map(|problem| problem.reason);
        if reason(&known.published) == reason(&problem) {
            return;
        }
        known.published.clone_from(&problem);
        if let Some(Problem { reason, message, .. }) = problem {
            self.publish_about(key, reason.as_str(), message);
        }
    }

    pub(super) fn publish_about(&mut self, key: &FunctionKey, reason: &'static str, note: String) {
        let Some(known) = self.functions.get(key).filter(|_| self.leads) else { return };
        let about = reference(known);
        self.effects.push(Effect::Publish(Notice { about, is_warning: true, reason, note }));
    }

    /// Tells gateways whether environments can start; waiting invocations are answered by it.
    pub(super) fn tell_obstacle(&mut self, key: &FunctionKey, now: Duration) {
        let Some(known) = self.functions.get(key) else { return };
        let stands = known.starts.retry_at.is_some_and(|at| at > now)
            || self.environments_of(key).any(|(_, one)| is_unschedulable(one));
        let obstacle = |problem: &Problem| Some((problem.obstacle?, problem.message.clone()));
        let present: Option<(Obstacle, String)> = match &known.judged {
            Err(problem) => obstacle(problem),
            Ok(_) if stands => known.starts.problem.as_ref().and_then(obstacle).filter(|(obstacle, _)| {
                // No room for another is no reason to turn away who can have one that is on its way.
                let is_about_room = matches!(obstacle, Obstacle::Unschedulable | Obstacle::Refused);
                !is_about_room || !self.has_another(key)
            }),
            Ok(_) => None,
        };
        let wanted =
            present.map(|(obstacle, message)| Told { revision: known.revision.clone(), obstacle, message });
        if known.told == wanted {
            return;
        }
        let before = known.told.clone();
        if let Some(told) =
            before.filter(|told| wanted.as_ref().is_none_or(|new| new.revision != told.revision))
        {
            let message = FromOperator::Unblocked { revision: told.revision };
            self.effects.push(Effect::ToGateways(message));
        }
        self.effects.extend(wanted.clone().map(Told::message).map(Effect::ToGateways));
        if let Some(known) = self.functions.get_mut(key) {
            known.told = wanted;
            known.told_at = now;
        }
    }

    /// An environment of the current revision serves, or has a node and is about to.
    fn has_another(&self, key: &FunctionKey) -> bool {
        self.functions.get(key).is_some_and(|known| {
            self.environments_of(key).any(|(_, one)| {
                one.revision == known.revision
                    && (one.is_serving() || (one.is_starting() && !is_unschedulable(one)))
            })
        })
    }

    /// Invocations of a revision wait: where it is blocked, gateways are told again, since they forget.
    pub(super) fn repeat_obstacle(&mut self, revision: &Revision, now: Duration) {
        let Some(known) = self.functions.get_mut(&FunctionKey::of_revision(revision)) else { return };
        let bound = Duration::from_secs(OBSTACLE_AGAIN_SECONDS);
        let told = known.told.clone().filter(|told| told.revision == *revision);
        if let Some(told) = told.filter(|_| now.saturating_sub(known.told_at) >= bound) {
            known.told_at = now;
            self.effects.push(Effect::ToGateways(told.message()));
        }
    }
}

fn reference(known: &Known) -> ObjectReference {
    let metadata = &known.function.metadata;
    ObjectReference {
        api_version: Some(Function::api_version(&()).into_owned()),
        kind: Some(Function::kind(&()).into_owned()),
        namespace: metadata.namespace.clone(),
        name: metadata.name.clone(),
        uid: metadata.uid.clone(),
        ..ObjectReference::default()
    }
}
