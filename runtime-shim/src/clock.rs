//! The two clocks: a monotonic one that ends things, and the wall clock that functions and logs are told.

use std::time::SystemTime;

use domain::log_stream::Day;
pub(crate) use tokio::time::Instant;

/// Now, on the monotonic clock.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since the epoch, on the wall clock.
pub(crate) fn epoch_millis() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Microseconds since the epoch, on the wall clock.
pub(crate) fn epoch_micros() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Milliseconds as log lines and reports have them.
pub(crate) fn millis(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// A point of the wall clock in ISO 8601, such as `2026-01-02T03:04:05.678Z`.
pub(crate) fn iso(epoch_millis: u64) -> String {
    let seconds = epoch_millis / 1_000;
    let Day { year, month, day } = Day::of_epoch_seconds(seconds);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let fraction = epoch_millis % 1_000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_is_told_in_iso_8601() {
        assert_eq!(iso(1_735_689_599_007), "2024-12-31T23:59:59.007Z");
    }
}
