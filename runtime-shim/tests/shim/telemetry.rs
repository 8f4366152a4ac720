//! The Telemetry and the Logs API, with a Python extension as the subscriber.

use serde_json::{Value, json};

use crate::extensions::{RECORDER, all, recorded, shim_with};
use crate::harness::{Shim, wait_for};
use crate::link::{Link, invoke};

const URI: &str = "http://sandbox.localdomain:HTTP_PORT/events?x=1";

async fn subscribed(variable: &str, body: &Value) -> (Shim, Link) {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut assignment = recorded(&shim, "");
    assignment.variables.insert(variable.into(), body.to_string());
    assignment.variables.insert("RAW_INIT".into(), "print".into());
    let gateway = shim.ready(assignment).await;
    (shim, gateway)
}

fn http(schema: &str, types: &[&str]) -> Value {
    json!({
        "schemaVersion": schema,
        "types": types,
        "buffering": {"timeoutMs": 25, "maxItems": 1000, "maxBytes": 262_144},
        "destination": {"protocol": "HTTP", "URI": URI},
    })
}

/// Every event of every batch.
fn events(shim: &Shim) -> Vec<Value> {
    let batches = all(shim, "batch");
    batches.iter().flat_map(|batch| batch.as_array().unwrap().clone()).collect()
}

