//! How long an invocation may take, as a duration rather than a point on somebody's clock.
//!
//! Two nodes' clocks may differ; the remaining time that a function reads must not. So the gateway sends the
//! milliseconds left, and whoever hands the invocation to a runtime computes the deadline from its own clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The milliseconds that an invocation may still take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeBudget(u64);

impl TimeBudget {
    /// The budget of a function whose time-out is `seconds`.
    pub fn from_timeout_seconds(seconds: u32) -> Self {
        Self(u64::from(seconds) * 1_000)
    }

    /// A budget of `milliseconds`.
    pub fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// The budget in milliseconds.
    pub fn as_millis(self) -> u64 {
        self.0
    }

    /// The budget as a duration.
    pub fn as_duration(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// What is left after `elapsed`, rounded up so that a running invocation never reads an early zero.
    #[must_use]
    pub fn minus(self, elapsed: Duration) -> Self {
        let left = self.as_duration().saturating_sub(elapsed);
        Self(u64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }

    /// `Lambda-Runtime-Deadline-Ms` for a hand-over at `epoch_ms` of the handing clock.
    pub fn deadline_epoch_ms(self, epoch_ms: u64) -> u64 {
        epoch_ms.saturating_add(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_budget_is_zero_and_never_negative() {
        let budget = TimeBudget::from_timeout_seconds(1);
        assert_eq!(budget.minus(Duration::from_secs(2)).as_millis(), 0);
        assert_eq!(budget.minus(Duration::from_micros(1)).as_millis(), 1_000);
        assert_eq!(budget.deadline_epoch_ms(5), 1_005);
    }
}
