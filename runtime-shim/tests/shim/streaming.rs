//! Streamed responses, as a gateway sees them on the link.

use std::time::Duration;

use bytes::Bytes;
use domain::limits::STREAMED_RESPONSE_BYTES_MAX;
use protocol::link::environment::{
    FromEnvironment, FunctionError, FunctionErrorCause, Invoke, Phase, ResponseHead, ResponseMode,
    ResponsePart, STREAM_PART_BYTES_MAX, STREAM_WINDOW_PARTS, ToEnvironment,
};
use serde_json::{Value, json};

use crate::harness::{Shim, assignment};
use crate::link::{Link, invoke};

fn streaming(milliseconds: u64) -> Invoke {
    Invoke { response_mode: ResponseMode::Streaming, ..invoke(milliseconds) }
}

async fn send(gateway: &mut Link, invoke: &Invoke, event: &Value) {
    gateway.send(ToEnvironment::Invoke(Box::new(invoke.clone())), event.to_string().into()).await;
}

async fn next_part(gateway: &mut Link) -> (ResponsePart, Bytes) {
    gateway
        .until(|frame| match frame.header {
            FromEnvironment::Response(part) => Some((part, frame.body)),
            _ => None,
        })
        .await
}

/// A response from its head to its end.
struct Streamed {
    head: ResponseHead,
    length: usize,
    error: Option<FunctionError>,
    error_body: Bytes,
}

/// Reads a response to its end, making room for as much as came.
async fn read(gateway: &mut Link, invoke: &Invoke) -> Streamed {
    let (first, _) = next_part(gateway).await;
    let head = first.head.unwrap();
    let mut length = 0;
    loop {
        let (part, body) = next_part(gateway).await;
        assert!(part.head.is_none() && (part.last || body.len() <= STREAM_PART_BYTES_MAX), "{part:?}");
        if part.last {
            gateway
                .until(|frame| matches!(frame.header, FromEnvironment::Finished { .. }).then_some(()))
                .await;
            return Streamed { head, length, error: part.error, error_body: body };
        }
        length += body.len();
        gateway.send(ToEnvironment::More { attempt: invoke.attempt, parts: 1 }, Bytes::new()).await;
    }
}

async fn run(gateway: &mut Link, milliseconds: u64, event: &Value) -> Streamed {
    let invoke = streaming(milliseconds);
    send(gateway, &invoke, event).await;
    read(gateway, &invoke).await
}

fn check(streamed: &Streamed, length: usize, cause: FunctionErrorCause, error_type: &str) -> Value {
    let error = streamed.error.as_ref().unwrap();
    assert_eq!((streamed.length, error.cause, error.error_type.as_str()), (length, cause, error_type));
    serde_json::from_slice(&streamed.error_body).unwrap()
}

#[tokio::test]
async fn each_part_is_passed_on_while_the_function_still_runs() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let gate = shim.path("gate");
    let kind = "application/vnd.awslambda.http-integration-response";
    let (event, invoke) =
        (json!({"do": "stream", "type": kind, "parts": ["one", "two"], "gate": gate}), streaming(3_000));
    send(&mut gateway, &invoke, &event).await;
    let (first, _) = next_part(&mut gateway).await;
    assert_eq!(first.head, Some(ResponseHead { function_error: None, content_type: kind.into() }));
    assert_eq!(next_part(&mut gateway).await.1, "one");
    std::fs::write(&gate, "").unwrap();
    assert_eq!(next_part(&mut gateway).await.1, "two");
    let (last, body) = next_part(&mut gateway).await;
    assert!(last.last && last.error.is_none() && body.is_empty(), "{last:?}");
    gateway.until_free().await;
    shim.log_with("stream status 202 after 6").await;
}

