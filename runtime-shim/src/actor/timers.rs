//! The actor's timers: at most one of each kind.

use crate::clock::Instant;

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// The time of the invocation, or of the init phase, is over.
    Deadline,
    /// A runtime that told of an init error has not exited by itself.
    InitErrorGrace,
    /// Nothing came; processes are stopped.
    Freeze,
    /// A grant was not used.
    Grant,
    /// Time to look at what the function uses.
    Sample,
    /// Processes that were ended are still there.
    Reset,
    /// What ended processes had sent should have been read.
    Settle,
    /// A runtime that was asked to end has had its share of the time.
    RuntimeShare,
    /// Everything that was asked to end has had its time.
    Shutdown,
}

const KINDS: usize = 9;

/// When each is due.
#[derive(Debug, Default)]
pub(super) struct Timers([Option<Instant>; KINDS]);

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, due: Instant) {
        *self.slot(timer) = Some(due);
    }

    pub(super) fn clear(&mut self, timer: Timer) {
        *self.slot(timer) = None;
    }

    pub(super) fn is_set(&mut self, timer: Timer) -> bool {
        self.slot(timer).is_some()
    }

    /// When it is due, if it is set.
    pub(super) fn due(&mut self, timer: Timer) -> Option<Instant> {
        *self.slot(timer)
    }

    /// The one that is due first.
    pub(super) fn next(&self) -> Option<(Instant, Timer)> {
        use Timer::{Deadline, Freeze, Grant, InitErrorGrace, Reset, RuntimeShare, Sample, Settle, Shutdown};
        let kinds: [Timer; KINDS] =
            [Deadline, InitErrorGrace, Freeze, Grant, Sample, Reset, Settle, RuntimeShare, Shutdown];
        let due = kinds.into_iter().zip(self.0).filter_map(|(timer, due)| Some((due?, timer)));
        due.min_by_key(|(due, _)| *due)
    }

    fn slot(&mut self, timer: Timer) -> &mut Option<Instant> {
        &mut self.0[timer as usize]
    }
}

/// Returns when the timer is due; never without one.
pub(super) async fn due(timer: Option<(Instant, Timer)>) -> Timer {
    match timer {
        Some((due, timer)) => {
            tokio::time::sleep_until(due).await;
            timer
        }
        None => std::future::pending().await,
    }
}
