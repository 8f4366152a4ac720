//! The answer of an invocation on the link: whole, or streamed as the function writes it.
//!
//! A streamed response is bounded by a window: [`STREAM_WINDOW_PARTS`] parts may be on their way, and each that
//! the caller took makes room for another, told by `More`. So a caller that reads slowly holds up its own
//! function, and neither fills the gateway nor blocks the link: whatever else the shim has to say still comes.
//!
//! An answer that the runtime gave in one piece, or that the platform gave in its stead, needs no room. A shim
//! of an earlier version does not know the mode and answers in one piece, which is a stream too.

use domain::AttemptId;
use serde::{Deserialize, Serialize};

/// Parts of a streamed response that may be on their way to a caller. Both sides count on it: it belongs to
/// the version of the link.
pub const STREAM_WINDOW_PARTS: u32 = 16;
/// Largest part of a streamed response, in bytes; with the window, 1 MiB is on its way.
pub const STREAM_PART_BYTES_MAX: usize = 64 * 1024;

/// How an answer is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResponseMode {
    /// Once it is complete; a response that the runtime streams is collected first.
    #[default]
    Buffered,
    /// As the runtime writes it, where it streams.
    Streaming,
}

/// One part of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponsePart {
    /// Which attempt.
    pub attempt: AttemptId,
    /// No further part follows.
    pub last: bool,
    /// Set on the first part only.
    #[serde(default)]
    pub head: Option<ResponseHead>,
    /// Only on the last part of a streamed response: it failed half-way. The body is then the error, and no
    /// part of the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<FunctionError>,
}

/// What is known when an answer begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseHead {
    /// `None`: success. Otherwise the payload tells of a function error (through `/error`, a crash or a
    /// time-out), never guessed from the payload.
    pub function_error: Option<FunctionError>,
    /// The runtime's content type.
    pub content_type: String,
}

/// What kind of function error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionError {
    /// How it came about.
    pub cause: FunctionErrorCause,
    /// Such as `Runtime.ExitError` or `Sandbox.Timedout`; whatever the runtime client said for a handler's.
    pub error_type: String,
}

/// How a function error came about; a closed set, fit for a metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FunctionErrorCause {
    /// The runtime posted to `/error`, or ended its response with an error.
    Handler,
    /// The time-out passed.
    TimedOut,
    /// The runtime exited, was killed, ran out of memory, or broke the protocol.
    Crashed,
    /// The init phase failed.
    Init,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_an_earlier_shim_is_read_and_one_without_an_error_is_written_as_before() {
        let id = "00000000-0000-4000-8000-000000000001";
        let earlier = format!(r#"{{"attempt":"{id}","last":true,"head":null}}"#);
        let part: ResponsePart = serde_json::from_str(&earlier).unwrap();
        assert_eq!(part.error, None);
        assert_eq!(serde_json::to_string(&part).unwrap(), earlier);
    }

    #[test]
    fn a_gateway_that_names_no_mode_gets_a_whole_answer() {
        assert_eq!(ResponseMode::default(), ResponseMode::Buffered);
        assert_eq!(serde_json::to_string(&ResponseMode::Streaming).unwrap(), "\"streaming\"");
    }
}
