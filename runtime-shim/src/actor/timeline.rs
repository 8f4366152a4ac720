//! When the parts of an invocation were, by the wall clock.

use protocol::link::environment::{InitInterval, Interval, Timeline};

use super::invocation::Invocation;
use crate::clock::{self, Instant};

/// Both clocks, read at once: whatever lies before it is told by its distance, so that a wall clock that is set
/// meanwhile puts nothing out of order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    instant: Instant,
    epoch_us: u64,
}

impl Now {
    pub(super) fn read() -> Self {
        Self { instant: clock::now(), epoch_us: clock::epoch_micros() }
    }

    fn epoch_us(self, point: Instant) -> u64 {
        let ago = self.instant.saturating_duration_since(point).as_micros();
        self.epoch_us.saturating_sub(u64::try_from(ago).unwrap_or(u64::MAX))
    }
}

/// The timeline of an invocation that ends now.
pub(super) fn timeline(invocation: &Invocation, now: Now) -> Timeline {
    let marks = &invocation.marks;
    let start = marks.handed_over.or(marks.begun).unwrap_or(invocation.started);
    let end = marks.answered.map_or(now.instant, |answered| answered.max(start));
    Timeline {
        init: invocation.init_run.map(|run| InitInterval {
            interval: Interval { start_us: now.epoch_us(run.from), end_us: now.epoch_us(run.to) },
            failed: run.failed,
        }),
        invocation: Interval { start_us: now.epoch_us(start), end_us: now.epoch_us(end) },
        ended_us: now.epoch_us,
    }
}
