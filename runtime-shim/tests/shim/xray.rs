//! The X-Ray daemon's port: AWS's own SDK for Python, unmodified, and clients that send what they should not.
//!
//! `make runtime-clients` installs the SDK once; without it these tests fail and say so.

use std::fs;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use protocol::link::assignment::{Assignment, Idle};
use protocol::link::environment::{FromEnvironment, Invoke, SEGMENT_BYTES_MAX, ToEnvironment};
use protocol::runtime_api::error_cause::ERROR_CAUSE_BYTES_MAX;
use serde_json::{Value, json};

use crate::harness::{Shim, assignment, wait_for};
use crate::link::{Link, invoke};
use crate::python_client::python_function;

const HANDLER: &str = r#"
import os, socket, threading, time

port = int(os.environ["_AWS_XRAY_DAEMON_PORT"])
daemon = (os.environ["_AWS_XRAY_DAEMON_ADDRESS"], port)
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
HEADER = '{"format": "json", "version": 1}\n'

def trace(event):
    from aws_xray_sdk.core import xray_recorder
    with xray_recorder.in_subsegment("outer") as subsegment:
        subsegment.put_annotation("number", event["trace"])
        with xray_recorder.in_subsegment("inner"):
            pass

def late(gate):
    while not os.path.exists(gate):
        time.sleep(0.002)
    client.sendto((HEADER + "late").encode(), daemon)

def handler(event, context):
    if "fail" in event:
        raise ValueError(event["fail"])
    if "trace" in event:
        trace(event)
    for datagram in event.get("send", []):
        client.sendto(datagram.encode(), daemon)
    if "largest" in event:
        client.sendto(HEADER.encode().ljust(65507, b"x"), daemon)
    if "late" in event:
        threading.Thread(target=late, args=(event["late"],), daemon=True).start()
    if "flood" in event:
        datagram = HEADER.encode().ljust(event["bytes"], b"x")
        for _ in range(event["flood"]):
            client.sendto(datagram, daemon)
        open(event["done"], "w").close()
    return {"port": port, "address": os.environ["AWS_XRAY_DAEMON_ADDRESS"], "trace": os.environ.get("_X_AMZN_TRACE_ID")}
"#;
const HEADER: &str = "{\"format\":\"json\",\"version\":1}\n";
const PARENT: &str = "00f067aa0ba902b7";

fn function(shim: &Shim) -> Assignment {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/runtime-clients/xray");
    assert!(
        sdk.join("aws_xray_sdk").is_dir(),
        "AWS's X-Ray SDK is not at {}: run `make runtime-clients`",
        sdk.display()
    );
    let mut assignment = python_function(HANDLER, shim);
    let path = assignment.variables.get_mut("PYTHONPATH").unwrap();
    *path = format!("{path}:{}", sdk.display());
    assignment.idle = Idle::Run;
    assignment
}

/// An invocation of the trace with this number.
fn traced(number: u32, sampled: u8) -> Invoke {
    let trace = format!("Root=1-65432100-{number:024x};Parent={PARENT};Sampled={sampled}");
    Invoke { trace: Some(trace), ..invoke(20_000) }
}

fn texts(segments: &[Bytes]) -> Vec<&str> {
    segments.iter().map(|document| std::str::from_utf8(document).unwrap()).collect()
}

/// The document of the next segment.
async fn segment(gateway: &mut Link) -> Bytes {
    gateway.until(|frame| (frame.header == FromEnvironment::Segment).then_some(frame.body)).await
}

