//! Runtimes that crash, hang, grow or break the protocol: what the caller reads, and that the next one is served.

use std::path::Path;
use std::time::Duration;

use protocol::link::environment::FunctionErrorCause::{Crashed, TimedOut};
use serde_json::json;

use crate::harness::{Shim, assignment, wait_for};
use crate::link::{Link, Outcome, invoke};

/// The answer to a time-out must be there this long after it, in milliseconds. The promise is 50 on a machine of
/// one's own; tests share theirs.
const TIME_OUT_SLACK_MILLIS: u64 = 400;

async fn serves_the_next(gateway: &mut Link) {
    let outcome = gateway.run(&json!({"next": 1})).await;
    assert_eq!(outcome.succeeded().json(), json!({"next": 1}));
}

/// An error of the platform's, as its caller reads it.
pub fn payload(error_type: &str, outcome: &Outcome, message: &str) -> String {
    let id = outcome.request;
    format!(r#"{{"errorType":"{error_type}","errorMessage":"RequestId: {id} Error: {message}"}}"#)
}

async fn times_out(event: serde_json::Value) -> (Shim, Link, Outcome) {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let outcome = gateway.run_with(invoke(600), &event.to_string()).await;
    outcome.failed_with(TimedOut, "Sandbox.Timedout");
    let expected = payload("Sandbox.Timedout", &outcome, "Task timed out after 0.60 seconds");
    assert_eq!(String::from_utf8_lossy(&outcome.body), expected);
    let limit = Duration::from_millis(600 + TIME_OUT_SLACK_MILLIS);
    eprintln!(
        "answered {:?} after the time-out",
        outcome.answered_after.saturating_sub(Duration::from_millis(600))
    );
    assert!((Duration::from_millis(590)..limit).contains(&outcome.answered_after), "{outcome:?}");
    assert!(outcome.tail.contains("Task timed out after 0.60 seconds\n\nEND RequestId"), "{}", outcome.tail);
    assert!(outcome.tail.contains("Duration: 600.00 ms\t"), "{}", outcome.tail);
    assert!(outcome.tail.ends_with("\tStatus: timeout\n"), "{}", outcome.tail);
    gateway.until_free().await;
    (shim, gateway, outcome)
}

#[tokio::test]
async fn a_busy_loop_is_ended_at_its_time_out() {
    let (_shim, mut gateway, _) = times_out(json!({"do": "hang", "busy": true})).await;
    serves_the_next(&mut gateway).await;
}

#[tokio::test]
async fn a_time_out_ends_what_was_forked_away() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let file = shim.path("child");
    let outcome = gateway.run_with(invoke(2_000), &json!({"do": "hang", "child": file}).to_string()).await;
    outcome.failed_with(TimedOut, "Sandbox.Timedout");
    let child = std::fs::read_to_string(&file).unwrap();
    let gone = || (!Path::new(&format!("/proc/{}", child.trim())).exists()).then_some(());
    wait_for("the end of the forked process", gone).await;
    serves_the_next(&mut gateway).await;
    // The runtime was started anew inside that invocation, of which nothing is said where it goes well.
    assert!(!shim.log().contains("INIT_REPORT"), "{}", shim.log());
}

#[tokio::test]
async fn a_time_out_after_the_answer_leaves_the_answer() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let outcome = gateway.run_with(invoke(500), r#"{"do":"answer and hang"}"#).await;
    outcome.succeeded();
    assert!(outcome.answered_after < Duration::from_millis(450), "{outcome:?}");
    assert!(outcome.tail.ends_with("\tStatus: timeout\n"), "{}", outcome.tail);
    serves_the_next(&mut gateway).await;
}

#[tokio::test]
async fn an_exit_is_told_as_on_aws() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    for (event, message) in [
        (json!({"do": "exit"}), "Runtime exited without providing a reason"),
        (json!({"do": "exit", "status": 7}), "Runtime exited with error: exit status 7"),
        (json!({"do": "signal", "number": 9}), "Runtime exited with error: signal: killed"),
        (json!({"do": "signal", "number": 15}), "Runtime exited with error: signal: terminated"),
    ] {
        let outcome = gateway.run(&event).await;
        outcome.failed_with(Crashed, "Runtime.ExitError");
        assert_eq!(String::from_utf8_lossy(&outcome.body), payload("Runtime.ExitError", &outcome, message));
        assert!(
            outcome.tail.contains(&format!("Error: {message}\nRuntime.ExitError\nEND ")),
            "{}",
            outcome.tail
        );
        assert!(outcome.tail.ends_with("Status: error\tError Type: Runtime.ExitError\n"), "{}", outcome.tail);
        serves_the_next(&mut gateway).await;
    }
}

