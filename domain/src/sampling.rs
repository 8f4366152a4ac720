//! Which traces a function takes where its caller has not decided: AWS's rule, which cannot be configured there.
//!
//! The X-Ray guide: "The default rule traces the first request each second, and five percent of any additional
//! requests". Each gateway keeps it for itself. No clock and no randomness: both are parameters.

use std::sync::atomic::{AtomicU64, Ordering};

/// Of so many further requests, one is sampled: 5 %.
const ONE_OF: u64 = 20;
/// No second: nothing was asked for yet.
const NEVER: u64 = u64::MAX;

/// The sampling of one function. Asking takes no lock.
#[derive(Debug)]
pub struct Sampler {
    /// The last second whose first request is gone.
    second: AtomicU64,
}

impl Default for Sampler {
    fn default() -> Self {
        Self { second: AtomicU64::new(NEVER) }
    }
}

impl Sampler {
    /// Whether a request in this second since the epoch is sampled; `random` is evenly distributed over all of
    /// `u64`. A clock that is set back only begins another second.
    pub fn samples(&self, second: u64, random: u64) -> bool {
        let last = self.second.load(Ordering::Relaxed);
        let first = second != last
            && self.second.compare_exchange(last, second, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        first || random < u64::MAX / ONE_OF
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_request_each_second_is_sampled() {
        let sampler = Sampler::default();
        let taken: Vec<bool> = [7, 7, 7, 8, 8, 9].map(|second| sampler.samples(second, u64::MAX)).to_vec();
        assert_eq!(taken, [true, false, false, true, false, true]);
    }

    #[test]
    fn and_five_percent_of_any_additional_requests() {
        let sampler = Sampler::default();
        assert!(sampler.samples(1, u64::MAX));
        let step = u64::MAX / 1_000;
        let taken = (0..1_000).filter(|share| sampler.samples(1, share * step + step / 2)).count();
        assert_eq!(taken, 50);
    }

    #[test]
    fn of_many_at_once_one_is_the_first() {
        let sampler = Sampler::default();
        let taken: usize = thread::scope(|scope| {
            let ask = || (0..1_000).filter(|_| sampler.samples(1, u64::MAX)).count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 1);
    }

    proptest! {
        #[test]
        fn no_second_is_without_a_sample(seconds in proptest::collection::vec(0_u64..5, 1..50), random: u64) {
            let sampler = Sampler::default();
            let mut last = None;
            for second in seconds {
                let taken = sampler.samples(second, random);
                prop_assert!(taken || last == Some(second));
                last = Some(second);
            }
        }
    }
}