fn kinds(shim: &Shim) -> Vec<String> {
    events(shim).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

async fn until(shim: &Shim, kind: &str, count: usize) {
    let there = || (kinds(shim).iter().filter(|found| *found == kind).count() >= count).then_some(());
    wait_for(kind, there).await;
}

fn record(shim: &Shim, kind: &str) -> Value {
    events(shim).into_iter().find(|event| event["type"] == kind).unwrap()["record"].clone()
}

#[tokio::test]
async fn events_come_in_batches_with_the_service_s_records() {
    let (shim, mut gateway) =
        subscribed("EXTENSION_TELEMETRY", &http("2022-07-01", &["platform", "function", "extension"])).await;
    assert_eq!(all(&shim, "subscribed")[0], json!([200, "\"OK\""]));
    let mut sent = invoke(3_000);
    sent.trace = Some("Root=1;Sampled=1".into());
    let outcome = gateway.run_with(sent, r#"{"print":"a line\n"}"#).await;
    // The extension is frozen between invocations; the next one lets it read what is left.
    gateway.run(&json!({"do": "sleep", "seconds": 1})).await.succeeded();
    until(&shim, "platform.report", 1).await;
    let found = kinds(&shim);
    let position = |kind: &str| {
        found.iter().position(|found| found == kind).unwrap_or_else(|| panic!("{kind} {found:?}"))
    };
    let order = [
        "platform.initStart",
        "platform.telemetrySubscription",
        "platform.initRuntimeDone",
        "platform.extension",
        "platform.initReport",
        "platform.start",
        "platform.runtimeDone",
        "platform.report",
    ]
    .map(position);
    assert!(order.is_sorted(), "{found:?}");
    assert!(!found.contains(&"platform.end".to_owned()));
    let start = record(&shim, "platform.start");
    assert_eq!(start["requestId"], json!(outcome.request));
    assert_eq!(start["tracing"], json!({"type": "X-Amzn-Trace-Id", "value": "Root=1;Sampled=1"}));
    let report = record(&shim, "platform.report");
    assert_eq!((&report["status"], &report["metrics"]["memorySizeMB"]), (&json!("success"), &json!(256)));
    let done = record(&shim, "platform.runtimeDone");
    let names: Vec<_> = done["spans"].as_array().unwrap().iter().map(|span| span["name"].clone()).collect();
    assert_eq!(names, ["responseLatency", "responseDuration", "runtimeOverhead"]);
    assert_eq!(done["metrics"]["producedBytes"], json!(r#"{"print":"a line\n"}"#.len()));
    let lines: Vec<_> = events(&shim)
        .into_iter()
        .filter(|event| event["type"] == "function")
        .map(|event| event["record"].clone())
        .collect();
    assert_eq!(lines, ["init line\n", "a line\n"]);
    assert_eq!(record(&shim, "extension"), "extension is ready\n");
    let headers = &all(&shim, "headers")[0];
    assert_eq!(
        (&headers["content-type"], &headers["user-agent"]),
        (&json!("application/json"), &json!("awslambda-worker/1.0"))
    );
    assert!(headers["sequence-id"].is_string() && all(&shim, "path")[0] == "/events?x=1");
    assert!(
        shim.log()
            .contains("TELEMETRY\tName: recorder\tState: Subscribed\tTypes: [platform,function,extension]\n")
    );
}

#[tokio::test]
async fn the_logs_api_has_its_own_records_and_may_be_put_to() {
    let mut body = http("2021-03-18", &["platform"]);
    body["destination"]["method"] = json!("PUT");
    let (shim, mut gateway) = subscribed("EXTENSION_LOGS", &body).await;
    gateway.run(&json!({})).await.succeeded();
    gateway.run(&json!({"do": "sleep", "seconds": 1})).await.succeeded();
    until(&shim, "platform.end", 1).await;
    let found = kinds(&shim);
    assert!(
        found.contains(&"platform.runtimeDone".to_owned())
            && !found.contains(&"platform.initStart".to_owned()),
        "{found:?}"
    );
    assert_eq!(all(&shim, "method")[0], "PUT");
    assert_eq!(
        record(&shim, "platform.logsSubscription"),
        json!({"name": "recorder", "state": "Subscribed", "types": ["platform"]})
    );
}

#[tokio::test]
async fn a_tcp_subscriber_gets_one_object_a_line() {
    let mut body = http("2022-12-13", &["function"]);
    body["destination"] = json!({"protocol": "TCP", "port": "PORT"});
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut assignment = recorded(&shim, "");
    let text = body.to_string().replace("\"PORT\"", "TCP_PORT");
    assignment.variables.insert("EXTENSION_TELEMETRY".into(), text);
    let mut gateway = shim.ready(assignment).await;
    gateway.run(&json!({"print": "one\ntwo\n"})).await.succeeded();
    gateway.run(&json!({"do": "sleep", "seconds": 1})).await.succeeded();
    let lines = || Some(all(&shim, "line")).filter(|lines| lines.len() >= 2);
    let lines = wait_for("two lines", lines).await;
    assert_eq!((&lines[0]["record"], &lines[1]["record"]), (&json!("one\n"), &json!("two\n")));
}

#[tokio::test]
async fn what_happened_at_a_time_out_reaches_the_subscriber_of_the_next_life() {
    let (shim, mut gateway) = subscribed("EXTENSION_LOGS", &http("2021-03-18", &["platform"])).await;
    gateway.run_with(invoke(500), r#"{"do":"hang"}"#).await;
    let wait = json!({"do": "sleep", "seconds": 2}).to_string();
    gateway.run_with(invoke(20_000), &wait).await.succeeded();
    until(&shim, "platform.report", 1).await;
    assert_eq!(record(&shim, "platform.report")["status"], "timeout");
    let fault = record(&shim, "platform.fault");
    assert!(fault.as_str().unwrap().ends_with("Task timed out after 0.50 seconds"), "{fault}");
    let log = shim.log();
    assert!(log.contains("LOGS\tName: recorder\tState: Already subscribed\tTypes: [platform]\n"), "{log}");
}

#[tokio::test]
async fn a_bad_subscription_is_refused() {
    for (variable, error_type) in
        [("EXTENSION_TELEMETRY", "ValidationError"), ("EXTENSION_LOGS", "Logs.ValidationError")]
    {
        let (shim, _gateway) = subscribed(variable, &http("2022-07-01", &["platform.start"])).await;
        let answer = all(&shim, "subscribed").remove(0);
        assert_eq!(answer[0], 400);
        let body: Value = serde_json::from_str(answer[1].as_str().unwrap()).unwrap();
        assert_eq!(body["errorType"], error_type);
    }
}

#[tokio::test]
async fn the_unmodified_rust_crate_reads_every_event() {
    // `make runtime-clients` builds it from tests/functions/extension-rust.
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/extension-rust/debug/extension-rust");
    let program = std::env::var("EXTENSION_RUST").unwrap_or_else(|_| built.to_owned());
    assert!(std::path::Path::new(&program).exists(), "{program} is not built: run make runtime-clients");
    let shim = shim_with(&[("crate", &program)]).await;
    let mut assignment = recorded(&shim, "");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assignment.variables.insert("EXTENSION_PORT".into(), port.to_string());
    let mut gateway = shim.ready(assignment).await;
    // The crate names itself after its program, as a file of a layer would be named.
    gateway.run(&json!({"print": "a line\n"})).await.succeeded();
    let failed = gateway.run(&json!({"do": "exit", "status": 3})).await.request;
    let wait = json!({"do": "sleep", "seconds": 2}).to_string();
    gateway.run_with(invoke(20_000), &wait).await.succeeded();
    let written = || std::fs::read_to_string(shim.path("events")).unwrap();
    let wanted = [
        "telemetry PlatformInitStart",
        "telemetry PlatformInitRuntimeDone",
        "telemetry PlatformInitReport",
        "telemetry PlatformTelemetrySubscription",
        "telemetry PlatformExtension",
        "telemetry PlatformStart",
        "telemetry PlatformRuntimeDone",
        "telemetry PlatformReport",
        "telemetry Function(\"a line\\n\")",
        "status: Error, error_type: Some(\"Runtime.ExitError\")",
        "shutdown failure",
        "invoke ",
    ];
    let all_there = || wanted.iter().all(|wanted| written().contains(wanted)).then_some(());
    wait_for("every event", all_there).await;
    assert!(written().contains(&format!("request_id: \"{failed}\"")));
}
