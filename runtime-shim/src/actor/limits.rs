//! What a function may use, watched while it runs: time, memory, and `/tmp` ([`super::storage`]).
//!
//! Memory is looked at often in the beginning, when a runtime grows fastest, and then less so. A function that
//! takes more than `memorySize` between two looks meets the container's limit, which has the same answer.

use std::time::Duration;

use domain::environment::{Limit, State};

use super::Actor;
use super::timers::Timer;
use crate::clock::{self, Instant};

/// First pause between two looks at memory, in milliseconds.
const SAMPLE_MILLIS_MIN: u64 = 20;
/// Longest pause, in milliseconds.
const SAMPLE_MILLIS_MAX: u64 = 100;
/// Of memory, in bytes.
const MB_BYTES: u64 = 1024 * 1024;

/// Memory of one life of a runtime.
#[derive(Debug, Default)]
pub(super) struct MemoryUse {
    max_bytes: u64,
    /// The kernel ended a process because there was no more: it used all of it, whatever was seen.
    used_up: bool,
    looked: Option<Instant>,
    pause: Duration,
}

impl MemoryUse {
    /// A new runtime starts.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// The kernel ended the runtime for lack of memory.
    pub(super) fn used_up(&mut self) {
        self.used_up = true;
    }

    /// Most memory used at once, in MB; as on AWS, the most that is told is what there was.
    fn max_mb(&self, memory_mb: u32) -> u64 {
        let most = u64::from(memory_mb);
        if self.used_up { most } else { self.max_bytes.div_ceil(MB_BYTES).min(most) }
    }
}

impl Actor {
    /// Something begins that may use memory.
    pub(super) fn watch_limits(&mut self) {
        self.watch_storage();
        self.memory.pause = Duration::from_millis(SAMPLE_MILLIS_MIN);
        self.timers.set(Timer::Sample, clock::now() + self.memory.pause);
    }

    pub(super) fn sample(&mut self) {
        if self.runtime.exit.is_some() || !self.is_running() {
            return;
        }
        let limit_bytes = self.memory_limit_bytes();
        if self.look_at_memory(limit_bytes) > limit_bytes {
            return self.limit_passed(&Limit::Memory);
        }
        self.look_at_storage();
        self.memory.pause = (self.memory.pause * 2).min(Duration::from_millis(SAMPLE_MILLIS_MAX));
        self.timers.set(Timer::Sample, clock::now() + self.memory.pause);
    }

    pub(super) fn deadline_passed(&mut self) {
        let millis = match (&self.invocation, self.environment.state()) {
            (_, State::Init { .. }) => self.settings.init_limit.as_millis(),
            (Some(invocation), _) => u128::from(invocation.invoke.budget.as_millis()),
            (None, _) => return,
        };
        self.limit_passed(&Limit::Time { millis: u64::try_from(millis).unwrap_or(u64::MAX) });
    }

    /// Most memory used at once, and `memorySize`, in MB, for `REPORT`.
    pub(super) fn memory_report(&mut self) -> (u64, u32) {
        let due =
            self.memory.looked.is_none_or(|at| at.elapsed() >= Duration::from_millis(SAMPLE_MILLIS_MAX));
        if due && self.runtime.pid.is_some() {
            let limit_bytes = self.memory_limit_bytes();
            self.look_at_memory(limit_bytes);
        }
        let memory_mb = self.assigned.as_ref().map_or(0, |assigned| assigned.assignment.memory_mb);
        (self.memory.max_mb(memory_mb), memory_mb)
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(
            self.environment.state(),
            State::Init { .. } | State::InlineInit { .. } | State::Invoke { .. }
        )
    }

    pub(super) fn limit_passed(&mut self, limit: &Limit) {
        let effects = self.environment.limit_passed(limit);
        self.apply(effects);
    }

    fn memory_limit_bytes(&self) -> u64 {
        self.assigned
            .as_ref()
            .map_or(u64::MAX, |assigned| u64::from(assigned.assignment.memory_mb) * MB_BYTES)
    }

    fn look_at_memory(&mut self, limit_bytes: u64) -> u64 {
        let used = self.processes.memory_bytes(limit_bytes);
        self.memory.max_bytes = self.memory.max_bytes.max(used);
        self.memory.looked = Some(clock::now());
        used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_memory_is_the_most_that_was_seen_and_never_more_than_there_is() {
        let told = |max_bytes, used_up| MemoryUse { max_bytes, used_up, ..MemoryUse::default() }.max_mb(128);
        assert_eq!([told(0, false), told(1, false), told(117 * MB_BYTES, false)], [0, 1, 117]);
        assert_eq!(told(300 * MB_BYTES, false), 128);
        // Published of a function that used up its memory: "Memory Size: 10239 MB\tMax Memory Used: 10239 MB\t
        // Init Duration: 551.73 ms\tStatus: error\tError Type: Runtime.OutOfMemory".
        assert_eq!(told(117 * MB_BYTES, true), 128);
    }

    #[test]
    fn the_next_life_of_a_runtime_begins_with_nothing() {
        let mut memory = MemoryUse::default();
        memory.used_up();
        memory.reset();
        assert_eq!(memory.max_mb(128), 0);
    }
}
