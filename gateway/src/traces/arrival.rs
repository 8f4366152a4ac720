//! The moment at which a request came.

use std::time::Instant;

use crate::chance;

/// When a request came, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival(Instant);

impl Arrival {
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    /// The same moment by the wall clock, in microseconds since the epoch.
    pub(super) fn epoch_us(self) -> u64 {
        chance::epoch_us().saturating_sub(u64::try_from(self.0.elapsed().as_micros()).unwrap_or_default())
    }
}
