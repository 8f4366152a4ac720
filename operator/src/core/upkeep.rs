//! What becomes due with time: dialling, draining, deleting, and giving up on what got stuck.

use std::time::Duration;

use domain::limits::TIMEOUT_SECONDS_MAX;
use protocol::link::environment::Phase;
use resources::Reason;

use super::environment::{Environment, Stage};
use super::links::drain;
use super::{Core, Effect, PodKey};
use crate::function::Problem;
use crate::pod::observation::Progress;

/// How long a pod may take until its environment is linked for the first time, in seconds: large images take
/// minutes to pull.
pub(super) const START_SECONDS_MAX: u64 = 300;
/// How long a pod may wait for a node, in seconds: adding one takes a cloud some minutes.
pub(super) const UNSCHEDULABLE_SECONDS_MAX: u64 = 600;
/// How long an environment that was linked, or that ran before this operator did, may be out of reach while others
/// are in reach, in seconds.
pub(super) const LINK_LOST_SECONDS_MAX: u64 = 600;
/// How long an environment may take to drain beyond its function's time-out, in seconds.
pub(super) const DRAIN_GRACE_SECONDS: u64 = 30;
/// When a deletion is asked for again, in seconds.
pub(super) const DELETE_AGAIN_SECONDS: u64 = 15;

/// What is due for one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Nothing,
    Dial,
    Assign,
    Leave,
    Delete,
    GiveUp,
}

impl Core {
    pub(super) fn tend_environments(&mut self, now: Duration) {
        if !self.leads {
            return;
        }
        let due: Vec<_> = self
            .environments
            .iter()
            .map(|(key, one)| (key.clone(), self.due(one, now)))
            .filter(|(_, due)| *due != Due::Nothing)
            .collect();
        for (key, due) in due {
            match due {
                Due::Nothing => {}
                Due::Dial => self.dial(&key),
                Due::Assign => self.assign(&key),
                Due::Leave => self.leave(&key, now),
                Due::Delete => self.delete(&key, now),
                Due::GiveUp => self.give_up(&key, now),
            }
        }
    }

    fn due(&self, one: &Environment, now: Duration) -> Due {
        let after = |since: Duration, seconds: u64| now.saturating_sub(since) > Duration::from_secs(seconds);
        let known = self.functions.get(&one.function());
        let is_unreadable = || self.unreadable.contains_key(&one.function());
        let is_current = known.map_or_else(is_unreadable, |known| known.revision == one.revision);
        match one.stage {
            Stage::Deleting { asked, .. } if after(asked, DELETE_AGAIN_SECONDS) => Due::Delete,
            Stage::Creating | Stage::Deleting { .. } => Due::Nothing,
            Stage::Leaving(since) => {
                let timeout = known.map_or(TIMEOUT_SECONDS_MAX, |known| known.function.spec.timeout);
                let is_late = after(since, u64::from(timeout) + DRAIN_GRACE_SECONDS);
                let is_done = one.phase == Some(Phase::Drained) || one.link.is_none();
                if is_done || is_late { Due::Delete } else { Due::Nothing }
            }
            Stage::Alive if matches!(one.progress, Progress::Ended(_)) => Due::Delete,
            Stage::Alive if !is_current => Due::Leave,
            Stage::Alive if one.link.is_some() => {
                let is_generic = one.phase == Some(Phase::Generic) && !one.is_assigned;
                if is_generic { Due::Assign } else { Due::Nothing }
            }
            Stage::Alive => self.due_unlinked(one, now),
        }
    }

    fn due_unlinked(&self, one: &Environment, now: Duration) -> Due {
        let after = |since: Duration, seconds: u64| now.saturating_sub(since) > Duration::from_secs(seconds);
        let start_max = match one.progress {
            Progress::Unschedulable(_) => UNSCHEDULABLE_SECONDS_MAX,
            _ => START_SECONDS_MAX,
        };
        let is_stuck = is_on_its_way(one) && after(one.since, start_max);
        // Where nothing is in reach, it is this operator that is cut off, and what is warm goes on serving.
        let is_lost =
            !is_on_its_way(one) && after(one.unlinked_at, LINK_LOST_SECONDS_MAX) && !self.links.is_empty();
        if is_stuck || is_lost {
            Due::GiveUp
        } else if one.address.is_some() && !one.dialling.is_running && one.dialling.at <= now {
            Due::Dial
        } else {
            Due::Nothing
        }
    }

    fn dial(&mut self, key: &PodKey) {
        let Some(environment) = self.environments.get_mut(key) else { return };
        if let Some(address) = environment.address {
            environment.dialling.is_running = true;
            self.effects.push(Effect::Dial(key.clone(), address));
        }
    }

    /// Lets an environment go: it finishes what it runs.
    pub(super) fn leave(&mut self, key: &PodKey, now: Duration) {
        let Some(environment) = self.environments.get_mut(key) else { return };
        environment.stage = Stage::Leaving(now);
        if let Some(link) = environment.link {
            self.effects.push(drain(link));
        }
    }

    pub(super) fn delete(&mut self, key: &PodKey, now: Duration) {
        self.tell_gone(key);
        let leads = self.leads;
        let Some(environment) = self.environments.get_mut(key).filter(|_| leads) else { return };
        let again = Duration::from_secs(DELETE_AGAIN_SECONDS);
        let since = match environment.stage {
            Stage::Deleting { asked, .. } if now.saturating_sub(asked) < again => return,
            Stage::Deleting { since, .. } => since,
            _ => now,
        };
        environment.stage = Stage::Deleting { since, asked: now };
        self.effects.push(Effect::DeletePod(key.clone(), environment.uid.clone()));
        let function = environment.function();
        self.touch(function);
    }

    fn give_up(&mut self, key: &PodKey, now: Duration) {
        let Some(environment) = self.environments.get(key) else { return };
        if is_on_its_way(environment) {
            let problem = match &environment.progress {
                Progress::Unschedulable(message) => Problem::new(Reason::Unschedulable, message.clone()),
                _ => Problem::new(
                    Reason::InitFailed,
                    format!("pod {} did not reach the operator within {START_SECONDS_MAX} s", key.name),
                ),
            };
            self.start_failed(key, Some(problem.without_environment()), now);
        }
        self.delete(key, now);
    }
}

/// It has not been linked yet because it starts: one that an earlier operator made and that runs has been.
fn is_on_its_way(one: &Environment) -> bool {
    one.linked_at.is_none() && (one.is_own || one.progress != Progress::Running)
}