#[tokio::test]
async fn the_sdk_s_subsegments_come_with_their_invocation_and_belong_to_its_trace() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(function(&shim)).await;
    for number in [1, 2] {
        let invoke = traced(number, 1);
        let outcome = gateway.run_with(invoke.clone(), &json!({"trace": number}).to_string()).await;
        assert_eq!(outcome.succeeded().json()["trace"].as_str(), invoke.trace.as_deref());
        let root = format!("1-65432100-{number:024x}");
        let documents: Vec<Value> =
            outcome.segments.iter().map(|document| serde_json::from_slice(document).unwrap()).collect();
        let [inner, outer] = documents.as_slice() else { panic!("{documents:?}") };
        assert_eq!((&inner["name"], &outer["name"]), (&json!("inner"), &json!("outer")));
        assert_eq!((&inner["parent_id"], &outer["parent_id"]), (&outer["id"], &json!(PARENT)));
        for document in [inner, outer] {
            assert_eq!((&document["trace_id"], &document["type"]), (&json!(root), &json!("subsegment")));
        }
        assert_eq!(outer["annotations"], json!({"number": number}));
        let line = format!("XRAY TraceId: {root}\tSegmentId: {PARENT}\tSampled: true\t\n");
        assert!(outcome.tail.ends_with(&line), "{}", outcome.tail);
    }
}

#[tokio::test]
async fn why_a_handler_failed_is_told_as_aws_s_client_tells_it_where_the_trace_is_sampled() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(function(&shim)).await;
    let failed = gateway.run_with(traced(1, 1), r#"{"fail":"no"}"#).await;
    let cause: Value = serde_json::from_slice(&failed.cause.unwrap()).unwrap();
    let exception = &cause["exceptions"][0];
    assert_eq!((&exception["type"], &exception["message"]), (&json!("ValueError"), &json!("no")));
    assert_eq!(exception["stack"][0]["label"], "handler", "{cause}");
    assert!(cause["working_directory"].is_string(), "{cause}");
    let unsampled = gateway.run_with(traced(2, 0), r#"{"fail":"no"}"#).await;
    assert_eq!((&unsampled.cause, unsampled.json()["errorMessage"].as_str()), (&None, Some("no")));
    let succeeded = gateway.run_with(traced(3, 1), "{}").await;
    assert_eq!(succeeded.cause, None);
}

#[tokio::test]
async fn a_cause_is_cropped_and_one_in_the_body_is_told_as_well() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let code = r#"
exception = {"type": "E", "message": "m" * 1000}
cause = json.dumps({"exceptions": [exception] * event["count"], "paths": [], "message": "c"})
headers = {"Lambda-Runtime-Function-XRay-Error-Cause": cause}
body = "{}"
if event["in"] == "body":
    headers = {"Lambda-Runtime-Function-XRay-Error-Cause": "no cause",
               "Content-Type": "application/vnd.aws.lambda.error.cause+json"}
    body = '{"errorMessage": "m", "errorType": "T", "errorCause": %s}' % cause
respond(request, body, "error", headers)
"#;
    for place in ["header", "body"] {
        for (count, kept) in [(2, 2), (70, 56), (900, 0)] {
            let event = json!({"run": code, "count": count, "in": place}).to_string();
            let told = gateway.run_with(traced(count, 1), &event).await.cause.unwrap();
            assert!(told.len() <= ERROR_CAUSE_BYTES_MAX, "{}", told.len());
            let told: Value = serde_json::from_slice(&told).unwrap();
            assert_eq!((told["exceptions"].as_array().unwrap().len(), &told["message"]), (kept, &json!("c")));
        }
    }
    let event =
        json!({"run": "respond(request, '{}', 'error', {'Lambda-Runtime-Function-XRay-Error-Cause': '[1'})"});
    assert_eq!(gateway.run_with(traced(1, 1), &event.to_string()).await.cause, None);
}

#[tokio::test]
async fn what_is_not_sampled_sends_nothing_and_names_no_trace() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(function(&shim)).await;
    let outcome = gateway.run_with(traced(1, 0), r#"{"trace": 1}"#).await;
    outcome.succeeded();
    assert!(!outcome.tail.contains("XRAY"), "{}", outcome.tail);
    // What comes afterwards is the first that comes.
    let outcome = gateway.run_with(traced(2, 0), &json!({"send": [format!("{HEADER}x")]}).to_string()).await;
    assert_eq!(texts(&outcome.segments), ["x"]);
}

