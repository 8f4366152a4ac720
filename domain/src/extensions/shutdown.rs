//! How an environment's processes end: who is asked, in which order, and for how long.
//!
//! ```text
//! no extension:   everything is killed at once
//! internal only:  SIGTERM to the runtime ─ exit, or 500 ms ─▶ everything is killed
//! external:       SIGTERM to the runtime ─ exit, or 300 ms ─▶ SHUTDOWN to extensions ─ exit, or 2,000 ms in all ─▶
//!                 everything is killed
//! ```
//!
//! Source: AWS's developer guide, "Lambda execution environment lifecycle", Shutdown phase. Where AWS's emulator
//! gives the runtime 30 % of the time (600 ms), the guide's 300 ms are taken: extensions get the more.

/// Time that internal extensions have, in milliseconds.
pub const SHUTDOWN_MILLIS_INTERNAL: u64 = 500;
/// Time that a runtime and external extensions have together, in milliseconds.
pub const SHUTDOWN_MILLIS_EXTERNAL: u64 = 2_000;
/// Of it, the runtime's share, in milliseconds.
pub const RUNTIME_SHARE_MILLIS: u64 = 300;

/// Why an environment's processes end, as extensions read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownReason {
    /// It is not needed any more.
    Spindown,
    /// An invocation's time, or the init phase's, is over.
    Timeout,
    /// Something failed.
    Failure,
}

impl ShutdownReason {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spindown => "spindown",
            Self::Timeout => "timeout",
            Self::Failure => "failure",
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// SIGTERM to the runtime; its share of the time runs from here.
    TerminateRuntime,
    /// SIGKILL to the runtime.
    KillRuntime,
    /// SHUTDOWN to extensions that asked for it; SIGKILL to those that did not.
    TellExtensions,
    /// SIGKILL to everything.
    KillAll,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Runtime,
    Extensions,
    Done,
}

/// An end under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shutdown {
    /// Why.
    pub reason: ShutdownReason,
    external: bool,
    stage: Stage,
}

impl Shutdown {
    /// Begins; `kinds` is what there is of external and internal extensions.
    pub fn begin(reason: ShutdownReason, kinds: (bool, bool), runtime_runs: bool) -> (Self, Vec<Step>) {
        let (external, internal) = kinds;
        let stage = match (external, internal, runtime_runs) {
            (true, _, true) | (false, true, true) => Stage::Runtime,
            (true, _, false) => Stage::Extensions,
            (false, ..) => Stage::Done,
        };
        let step = match stage {
            Stage::Runtime => Step::TerminateRuntime,
            Stage::Extensions => Step::TellExtensions,
            Stage::Done => Step::KillAll,
        };
        (Self { reason, external, stage }, vec![step])
    }

    /// Everything was killed.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Extensions have been told, or are to be told when they ask.
    pub fn tells_extensions(&self) -> bool {
        self.stage == Stage::Extensions
    }

    /// How long it may take in all, in milliseconds.
    pub fn millis(&self) -> u64 {
        if self.external { SHUTDOWN_MILLIS_EXTERNAL } else { SHUTDOWN_MILLIS_INTERNAL }
    }

    /// How long the runtime may take of it, in milliseconds.
    pub fn runtime_millis(&self) -> u64 {
        if self.external { RUNTIME_SHARE_MILLIS } else { SHUTDOWN_MILLIS_INTERNAL }
    }

    /// The runtime is gone.
    pub fn runtime_gone(&mut self) -> Vec<Step> {
        if self.stage != Stage::Runtime {
            return Vec::new();
        }
        if !self.external {
            return self.end();
        }
        self.stage = Stage::Extensions;
        vec![Step::TellExtensions]
    }

    /// The runtime's share of the time is over.
    pub fn runtime_share_passed(&mut self) -> Vec<Step> {
        if self.stage != Stage::Runtime {
            return Vec::new();
        }
        let mut steps = vec![Step::KillRuntime];
        steps.extend(self.runtime_gone());
        steps
    }

    /// Every extension's process is gone.
    pub fn extensions_gone(&mut self) -> Vec<Step> {
        if self.stage == Stage::Extensions { self.end() } else { Vec::new() }
    }

    /// All of the time is over.
    pub fn time_passed(&mut self) -> Vec<Step> {
        if self.stage == Stage::Done { Vec::new() } else { self.end() }
    }

    fn end(&mut self) -> Vec<Step> {
        self.stage = Stage::Done;
        vec![Step::KillAll]
    }
}
