//! External extensions: started first, told of every event, waited for.

use std::path::Path;
use std::time::{Duration, Instant};

use protocol::link::assignment::{Assignment, Idle};
use serde_json::{Value, json};

use crate::harness::{Shim, assignment, fresh_folder, wait_for};
use crate::link::invoke;

/// The Python extension, as a file of a layer.
pub const RECORDER: &str = "../tests/functions/extensions/recorder.py";

/// A shim with extensions: the name of each file, and the file that it is a copy of.
pub async fn shim_with(extensions: &[(&str, &str)]) -> Shim {
    let folder = fresh_folder();
    let opt = folder.join("opt/extensions");
    std::fs::create_dir_all(&opt).unwrap();
    for (name, source) in extensions {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
        std::fs::copy(source, opt.join(name)).unwrap();
    }
    let mut command = Shim::command(&folder);
    command.env("KUBELAMBDA_EXTENSIONS", &opt);
    Shim::run(command, folder).await
}

/// An assignment whose extension writes to `events` in the shim's folder and does `what`.
pub fn recorded(shim: &Shim, what: &str) -> Assignment {
    let mut assignment = assignment();
    assignment.variables.insert("EXTENSION_FILE".into(), shim.path("events"));
    assignment.variables.insert("EXTENSION_DO".into(), what.into());
    assignment
}