#[tokio::test]
async fn each_environment_on_a_loopback_has_a_port_of_its_own() {
    let (one, two) = (Shim::start().await, Shim::start().await);
    let mut ports = Vec::new();
    for shim in [&one, &two] {
        let mut gateway = shim.ready(function(shim)).await;
        let outcome = gateway.run_with(traced(3, 1), r#"{"trace": 3}"#).await;
        let result = outcome.succeeded().json();
        assert_eq!(outcome.segments.len(), 2, "{outcome:?}");
        assert_eq!(result["address"], format!("127.0.0.1:{}", result["port"]));
        ports.push(result["port"].as_u64().unwrap());
    }
    assert_ne!(ports[0], ports[1]);
}

#[tokio::test]
async fn what_the_daemon_rejects_is_counted_and_said_and_the_rest_comes_as_it_is() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(function(&shim)).await;
    let sent = [
        "no header",
        "",
        HEADER,
        "{\"format\":\"xml\",\"version\":1}\n{}",
        "{\"Format\":\"JSON\",\"version\":1}\nno\nJSON",
    ];
    let outcome = gateway.run_with(invoke(20_000), &json!({"send": sent}).to_string()).await;
    assert_eq!(texts(&outcome.segments), ["no\nJSON"]);
    let said = shim.diagnostics();
    assert!(said.contains("datagram 1 that was not passed on, as it has no header or no document"), "{said}");
    assert!(said.contains("datagram 4 that was not passed on, as its header is not"), "{said}");
    let outcome = gateway.run_with(invoke(20_000), r#"{"largest": true}"#).await;
    let largest = outcome.segments[0].len();
    assert!((65_000..=SEGMENT_BYTES_MAX).contains(&largest), "{largest}");
}

#[tokio::test]
async fn a_segment_after_the_end_goes_to_the_gateway_that_invoked_last() {
    let shim = Shim::start().await;
    let mut other = shim.ready(function(&shim)).await;
    other.run(&json!({})).await.succeeded();
    let (mut gateway, gate) = (shim.gateway().await, shim.path("gate"));
    gateway.run(&json!({"late": gate})).await.succeeded();
    fs::write(&gate, "").unwrap();
    assert_eq!(segment(&mut gateway).await, "late");
    // Nor does it go with the next invocation of another.
    assert!(other.run(&json!({})).await.segments.is_empty());
}

#[tokio::test]
async fn a_flood_that_nobody_reads_is_dropped_and_holds_up_nothing() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(function(&shim)).await;
    gateway.run_with(traced(1, 1), r#"{"trace": 1}"#).await.succeeded();
    let before = shim.memory_kib("VmHWM:");
    let done = shim.path("done");
    let event = json!({"flood": 20_000, "bytes": 8_192, "done": done}).to_string();
    let flood = invoke(25_000);
    gateway.send(ToEnvironment::Invoke(Box::new(flood.clone())), event.into()).await;
    wait_for("the flood's end", || Path::new(&done).exists().then_some(())).await;
    let outcome = gateway.outcome(&flood, Instant::now()).await.unwrap();
    outcome.succeeded();
    assert!(!outcome.segments.is_empty());
    let grown = shim.memory_kib("VmHWM:") - before;
    assert!(grown < 1_024, "the shim grew by {grown} KiB");
    let said = shim.diagnostics();
    assert!(said.contains("datagram 1 that was not passed on, as too much is on its way already"), "{said}");
    assert!(said.lines().count() < 40, "{said}");
    // The link was not cut, and what comes next finds room.
    let outcome = gateway.run_with(traced(2, 1), r#"{"trace": 2}"#).await;
    assert_eq!(outcome.succeeded().segments.len(), 2);
}
