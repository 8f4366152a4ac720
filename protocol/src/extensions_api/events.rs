//! What `event/next` answers.

use domain::extensions::ShutdownReason;
use domain::{RequestId, TimeBudget};
use serde::Serialize;

/// The trace header of an invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tracing {
    /// The span that a record is about; events of extensions name none.
    #[serde(rename = "spanId", skip_serializing_if = "Option::is_none")]
    pub span_id: Option<String>,
    /// Always `X-Amzn-Trace-Id`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The header's value.
    pub value: String,
}

impl Tracing {
    /// Of this header.
    pub fn of(header: &str) -> Self {
        Self { span_id: None, kind: "X-Amzn-Trace-Id", value: header.to_owned() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invoke<'a> {
    event_type: &'static str,
    deadline_ms: u64,
    request_id: RequestId,
    invoked_function_arn: &'a str,
    tracing: Tracing,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shutdown {
    event_type: &'static str,
    deadline_ms: u64,
    #[serde(rename = "shutdownReason")]
    reason: &'static str,
}

/// The event of an invocation; its time is over at `deadline_ms` since the epoch.
pub fn invoke_event(request: RequestId, deadline_ms: u64, arn: &str, trace: Option<&str>) -> String {
    let tracing = Tracing::of(trace.unwrap_or_default());
    text(&Invoke {
        event_type: "INVOKE",
        deadline_ms,
        request_id: request,
        invoked_function_arn: arn,
        tracing,
    })
}

/// The event of the end: `left` remains from `now_ms` since the epoch on.
pub fn shutdown_event(reason: ShutdownReason, left: TimeBudget, now_ms: u64) -> String {
    let deadline_ms = left.deadline_epoch_ms(now_ms);
    text(&Shutdown { event_type: "SHUTDOWN", deadline_ms, reason: reason.name() })
}

fn text(event: &impl Serialize) -> String {
    // These have string keys only, so they always are JSON.
    serde_json::to_string(event).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_the_fields_of_the_service() {
        let request = "11111111-2222-4333-8444-555555555555".parse().unwrap();
        assert_eq!(
            invoke_event(request, 7, "arn:x", Some("Root=1")),
            r#"{"eventType":"INVOKE","deadlineMs":7,"requestId":"11111111-2222-4333-8444-555555555555","invokedFunctionArn":"arn:x","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1"}}"#
        );
        assert_eq!(
            shutdown_event(ShutdownReason::Timeout, TimeBudget::from_millis(2_000), 1),
            r#"{"eventType":"SHUTDOWN","deadlineMs":2001,"shutdownReason":"timeout"}"#
        );
    }
}