/// Everything that was written down so far.
pub fn records(shim: &Shim) -> Vec<Value> {
    let text = std::fs::read_to_string(shim.path("events")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// What was written down under `key`.
pub fn all(shim: &Shim, key: &str) -> Vec<Value> {
    records(shim).iter().filter_map(|record| record.get(key).cloned()).collect()
}

/// The types of all events so far.
pub fn event_types(shim: &Shim) -> Vec<String> {
    all(shim, "event").iter().map(|event| event["eventType"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_extension_is_started_before_the_runtime_and_told_of_each_invocation() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut gateway = shim.ready(recorded(&shim, "slow")).await;
    let mut sent = invoke(20_000);
    sent.trace = Some("Root=1-2-3".into());
    let outcome = gateway.run_with(sent, "{}").await;
    outcome.succeeded();
    // The invocation ends after the extension has asked for more; the caller has the answer before.
    assert_eq!(all(&shim, "slow").len(), 1);
    let answered_ms = outcome.answered_after.as_secs_f64() * 1_000.0;
    assert!(outcome.report.duration_ms >= answered_ms + 500.0, "{outcome:?}");
    assert!(
        outcome.tail.contains(
            "extension is ready\nEXTENSION\tName: recorder\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n"
        ),
        "{}",
        outcome.tail
    );
    let event = all(&shim, "event").remove(0);
    assert_eq!(event["requestId"], json!(outcome.request));
    assert_eq!(event["tracing"], json!({"type": "X-Amzn-Trace-Id", "value": "Root=1-2-3"}));
    assert!(
        event["deadlineMs"].as_u64().unwrap() > 1_700_000_000_000 && event["invokedFunctionArn"].is_string()
    );
    // Each event of an invocation has an identifier of its own.
    let identifiers = all(&shim, "identifier");
    assert!(identifiers.iter().filter(|told| told.is_string()).count() >= 2, "{identifiers:?}");
    let registered: Value = serde_json::from_str(all(&shim, "registered")[0][1].as_str().unwrap()).unwrap();
    let expected = json!({"functionName": "my_function", "functionVersion": "$LATEST", "handler": "app.handler", "accountId": "123456789012"});
    assert_eq!(registered, expected);
    let record = &records(&shim)[0];
    assert_eq!(record["directory"], "/");
    for (name, there) in [
        ("AWS_LAMBDA_RUNTIME_API", true),
        ("AWS_LAMBDA_FUNCTION_NAME", true),
        ("EXTENSION_FILE", true),
        ("_HANDLER", false),
        ("_LAMBDA_TELEMETRY_LOG_FD", false),
        ("LAMBDA_TASK_ROOT", false),
        ("AWS_EXECUTION_ENV", false),
        ("AWS_LAMBDA_LOG_STREAM_NAME", false),
        ("AWS_XRAY_DAEMON_ADDRESS", false),
    ] {
        assert_eq!(record["environment"].get(name).is_some(), there, "{name}");
    }
}

#[tokio::test]
async fn calls_are_refused_as_on_aws() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    shim.ready(recorded(&shim, "refused")).await.run(&json!({})).await.succeeded();
    let expected = json!({
        "no name": [403, "Extension.InvalidExtensionName"],
        "no json": [403, "InvalidRequestFormat"],
        "internal shutdown": [403, "Extension.InvalidEventType"],
        "bad event": [403, "Extension.InvalidEventType"],
        "again": [403, "Extension.InvalidExtensionState"],
        "no identifier": [403, "Extension.MissingExtensionIdentifier"],
        "bad identifier": [403, "Extension.InvalidExtensionIdentifier"],
        "unknown identifier": [403, "Extension.UnknownExtensionIdentifier"],
        "no error type": [403, "Extension.MissingHeader"],
    });
    assert_eq!(all(&shim, "refused")[0], expected);
}

#[tokio::test]
async fn an_end_is_told_with_its_reason_and_leaves_time_to_say_goodbye() {
    let mut shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut gateway = shim.ready(recorded(&shim, "")).await;
    gateway.run(&json!({})).await.succeeded();
    shim.signal(rustix::process::Signal::TERM);
    assert_eq!(shim.exited().await.code(), Some(0));
    assert_eq!(event_types(&shim), ["INVOKE", "SHUTDOWN"]);
    assert_eq!(all(&shim, "event")[1]["shutdownReason"], "spindown");
    // Recorded: an event of the end comes as `Content-Type: text/plain; charset=utf-8`, one of an invocation does not.
    assert_eq!(all(&shim, "type"), ["application/json", "text/plain; charset=utf-8"]);
    assert_eq!(all(&shim, "done").len(), 1);
}

#[tokio::test]
async fn an_extension_that_does_not_end_is_ended_after_two_seconds() {
    let mut shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut gateway = shim.ready(recorded(&shim, "linger")).await;
    gateway.run(&json!({})).await.succeeded();
    let told = Instant::now();
    shim.signal(rustix::process::Signal::TERM);
    assert_eq!(shim.exited().await.code(), Some(0));
    let took = told.elapsed();
    assert!((Duration::from_millis(1_900)..Duration::from_secs(4)).contains(&took), "{took:?}");
    let pid = &records(&shim)[0]["pid"];
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[tokio::test]
async fn an_extension_that_did_not_ask_for_the_end_is_not_waited_for() {
    let mut shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut gateway = shim.ready(recorded(&shim, "invoke only")).await;
    gateway.run(&json!({})).await.succeeded();
    let told = Instant::now();
    shim.signal(rustix::process::Signal::TERM);
    shim.exited().await;
    assert!(told.elapsed() < Duration::from_millis(1_900), "{:?}", told.elapsed());
    assert_eq!(event_types(&shim), ["INVOKE"]);
}

#[tokio::test]
async fn the_file_that_disables_extensions_is_honoured() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    std::fs::write(shim.path("opt/disable-extensions-jwigqn8j"), "").unwrap();
    shim.ready(recorded(&shim, "")).await.run(&json!({})).await.succeeded();
    assert!(records(&shim).is_empty());
}

#[tokio::test]
async fn of_two_calls_that_wait_the_second_gets_the_event_and_the_first_is_refused() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut assignment = recorded(&shim, "next twice");
    assignment.idle = Idle::Run;
    let mut gateway = shim.ready(assignment).await;
    let told = wait_for("the first call's answer", || all(&shim, "first_next").pop()).await;
    assert_eq!((&told[0], &told[1]["errorType"]), (&json!(403), &json!("Extension.InvalidExtensionState")));
    gateway.run(&json!({})).await.succeeded();
    wait_for("the event", || event_types(&shim).pop()).await;
}
