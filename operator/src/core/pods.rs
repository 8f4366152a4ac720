//! Pods as the API server tells of them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use protocol::link::ENVIRONMENT_PORT;
use protocol::link::environment::Phase;
use resources::Reason;

use super::environment::{Environment, Stage};
use super::{Change, Core, CreateError, Effect, Measured, PodKey};
use crate::function::Problem;
use crate::pod::observation::{End, Progress, SeenPod};

impl Core {
    pub(super) fn pods_changed(&mut self, change: Change<SeenPod, PodKey>, now: Duration) {
        match change {
            Change::Seen(pod) => self.pod_seen(pod, now),
            Change::Gone(key) => self.pod_gone(&key),
            Change::Listed(pods) => {
                let listed: BTreeSet<PodKey> = pods.iter().map(key_of).collect();
                let is_gone =
                    |key: &PodKey, one: &Environment| one.stage != Stage::Creating && !listed.contains(key);
                let gone: Vec<_> = self
                    .environments
                    .iter()
                    .filter(|(key, one)| is_gone(key, one))
                    .map(|(key, _)| key.clone())
                    .collect();
                for key in &gone {
                    self.pod_gone(key);
                }
                for pod in pods {
                    self.pod_seen(pod, now);
                }
                self.synced.pods = true;
            }
        }
    }

    fn pod_seen(&mut self, pod: SeenPod, now: Duration) {
        let key = key_of(&pod);
        if !self.environments.contains_key(&key) {
            let adopted = Environment::new(
                pod.revision.clone(),
                pod.log_stream.clone(),
                Some(pod.uid.clone()),
                Stage::Alive,
                now,
            );
            self.insert_environment(key.clone(), adopted);
        }
        let Some(environment) = self.environments.get_mut(&key) else { return };
        environment.uid = Some(pod.uid);
        match environment.stage {
            Stage::Creating => environment.stage = Stage::Alive,
            // Somebody else deletes it: a person, an eviction, the collector after its Function went.
            Stage::Alive if pod.deleting => environment.stage = Stage::Leaving(now),
            _ => {}
        }
        let before = std::mem::replace(&mut environment.progress, pod.progress);
        let function = environment.function();
        let progress = environment.progress.clone();
        if let Some(ip) = pod.address {
            self.located(&key, SocketAddr::new(ip, ENVIRONMENT_PORT), now);
        }
        if progress != before {
            self.progressed(&key, &progress, now);
        }
        self.touch(function);
    }

    /// The API server tells where a pod is: that is what gateways dial, whatever an announcement's address was.
    fn located(&mut self, key: &PodKey, address: SocketAddr, now: Duration) {
        let Some(environment) = self.environments.get_mut(key) else { return };
        environment.is_address_sure = true;
        if environment.address == Some(address) && environment.is_up {
            return;
        }
        let was_elsewhere = environment.address.is_some_and(|before| before != address);
        environment.address = Some(address);
        if let Some(link) = environment.link.filter(|_| was_elsewhere) {
            self.effects.push(Effect::CloseLink(link));
            self.unlinked(link, now);
        }
        if let Some(environment) = self.environments.get_mut(key) {
            environment.dialling.at = now;
        }
        self.tell_up(key);
    }

    fn progressed(&mut self, key: &PodKey, progress: &Progress, now: Duration) {
        match progress {
            Progress::Starting | Progress::Running => {}
            Progress::Unschedulable(message) => {
                let problem = Problem::new(Reason::Unschedulable, message.clone());
                self.start_stands(key, problem);
            }
            Progress::ImagePull(message) => {
                let problem = Problem::new(Reason::ImagePullFailed, message.clone());
                self.start_failed(key, Some(problem), now);
                self.delete(key, now);
            }
            Progress::CannotStart(message) => {
                let problem = Problem::new(Reason::InitFailed, message.clone()).without_environment();
                self.start_failed(key, Some(problem), now);
                self.delete(key, now);
            }
            Progress::Ended(end) => self.ended(key, end, now),
        }
    }