#[tokio::test]
async fn an_answer_stands_when_the_runtime_exits_after_it() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    for event in [json!({"do": "answer and exit"}), json!({"do": "post and exit"})] {
        let outcome = gateway.run(&event).await;
        assert_eq!(outcome.succeeded().json(), event);
        // The caller keeps its answer, and the report tells what came after it.
        assert!(outcome.tail.ends_with("Status: error\tError Type: Runtime.ExitError\n"), "{}", outcome.tail);
        serves_the_next(&mut gateway).await;
    }
}

#[tokio::test]
async fn a_response_is_bounded_to_the_byte() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let limit = 6 * 1024 * 1024 + 100;
    for bytes in [0, 1, limit - 1, limit] {
        let outcome =
            gateway.run_with(invoke(20_000), &json!({"do": "size", "bytes": bytes}).to_string()).await;
        assert_eq!(outcome.succeeded().body.len(), bytes);
        assert_eq!(outcome.head.content_type, "application/octet-stream");
    }
    let outcome =
        gateway.run_with(invoke(20_000), &json!({"do": "size", "bytes": limit + 1}).to_string()).await;
    outcome.failed_with(Crashed, "Function.ResponseSizeTooLarge");
    let message = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";
    assert_eq!(outcome.json()["errorMessage"], message);
    assert!(outcome.tail.contains("size status 413\n"), "{}", outcome.tail);
    serves_the_next(&mut gateway).await;
    // Without a length in advance, as Go's client posts everything.
    let outcome = gateway.run_with(invoke(20_000), r#"{"do":"chunked","parts":700}"#).await;
    assert_eq!(outcome.succeeded().body.len(), 700_000);
    let outcome = gateway.run_with(invoke(20_000), r#"{"do":"chunked","parts":6292}"#).await;
    outcome.failed_with(Crashed, "Function.ResponseSizeTooLarge");
    serves_the_next(&mut gateway).await;
}

#[tokio::test]
async fn a_response_that_breaks_off_or_names_a_wrong_mode_is_told() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let outcome = gateway.run(&json!({"do": "truncated"})).await;
    outcome.failed_with(Crashed, "Runtime.TruncatedResponse");
    assert!(outcome.tail.contains("truncated status 400\n"), "{}", outcome.tail);
    let outcome = gateway.run(&json!({"do": "mode"})).await;
    outcome.failed_with(Crashed, "Runtime.InvalidResponseModeHeader");
    assert!(outcome.tail.contains("mode status 400 InvalidFunctionResponseMode\n"), "{}", outcome.tail);
    serves_the_next(&mut gateway).await;
}

#[tokio::test]
async fn memory_over_its_size_ends_the_invocation() {
    let shim = Shim::start().await;
    let mut assignment = assignment();
    assignment.memory_mb = 128;
    let mut gateway = shim.ready(assignment).await;
    let outcome = gateway.run_with(invoke(20_000), r#"{"do":"memory"}"#).await;
    outcome.failed_with(Crashed, "Runtime.OutOfMemory");
    let expected = payload("Runtime.OutOfMemory", &outcome, "Runtime exited with error: signal: killed");
    assert_eq!(String::from_utf8_lossy(&outcome.body), expected);
    assert!(outcome.tail.contains("\tMax Memory Used: 128 MB\t"), "{}", outcome.tail);
    assert!(outcome.tail.ends_with("\tStatus: error\tError Type: Runtime.OutOfMemory\n"), "{}", outcome.tail);
    serves_the_next(&mut gateway).await;
}

#[tokio::test]
async fn temporary_files_over_their_size_end_the_invocation() {
    let shim = Shim::start().await;
    let mut assignment = assignment();
    assignment.ephemeral_storage_mb = 4;
    let mut gateway = shim.ready(assignment).await;
    let event = json!({"do": "storage", "file": shim.path("tmp/file")});
    let outcome = gateway.run_with(invoke(20_000), &event.to_string()).await;
    outcome.failed_with(Crashed, "Sandbox.Failure");
    assert!(outcome.json()["errorMessage"].as_str().unwrap().ends_with("/tmp holds more than 4 MB"));
    assert!(!Path::new(&shim.path("tmp/file")).exists());
    serves_the_next(&mut gateway).await;
}
