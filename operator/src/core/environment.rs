//! One environment as the operator knows it.

use std::net::SocketAddr;
use std::time::Duration;

use domain::backoff::Backoff;
use domain::log_stream::LogStreamId;
use protocol::link::assignment::Revision;
use protocol::link::environment::{InitResult, Phase};

use super::input::LinkId;
use crate::function::FunctionKey;
use crate::pod::observation::Progress;

/// Waits between attempts to dial an environment.
pub(super) const DIAL_BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(400),
    longest: Duration::from_secs(10),
    least: Duration::from_millis(100),
};

/// How long an environment may be without its link and still count as one that serves, in seconds: a link that
/// broke is dialled anew at once, so what stays away longer is on a node that is gone.
pub(super) const UNLINKED_SECONDS_MAX: u64 = 5;

/// How long an environment must have been free until it counts as one that nobody who waits may have, in
/// milliseconds: whoever may have it takes it at once.
const KEPT_MILLIS: u64 = 1_000;

/// Where an environment's pod is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The API server has been asked for it and has not answered.
    Creating,
    /// It exists.
    Alive,
    /// It takes nothing new, since then.
    Leaving(Duration),
    /// It is over and the API server was asked to delete it.
    Deleting {
        /// For the first time.
        since: Duration,
        /// For the last time.
        asked: Duration,
    },
}

#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Environment {
    pub(super) revision: Revision,
    pub(super) uid: Option<String>,
    pub(super) log_stream: LogStreamId,
    pub(super) stage: Stage,
    /// When this operator first knew of it.
    pub(super) since: Duration,
    /// Made by this process, so the time from `since` is the time of its start.
    pub(super) is_own: bool,
    pub(super) address: Option<SocketAddr>,
    /// The address is the API server's word, not only where an announcement came from.
    pub(super) is_address_sure: bool,
    /// Gateways were told where it is.
    pub(super) is_up: bool,
    pub(super) progress: Progress,
    pub(super) link: Option<LinkId>,
    /// When it was last linked, if ever.
    pub(super) linked_at: Option<Duration>,
    pub(super) unlinked_at: Duration,
    /// The assignment went over the present link.
    pub(super) is_assigned: bool,
    pub(super) phase: Option<Phase>,
    /// When it last turned free.
    pub(super) free_since: Duration,
    pub(super) init: Option<InitResult>,
    pub(super) dialling: Dialling,
}

/// How far dialling is.
#[derive(Debug, Clone)]
pub(super) struct Dialling {
    pub(super) is_running: bool,
    pub(super) failures: u32,
    /// Not before this.
    pub(super) at: Duration,
}

impl Environment {
    pub(super) fn new(
        revision: Revision,
        log_stream: LogStreamId,
        uid: Option<String>,
        stage: Stage,
        now: Duration,
    ) -> Self {
        Self {
            revision,
            uid,
            log_stream,
            stage,
            since: now,
            is_own: stage == Stage::Creating,
            address: None,
            is_address_sure: false,
            is_up: false,
            progress: Progress::Starting,
            link: None,
            linked_at: None,
            unlinked_at: now,
            is_assigned: false,
            phase: None,
            free_since: now,
            init: None,
            dialling: Dialling { is_running: false, failures: 0, at: now },
        }
    }

    pub(super) fn function(&self) -> FunctionKey {
        FunctionKey::of_revision(&self.revision)
    }

    /// Nobody will reach it any more.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Deleting { .. }) || matches!(self.progress, Progress::Ended(_))
    }

    /// It is on its way to its first `Free`.
    pub(super) fn is_starting(&self) -> bool {
        matches!(self.stage, Stage::Creating | Stage::Alive)
            && matches!(self.phase, None | Some(Phase::Generic | Phase::Init))
    }

    /// It runs or can run an invocation.
    pub(super) fn is_serving(&self) -> bool {
        self.stage == Stage::Alive && matches!(self.phase, Some(Phase::Free | Phase::Busy))
    }

    /// It was linked and is not any more: it satisfies no demand, and may still run something.
    pub(super) fn is_out_of_reach(&self, now: Duration) -> bool {
        let bound = Duration::from_secs(UNLINKED_SECONDS_MAX);
        let was_linked = self.linked_at.is_some() && self.link.is_none();
        self.stage == Stage::Alive && was_linked && now.saturating_sub(self.unlinked_at) > bound
    }

    /// Nobody has let it go yet.
    pub(super) fn is_taking(&self) -> bool {
        matches!(self.stage, Stage::Creating | Stage::Alive)
    }

    /// It takes nothing new and may still run something. Once its grace period is over it may not: where a node
    /// is dead, the API server goes on showing the pod.
    pub(super) fn is_running_out(&self, grace: Duration, now: Duration) -> bool {
        let may_run = !matches!(self.phase, None | Some(Phase::Generic | Phase::Init | Phase::Drained));
        let is_over = matches!(self.progress, Progress::Ended(_));
        let is_going = match self.stage {
            Stage::Creating | Stage::Alive => false,
            Stage::Leaving(_) => true,
            Stage::Deleting { since, .. } => now.saturating_sub(since) <= grace,
        };
        is_going && may_run && !is_over
    }

    /// For how long it has been free and nobody took it.
    pub(super) fn kept(&self, now: Duration) -> Option<Duration> {
        let is_free = self.stage == Stage::Alive && self.phase == Some(Phase::Free);
        let free_for = now.saturating_sub(self.free_since);
        let is_kept = is_free && !self.is_out_of_reach(now) && free_for >= Duration::from_millis(KEPT_MILLIS);
        is_kept.then_some(free_for)
    }

    /// For how long it could have gone, or `None` where it runs something or cannot be
    /// told.
    pub(super) fn idle(&self, now: Duration) -> Option<Duration> {
        if self.is_out_of_reach(now) {
            return None;
        }
        match (self.stage, self.phase) {
            (Stage::Alive, Some(Phase::Free)) => Some(now.saturating_sub(self.free_since)),
            (Stage::Alive, None | Some(Phase::Generic | Phase::Init)) => Some(now.saturating_sub(self.since)),
            _ => None,
        }
    }
}
