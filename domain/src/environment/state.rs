//! The states of an execution environment and what they hold.

use crate::failure::Failure;
use crate::log_lines::Ending;
use crate::{AttemptId, RequestId};

/// Where an environment is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Not yet assigned.
    Generic,
    /// Assigned; its code is being laid out.
    Preparing,
    /// The runtime starts, before any invocation.
    Init {
        /// What the runtime told of, if it did; its exit is awaited.
        error: Option<InitError>,
    },
    /// No invocation runs.
    Idle(Runtime),
    /// The runtime starts inside an invocation.
    InlineInit {
        /// Whose.
        attempt: Attempt,
        /// What the runtime told of, if it did; its exit is awaited.
        error: Option<InitError>,
    },
    /// An invocation runs.
    Invoke {
        /// Which.
        attempt: Attempt,
        /// How far its answer is.
        answer: Answer,
    },
    /// The processes are being ended.
    Reset {
        /// The invocation that is over with it, if any.
        attempt: Option<Attempt>,
        /// How that ended.
        ending: Ending,
    },
    /// No further invocation will run.
    Drained,
}

impl State {
    /// The invocation that is not yet finished.
    pub fn attempt(&self) -> Option<Attempt> {
        match self {
            Self::InlineInit { attempt, .. } | Self::Invoke { attempt, .. } => Some(*attempt),
            Self::Reset { attempt, .. } => *attempt,
            _ => None,
        }
    }
}

/// What an idle environment has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// A runtime that waits in `next`.
    Ready,
    /// None: the next invocation starts it.
    Absent,
}

/// One try to run an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The invocation.
    pub request: RequestId,
    /// The try.
    pub id: AttemptId,
}

/// How far an invocation's answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The runtime has not begun to post it.
    Awaited,
    /// The runtime is posting it.
    Receiving,
    /// The caller has it; the runtime has not asked for the next event yet.
    Given(Ending),
}

/// What a runtime posted to `init/error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitError {
    /// Sanitised, such as `Runtime.ImportModuleError`.
    pub error_type: String,
    /// The body, word for word.
    pub body: Vec<u8>,
    /// Its content type.
    pub content_type: String,
}

/// A bound on what a function may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// Time, in milliseconds: the function's, or in the init phase that phase's.
    Time {
        /// What it had.
        millis: u64,
    },
    /// `memorySize`.
    Memory,
    /// The size of `/tmp`.
    TemporaryStorage {
        /// The size, in MB.
        size_mb: u32,
    },
}

impl Limit {
    /// What a caller is told.
    pub fn failure(&self) -> Failure {
        match *self {
            Self::Time { millis } => Failure::TimedOut { after_millis: millis },
            Self::Memory => Failure::OutOfMemory,
            Self::TemporaryStorage { size_mb } => Failure::TemporaryStorage { size_mb },
        }
    }
}
