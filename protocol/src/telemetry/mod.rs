//! The Telemetry API (2022-07-01) and the Logs API (2020-08-15) as data: subscriptions, and the records of the
//! platform that they, and JSON logs, carry.
//!
//! Nothing here opens a connection or reads a clock.

mod level;
mod platform;
mod subscription;

pub use level::{level_of, level_of_start};
pub use platform::{
    InitPhaseRecord, InitReport, InitStart, Instance, Metrics, Platform, ReportRecord, RuntimeDone, Span,
    Start,
};
pub use subscription::{
    Api, Buffering, Destination, InvalidSubscription, SchemaVersion, Subscription, Types, invalid_body,
    refused,
};

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::{RawValue, Value};

const LINE_ENDS: [char; 2] = ['\n', '\r'];

/// Which of the three streams an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The platform's records.
    Platform,
    /// What the function writes.
    Function,
    /// What extensions write.
    Extension,
}

#[derive(Serialize)]
struct Event<'a, T: ?Sized> {
    time: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    record: &'a T,
}

/// An event as JSON, without a line feed; `time` is in ISO 8601.
pub fn event(time: &str, kind: &str, record: &(impl Serialize + ?Sized)) -> String {
    // Records have string keys only, so they always are JSON.
    serde_json::to_string(&Event { time, kind, record }).unwrap_or_default()
}

/// A line that a function or an extension wrote, as an event: in JSON logs an object stays one, as it was written but
/// for line ends between its parts.
pub fn line_event(time: &str, stream: Stream, line: &str, json: bool) -> String {
    let kind = if stream == Stream::Extension { "extension" } else { "function" };
    let text = line.trim();
    // Half a character or a number out of range would cost a strict receiver the whole batch.
    if json && text.starts_with('{') && serde_json::from_str::<Value>(text).is_ok() {
        // An event is one line. Inside of strings JSON has no line ends, so these are between its parts.
        let text =
            if text.contains(LINE_ENDS) { Cow::from(text.replace(LINE_ENDS, " ")) } else { text.into() };
        if let Ok(record) = serde_json::from_str::<&RawValue>(&text) {
            return event(time, kind, record);
        }
    }
    event(time, kind, if json { line.trim_end_matches('\n') } else { line })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_strings_and_in_json_logs_objects_stay_objects() {
        let told = |line, json| line_event("t", Stream::Function, line, json);
        assert_eq!(told("a\n", false), r#"{"time":"t","type":"function","record":"a\n"}"#);
        assert_eq!(told("{\"a\":1}\n", false), r#"{"time":"t","type":"function","record":"{\"a\":1}\n"}"#);
        assert_eq!(told("{\"a\":1}\n", true), r#"{"time":"t","type":"function","record":{"a":1}}"#);
        assert_eq!(told("{broken\n", true), r#"{"time":"t","type":"function","record":"{broken"}"#);
        assert_eq!(
            told("{\n \"a\":\r\n1}\n", true),
            r#"{"time":"t","type":"function","record":{  "a":  1}}"#
        );
        assert!(line_event("t", Stream::Extension, "x", false).contains(r#""type":"extension""#));
    }

    #[test]
    fn a_function_s_json_is_passed_on_as_it_was_written() {
        let written = r#"{"z": 1.0, "a":1E5,"n":12345678901234567890123, "z":2, "s":"\u00e9\/" }"#;
        let told = line_event("t", Stream::Function, &format!(" {written}\n"), true);
        assert_eq!(told, format!(r#"{{"time":"t","type":"function","record":{written}}}"#));
        for odd in [r#"{"a":"\ud800"}"#, r#"{"a":1e999}"#, "{\"a\":\"b\rc\nd\"}"] {
            let told: Value = serde_json::from_str(&line_event("t", Stream::Function, odd, true)).unwrap();
            assert_eq!(told["record"], odd);
        }
    }

    proptest! {
        #[test]
        fn every_line_is_an_event(line in "\\PC{0,80}", json: bool) {
            let told: serde_json::Value = serde_json::from_str(&line_event("t", Stream::Function, &line, json)).unwrap();
            prop_assert!(told.get("record").is_some());
            level_of(line.as_bytes());
        }
    }
}
