//! What an input leads to: effects in their order, or a refusal.

use super::InitError;
use crate::failure::{Exit, Failure};
use crate::log_lines::{Ending, InitPhase};

/// What is to be done after an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Lay out the code; then [`super::Environment::prepared`].
    Prepare,
    /// Start the runtime, and the init phase's clock.
    StartRuntime(InitPhase),
    /// The init phase is over.
    InitDone {
        /// Which kind it was.
        phase: InitPhase,
        /// How it ended.
        outcome: InitOutcome,
    },
    /// An invocation begins: its first log line and, unless its init phase ran inside it, its clock.
    Begin,
    /// Give the event to the runtime's waiting `next`.
    HandOver,
    /// Answer the caller in the function's stead.
    Fail(Failure),
    /// Answer the caller with the error of the init phase, word for word.
    FailInit(InitError),
    /// End every process of the function; then [`super::Environment::runtime_ended`].
    EndProcesses,
    /// The invocation is over: its last log lines and its report.
    Finish(Ending),
    /// The environment can take an invocation.
    Released,
    /// The environment will never take another invocation and runs none.
    Drained,
}

/// How an init phase ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InitOutcome {
    /// The runtime asked for its first event.
    Succeeded,
    /// The runtime told of an error.
    Reported(InitError),
    /// The runtime ended.
    Exited(Exit),
    /// A limit passed.
    Exceeded(Failure),
}

impl InitOutcome {
    /// The outcome as log lines tell it.
    pub fn ending(&self) -> Ending {
        match self {
            Self::Succeeded => Ending::Success,
            Self::Reported(error) => Ending::Error { error_type: error.error_type.clone() },
            Self::Exited(exit) => Ending::Error { error_type: exit.error_type().to_owned() },
            Self::Exceeded(failure) => ending_of(failure),
        }
    }
}

/// Why an invocation is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvokeRefusal {
    /// Another invocation runs, or the environment resets.
    Busy,
    /// No further invocation is taken.
    Draining,
    /// Not assigned, or its init phase runs.
    NotReady,
}

/// A call that the present state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not allowed in the present state")]
pub struct NotAllowed;

/// A failure as `REPORT` tells it.
pub(super) fn ending_of(failure: &Failure) -> Ending {
    match failure {
        Failure::TimedOut { .. } => Ending::TimedOut,
        other => Ending::Error { error_type: other.error_type().to_owned() },
    }
}

/// The init phase is over.
pub(super) fn init_done(phase: InitPhase, outcome: InitOutcome) -> Vec<Effect> {
    vec![Effect::InitDone { phase, outcome }]
}

/// A runtime that was started inside an invocation ended before it asked for the event.
pub(super) fn inline_init_failed(error: Option<InitError>, exit: Exit) -> Vec<Effect> {
    let outcome = match &error {
        Some(told) => InitOutcome::Reported(told.clone()),
        None => InitOutcome::Exited(exit.clone()),
    };
    let ending = outcome.ending();
    let fail = error.map_or(Effect::Fail(Failure::Exited(exit)), Effect::FailInit);
    let mut effects = init_done(InitPhase::Invoke, outcome);
    effects.extend([Effect::Begin, fail, Effect::Finish(ending)]);
    effects
}

/// The caller keeps its answer, but an invocation whose runtime or extension ended before the next event was asked
/// for counts as an error, as recorded from the service.
pub(super) fn ended_after_the_answer(answered: Ending, exit: Exit) -> Ending {
    match answered {
        Ending::Success => ending_of(&Failure::Exited(exit)),
        other => other,
    }
}
