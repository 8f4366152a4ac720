//! How long to wait before trying again what failed: exponential, with full jitter.
//!
//! Full jitter (a wait anywhere between zero and the exponential bound) spreads those who failed together. The
//! random number is a parameter.

use std::time::Duration;

/// A sequence of waits that doubles from `first` up to `longest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Bound of the wait after the first failure.
    pub first: Duration,
    /// Bound of every wait.
    pub longest: Duration,
    /// Least wait, so that full jitter never means "at once".
    pub least: Duration,
}

impl Backoff {
    /// The wait after `failures` failures in a row; none after no failure.
    ///
    /// `random` is any number, evenly distributed over all of `u64`.
    pub fn wait(self, failures: u32, random: u64) -> Duration {
        if failures == 0 {
            return Duration::ZERO;
        }
        let bound = self.bound(failures).saturating_sub(self.least);
        let bound_ms = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        let share = u128::from(bound_ms) * u128::from(random) / u128::from(u64::MAX);
        self.least + Duration::from_millis(u64::try_from(share).unwrap_or(bound_ms))
    }

    /// The longest wait after `failures` failures in a row.
    pub fn bound(self, failures: u32) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).filter(|&factor| factor > 0);
        let bound = doubled.and_then(|factor| self.first.checked_mul(factor)).unwrap_or(self.longest);
        bound.clamp(self.least, self.longest.max(self.least))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(1),
        longest: Duration::from_mins(1),
        least: Duration::from_millis(100),
    };

    #[test]
    fn waits_double_up_to_the_longest() {
        let longest: Vec<u64> = (0..9).map(|n| BACKOFF.wait(n, u64::MAX).as_secs()).collect();
        assert_eq!(longest, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(BACKOFF.wait(3, 0), BACKOFF.least);
    }

    proptest! {
        #[test]
        fn a_wait_is_within_its_bounds(failures in 1_u32.., random: u64) {
            let wait = BACKOFF.wait(failures, random);
            prop_assert!(wait >= BACKOFF.least && wait <= BACKOFF.bound(failures));
            prop_assert!(BACKOFF.bound(failures) <= BACKOFF.longest);
        }
    }
}
