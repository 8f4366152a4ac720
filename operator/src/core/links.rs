//! Connections with environments, and what environments tell of themselves.

use std::net::SocketAddr;
use std::time::Duration;

use protocol::link::environment::{EnvironmentState, InitResult, Phase, ToEnvironment};
use protocol::link::frame::Frame;
use resources::Reason;

use super::environment::{DIAL_BACKOFF, Stage};
use super::{Core, Effect, LinkId, Measured, PodKey};
use crate::function::Problem;
use crate::function::assignment::{Home, assignment};
use crate::function::init_error;

/// How long a link is kept although a second one of the same environment was opened, in seconds. An
/// environment that announces itself while it is dialled has two for a moment; one that comes later has lost
/// the first.
const LINK_FRESH_SECONDS: u64 = 2;

impl Core {
    pub(super) fn linked(&mut self, pod: &PodKey, link: LinkId, address: SocketAddr, now: Duration) {
        let leads = self.leads;
        let Some(environment) = self.environments.get_mut(pod).filter(|_| leads) else {
            return self.effects.push(Effect::CloseLink(link));
        };
        environment.dialling.is_running = false;
        environment.dialling.failures = 0;
        if environment.is_address_sure && environment.address != Some(address) {
            // Whoever announced itself from elsewhere is reached where its pod is.
            environment.dialling.at = now;
            return self.effects.push(Effect::CloseLink(link));
        }
        let bound = Duration::from_secs(LINK_FRESH_SECONDS);
        let is_fresh = environment.linked_at.is_some_and(|at| now.saturating_sub(at) < bound);
        if environment.link.is_some() && is_fresh {
            return self.effects.push(Effect::CloseLink(link));
        }
        if let Some(stale) = environment.link.replace(link) {
            self.links.remove(&stale);
            self.effects.push(Effect::CloseLink(stale));
        }
        environment.linked_at = Some(now);
        environment.is_assigned = false;
        let is_news = !environment.is_up || environment.address != Some(address);
        environment.address = Some(address);
        let is_leaving = matches!(environment.stage, Stage::Leaving(_));
        self.links.insert(link, pod.clone());
        if is_news {
            self.tell_up(pod);
        }
        if is_leaving {
            self.effects.push(drain(link));
        }
    }

    pub(super) fn unlinked(&mut self, link: LinkId, now: Duration) {
        let Some(pod) = self.links.remove(&link) else { return };
        let Some(environment) = self.environments.get_mut(&pod) else { return };
        environment.link = None;
        environment.unlinked_at = now;
        environment.dialling.at = now + DIAL_BACKOFF.least;
    }

    pub(super) fn dial_failed(&mut self, pod: &PodKey, now: Duration) {
        let random = (self.draw)();
        let Some(environment) = self.environments.get_mut(pod) else { return };
        let dialling = &mut environment.dialling;
        dialling.is_running = false;
        dialling.failures = dialling.failures.saturating_add(1);
        dialling.at = now + DIAL_BACKOFF.wait(dialling.failures, random);
    }

    pub(super) fn state_told(&mut self, link: LinkId, state: EnvironmentState, now: Duration) {
        let Some(pod) = self.links.get(&link).cloned() else { return };
        let Some(environment) = self.environments.get_mut(&pod) else { return };
        let before = environment.phase.replace(state.phase);
        if state.phase == Phase::Free && before != Some(Phase::Free) {
            environment.free_since = now;
        }
        let is_another = state.revision.as_ref().is_some_and(|told| *told != environment.revision);
        let ends_itself = matches!(state.phase, Phase::Draining | Phase::Drained);
        if environment.stage == Stage::Alive && (is_another || ends_itself) {
            environment.stage = Stage::Leaving(now);
            if is_another {
                self.effects.push(drain(link));
            }
        }
        let started_in = now.saturating_sub(environment.since);
        let is_first_free =
            state.phase == Phase::Free && matches!(before, None | Some(Phase::Generic | Phase::Init));
        if is_first_free && environment.is_own {
            self.effects.push(Effect::Measure(Measured::Started(started_in.as_secs_f64())));
        }
        let function = environment.function();
        self.note_init(&pod, state.init, now);
        self.touch(function);
    }

    fn note_init(&mut self, pod: &PodKey, init: Option<InitResult>, now: Duration) {
        let Some(environment) = self.environments.get_mut(pod) else { return };
        if init.is_none() || environment.init == init {
            return;
        }
        environment.init.clone_from(&init);
        let problem = match init {
            None => return,
            Some(InitResult::Succeeded { .. }) => {
                let function = environment.function();
                if let Some(known) = self.functions.get_mut(&function)
                    && known.revision == environment.revision
                {
                    known.start_succeeded();
                }
                return;
            }
            Some(InitResult::Failed { error_type, message }) => {
                let words = init_error::words(&message);
                let known = self.functions.get(&environment.function());
                let handler = known.and_then(|known| known.function.spec.handler.as_deref());
                let reason = init_error::reason(&error_type, &words, handler);
                Problem::new(reason, format!("{error_type}: {words}"))
            }
            Some(InitResult::TimedOut) => Problem::new(
                Reason::InitTimedOut,
                "the init phase took longer than it may; it is repeated inside the first invocation",
            ),
        };
        self.start_failed(pod, Some(problem), now);
    }

    /// Makes a generic environment its revision's; one whose recipe is not known yet waits.
    pub(super) fn assign(&mut self, pod: &PodKey) {
        let Some(environment) = self.environments.get_mut(pod) else { return };
        let Some(link) = environment.link else { return };
        let Some(known) = self.functions.get(&environment.function()) else { return };
        let Some(recipe) = known.judged.as_ref().ok().and_then(Option::as_ref) else { return };
        if known.revision != environment.revision {
            return;
        }
        let namespace = &environment.revision.namespace;
        let annotation = self.accounts.get(namespace).and_then(Option::as_deref);
        let home = Home {
            account: resources::configuration::account_of_namespace(namespace, annotation),
            region: self.rules.region.clone(),
        };
        let stream = environment.log_stream.clone();
        match assignment(&known.function, &known.revision, recipe, home, stream) {
            Ok(frame) => {
                environment.is_assigned = true;
                self.effects.push(Effect::ToEnvironment(link, Box::new(frame)));
                self.tell_up(pod);
            }
            Err(error) => tracing::error!(%error, pod = pod.name, "Cannot make an assignment"),
        }
    }
}

pub(super) fn drain(link: LinkId) -> Effect {
    Effect::ToEnvironment(link, Box::new(Frame::bare(ToEnvironment::Drain)))
}
