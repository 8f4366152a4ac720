//! When the parts of an invocation were, by the wall clock of its environment: what segments are made from.
//!
//! Microseconds since the epoch. The clocks of two nodes may differ: a reader relates these to its own only by
//! their distances. Wall clocks can be set back; an interval never ends before it starts all the same, since
//! the shim reads the clock once and adds what its monotonic clock measured.

use serde::{Deserialize, Serialize};

/// From one moment to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Interval {
    /// When it began.
    pub start_us: u64,
    /// When it ended; not before it began.
    pub end_us: u64,
}

/// An init phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitInterval {
    /// When it was.
    #[serde(flatten)]
    pub interval: Interval,
    /// It did not come to the runtime's first `next`.
    pub failed: bool,
}

/// The parts of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// Only with the first invocation after an init phase; of several, the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<InitInterval>,
    /// From the hand-over to the runtime to the end of its response, or to its failure.
    pub invocation: Interval,
    /// When the environment was done: the runtime and every extension have asked for the next event, or have
    /// been ended. What lies between the invocation's end and this is overhead.
    pub ended_us: u64,
}

#[cfg(test)]
mod tests {
    use super::super::environment::{FromEnvironment, Report};
    use super::*;

    const EARLIER: &str = r#"{"durationMs":1.5,"billedDurationMs":2,"maxMemoryUsedMb":40,"initDurationMs":null,"remainingMs":7}"#;

    #[test]
    fn a_report_of_an_earlier_shim_has_no_timeline() {
        let report: Report = serde_json::from_str(EARLIER).unwrap();
        assert_eq!(report.timeline, None);
    }

    #[test]
    fn a_timeline_is_read_as_it_was_written() {
        let invocation = Interval { start_us: 3, end_us: 4 };
        let init = InitInterval { interval: Interval { start_us: 1, end_us: 2 }, failed: true };
        for init in [None, Some(init)] {
            let timeline = Timeline { init, invocation, ended_us: 5 };
            let text = serde_json::to_string(&timeline).unwrap();
            assert_eq!(serde_json::from_str::<Timeline>(&text).unwrap(), timeline);
        }
        let text = serde_json::to_string(&init).unwrap();
        assert_eq!(text, r#"{"startUs":1,"endUs":2,"failed":true}"#);
    }

    #[test]
    fn a_segment_is_a_message_without_fields() {
        assert_eq!(serde_json::to_string(&FromEnvironment::Segment).unwrap(), r#"{"type":"segment"}"#);
    }
}
