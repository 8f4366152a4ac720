//! One Function as the operator knows it.

use std::sync::Arc;
use std::time::Duration;

use domain::backoff::Backoff;
use protocol::link::assignment::Revision;
use protocol::link::control::{FromOperator, Obstacle};
use resources::{Function, FunctionStatus, RuntimeSpec};

use crate::function::recipe::{self, Recipe};
use crate::function::status::recorded_failure;
use crate::function::{Problem, validity};
use crate::image::ImageProgress;

/// Waits between starts of a revision whose starts fail.
pub(super) const START_BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(2),
    longest: Duration::from_mins(5),
    least: Duration::from_millis(500),
};
/// Waits between questions to a registry that does not answer.
pub(super) const IMAGE_BACKOFF: Backoff =
    Backoff { first: Duration::from_secs(5), longest: Duration::from_mins(5), least: Duration::from_secs(2) };

/// How starts of the present revision went.
#[derive(Debug, Clone, Default)]
pub(super) struct Starts {
    pub(super) failures: u32,
    /// No start before this.
    pub(super) retry_at: Option<Duration>,
    /// What the last failure was; kept until a start succeeds.
    pub(super) problem: Option<Problem>,
}

/// The reading of this generation's image.
#[derive(Debug, Clone)]
pub(super) struct ImageReading {
    pub(super) progress: ImageProgress,
    /// Since when the registry has been asked and not answered.
    pub(super) asked_at: Option<Duration>,
    pub(super) failures: u32,
    pub(super) ask_at: Option<Duration>,
}

impl Default for ImageReading {
    fn default() -> Self {
        Self { progress: ImageProgress::Asking, asked_at: None, failures: 0, ask_at: None }
    }
}

/// What was last written to the API server, and when.
#[derive(Debug, Clone, Default)]
pub(super) struct Reported {
    pub(super) status: Option<FunctionStatus>,
    pub(super) written_at: Option<Duration>,
    pub(super) is_writing: bool,
}

/// What gateways were last told of an obstacle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) revision: Revision,
    pub(super) obstacle: Obstacle,
    pub(super) message: String,
}

impl Told {
    pub(super) fn message(self) -> FromOperator {
        let Self { revision, obstacle, message } = self;
        FromOperator::Blocked { revision, reason: obstacle, message }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) function: Arc<Function>,
    pub(super) revision: Revision,
    validity: Result<(), Problem>,
    pub(super) image: ImageReading,
    pub(super) judged: Result<Option<Recipe>, Problem>,
    pub(super) starts: Starts,
    pub(super) reported: Reported,
    pub(super) told: Option<Told>,
    /// When gateways were last told so.
    pub(super) told_at: Duration,
    /// The problem that an event was last published about.
    pub(super) published: Option<Problem>,
}

impl Known {
    pub(super) fn new(function: Arc<Function>, runtime: Option<&RuntimeSpec>) -> Self {
        let problem = recorded_failure(&function);
        Self {
            revision: recipe::revision(&function, runtime),
            validity: validity(&function.spec),
            image: ImageReading::default(),
            judged: Ok(None),
            published: problem.clone(),
            starts: Starts { problem, ..Starts::default() },
            reported: Reported { status: function.status.clone(), ..Reported::default() },
            told: None,
            told_at: Duration::ZERO,
            function,
        }
    }

    /// Takes a newer object. What was learnt holds on where the generation is the same.
    pub(super) fn renew(&mut self, function: Arc<Function>, runtime: Option<&RuntimeSpec>) {
        let before = &self.function.metadata;
        let is_same =
            before.uid == function.metadata.uid && before.generation == function.metadata.generation;
        if is_same {
            if !self.reported.is_writing {
                self.reported.status.clone_from(&function.status);
            }
            self.function = function;
            return;
        }
        let kept = std::mem::replace(self, Self::new(function, runtime));
        self.reported = kept.reported;
        self.told = kept.told;
        self.told_at = kept.told_at;
    }

    /// Takes a Runtime that appeared, changed or went.
    pub(super) fn renew_runtime(&mut self, runtime: Option<&RuntimeSpec>) {
        let revision = recipe::revision(&self.function, runtime);
        if revision != self.revision {
            self.revision = revision;
            self.starts = Starts::default();
        }
    }

    pub(super) fn judge(&mut self, runtime: Option<&RuntimeSpec>, conflict: Option<Problem>) {
        self.judged = self
            .validity
            .clone()
            .and_then(|()| conflict.map_or(Ok(()), Err))
            .and_then(|()| recipe::recipe(&self.function, runtime, &self.image.progress));
    }

    /// The last one reported, which carries the condition's time; the watch may lag behind it.
    pub(super) fn written_status(&self) -> Option<&FunctionStatus> {
        self.reported.status.as_ref().or(self.function.status.as_ref())
    }

    /// What stands in the way of `Ready`.
    pub(super) fn problem(&self) -> Option<&Problem> {
        self.judged.as_ref().err().or(self.starts.problem.as_ref())
    }

    /// Whether a start may be made now.
    pub(super) fn may_start(&self, now: Duration) -> bool {
        self.judged.as_ref().is_ok_and(Option::is_some) && self.starts.retry_at.is_none_or(|at| at <= now)
    }

    /// A start failed: the next one waits longer. Several that fail together count once.
    pub(super) fn start_failed(&mut self, problem: Option<Problem>, now: Duration, random: u64) {
        if self.starts.retry_at.is_none_or(|at| at <= now) {
            self.starts.failures = self.starts.failures.saturating_add(1);
            self.starts.retry_at = Some(now + START_BACKOFF.wait(self.starts.failures, random));
        }
        if problem.is_some() {
            self.starts.problem = problem;
        }
    }

    pub(super) fn start_succeeded(&mut self) {
        self.starts = Starts::default();
    }
}