    fn ended(&mut self, key: &PodKey, end: &End, now: Duration) {
        let Some(environment) = self.environments.get(key) else { return };
        let was_asked = environment.stage != Stage::Alive;
        let never_served = matches!(environment.phase, None | Some(Phase::Generic | Phase::Init));
        if !was_asked {
            self.effects.push(Effect::Measure(Measured::Ended));
            let note = format!("Environment {} ended: {} {}", key.name, end.reason, end.message);
            self.publish_about(&environment.function(), "EnvironmentEnded", note);
            if never_served {
                let message = format!("{}: {}", end.reason, end.message);
                let problem = Problem::new(Reason::InitFailed, message).without_environment();
                self.start_failed(key, Some(problem), now);
            }
        }
        self.delete(key, now);
    }

    fn pod_gone(&mut self, key: &PodKey) {
        self.tell_gone(key);
        self.remove_environment(key);
    }

    pub(super) fn pod_created(&mut self, key: &PodKey, result: Result<String, CreateError>, now: Duration) {
        match result {
            Ok(uid) => {
                if let Some(environment) = self.environments.get_mut(key) {
                    environment.uid.get_or_insert(uid);
                    if environment.stage == Stage::Creating {
                        environment.stage = Stage::Alive;
                    }
                }
            }
            Err(error) => {
                let problem = match error {
                    CreateError::Refused(message) => Some(Problem::new(Reason::PodRefused, message)),
                    CreateError::Failed(_) => None,
                };
                self.start_failed(key, problem, now);
                self.pod_gone(key);
            }
        }
    }

    /// A deletion that failed is asked for again by the upkeep; one that was accepted ends with the watch.
    pub(super) fn pod_deleted(&mut self, key: &PodKey, result: &Result<(), String>) {
        let environment = self.environments.get(key);
        if result.is_ok() && environment.is_some_and(|one| one.uid.is_none()) {
            self.remove_environment(key);
        }
    }

    pub(super) fn insert_environment(&mut self, key: PodKey, environment: Environment) {
        let function = environment.function();
        self.by_function.entry(function.clone()).or_default().insert(key.clone());
        self.environments.insert(key, environment);
        self.touch(function);
    }

    pub(super) fn remove_environment(&mut self, key: &PodKey) {
        let Some(environment) = self.environments.remove(key) else { return };
        let function = environment.function();
        if let Some(pods) = self.by_function.get_mut(&function) {
            pods.remove(key);
            if pods.is_empty() {
                self.by_function.remove(&function);
            }
        }
        if let Some(link) = environment.link {
            self.links.remove(&link);
            self.effects.push(Effect::CloseLink(link));
        }
        self.touch(function);
    }

    /// The start of this pod failed: its revision's next one waits.
    pub(super) fn start_failed(&mut self, key: &PodKey, problem: Option<Problem>, now: Duration) {
        let random = (self.draw)();
        let Some(environment) = self.environments.get(key) else { return };
        let function = environment.function();
        let Some(known) = self.functions.get_mut(&function) else { return };
        if known.revision == environment.revision {
            let reason = problem.as_ref().map_or("Other", |problem| problem.reason.as_str());
            self.effects.push(Effect::Measure(Measured::StartFailed(reason)));
            known.start_failed(problem, now, random);
            self.touch(function);
        }
    }

    /// The start of this pod stands still; it may yet succeed.
    fn start_stands(&mut self, key: &PodKey, problem: Problem) {
        let Some(environment) = self.environments.get(key) else { return };
        let function = environment.function();
        let Some(known) = self.functions.get_mut(&function) else { return };
        if known.revision == environment.revision {
            known.starts.problem = Some(problem);
            self.touch(function);
        }
    }
}

fn key_of(pod: &SeenPod) -> PodKey {
    PodKey { namespace: pod.revision.namespace.clone(), name: pod.name.clone() }
}