#[tokio::test]
async fn what_ends_a_response_half_way_is_told_at_its_end() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let stream = |more: Value| {
        let mut event = json!({"do": "stream", "parts": ["half"]});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let told = json!({"errorMessage": "e".repeat(40_000)});
    let failed = run(&mut gateway, 3_000, &stream(json!({"error": told}))).await;
    assert_eq!(check(&failed, 4, FunctionErrorCause::Handler, "Runtime.UserException"), told);
    let broken = run(&mut gateway, 3_000, &stream(json!({"end": "break"}))).await;
    check(&broken, 4, FunctionErrorCause::Crashed, "Runtime.TruncatedResponse");
    let late = run(&mut gateway, 900, &stream(json!({"gate": "/never"}))).await;
    check(&late, 4, FunctionErrorCause::TimedOut, "Sandbox.Timedout");
    let exited = run(&mut gateway, 3_000, &stream(json!({"end": "exit"}))).await;
    check(&exited, 4, FunctionErrorCause::Crashed, "Runtime.TruncatedResponse");
    assert!(run(&mut gateway, 3_000, &json!({"do": "stream", "parts": []})).await.error.is_none());
}

#[tokio::test]
async fn a_trailer_that_is_written_as_text_is_payload() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let text = "Lambda-Runtime-Function-Error-Type: Runtime.StreamError\r\nLambda-Runtime-Function-Error-Body: Ym9vbQ==\r\n";
    let streamed = run(&mut gateway, 3_000, &json!({"do": "stream", "parts": ["half", text]})).await;
    assert_eq!((streamed.length, streamed.error), (4 + text.len(), None));
}

#[tokio::test]
async fn two_hundred_mib_pass_and_not_a_byte_more() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let before = shim.memory_kib("VmHWM:");
    let mut parts = vec![1024 * 1024; STREAMED_RESPONSE_BYTES_MAX / 1024 / 1024];
    let whole = run(&mut gateway, 60_000, &json!({"do": "stream", "parts": parts})).await;
    assert_eq!((whole.length, whole.error), (STREAMED_RESPONSE_BYTES_MAX, None));
    assert_eq!(whole.head.content_type, "text/plain");
    parts.push(1);
    let cut = run(&mut gateway, 60_000, &json!({"do": "stream", "parts": parts})).await;
    let error = check(
        &cut,
        STREAMED_RESPONSE_BYTES_MAX,
        FunctionErrorCause::Crashed,
        "Function.ResponseSizeTooLarge",
    );
    assert!(error["errorMessage"].as_str().unwrap().contains("209715200"), "{error}");
    let grown = shim.memory_kib("VmHWM:") - before;
    assert!(grown < 16 * 1024, "{grown} KiB");
}

#[tokio::test]
async fn a_caller_that_makes_no_room_holds_up_only_its_function_until_its_time_is_over() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let mut other = shim.gateway().await;
    let invoke = streaming(700);
    send(&mut gateway, &invoke, &json!({"do": "stream", "parts": vec![1024 * 1024; 100]})).await;
    let mut parts = 0;
    let end = loop {
        let (part, _) = next_part(&mut gateway).await;
        if part.last {
            break part;
        }
        parts += u32::from(part.head.is_none());
    };
    assert_eq!(parts, STREAM_WINDOW_PARTS);
    assert_eq!(end.error.unwrap().cause, FunctionErrorCause::TimedOut);
    other.until_phase(Phase::Busy).await;
    other.until_free().await;
    assert_eq!(other.run(&json!({"do": "echo"})).await.succeeded().json(), json!({"do": "echo"}));
}

#[tokio::test]
async fn a_lost_gateway_stops_nothing() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    send(&mut gateway, &streaming(30_000), &json!({"do": "stream", "parts": vec![1024 * 1024; 20]})).await;
    next_part(&mut gateway).await;
    drop(gateway);
    shim.log_with("stream status 202 after 20971520").await;
    tokio::time::timeout(Duration::from_secs(5), shim.gateway().await.until_free()).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_wants_a_whole_answer_gets_a_streamed_one_whole() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let whole = gateway.run(&json!({"do": "stream", "parts": ["one", "two"]})).await;
    assert_eq!(whole.succeeded().body, b"onetwo");
    let too_large = gateway.run(&json!({"do": "stream", "parts": [6 * 1024 * 1024, 101]})).await;
    too_large.failed_with(FunctionErrorCause::Crashed, "Function.ResponseSizeTooLarge");
    let failed =
        gateway.run(&json!({"do": "stream", "parts": ["half"], "error": {"errorMessage": "no"}})).await;
    failed.failed_with(FunctionErrorCause::Handler, "Runtime.UserException");
    assert_eq!(failed.json(), json!({"errorMessage": "no"}));
}
