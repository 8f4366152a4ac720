//! The Telemetry and the Logs API, with a Python extension as the subscriber.

use protocol::link::assignment::Idle;
use serde_json::{Value, json};

use crate::extensions::{RECORDER, all, recorded, shim_with};
use crate::harness::{Shim, wait_for};
use crate::link::{Link, invoke};

const URI: &str = "http://sandbox.localdomain:HTTP_PORT/events?x=1";

pub async fn subscribed(variable: &str, body: &Value) -> (Shim, Link) {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut assignment = recorded(&shim, "");
    assignment.variables.insert(variable.into(), body.to_string());
    assignment.variables.insert("RAW_INIT".into(), "print".into());
    let gateway = shim.ready(assignment).await;
    (shim, gateway)
}

pub fn http(schema: &str, types: &[&str]) -> Value {
    json!({
        "schemaVersion": schema,
        "types": types,
        "buffering": {"timeoutMs": 25, "maxItems": 1000, "maxBytes": 262_144},
        "destination": {"protocol": "HTTP", "URI": URI},
    })
}

/// Every event of every batch.
pub fn events(shim: &Shim) -> Vec<Value> {
    let batches = all(shim, "batch");
    batches.iter().flat_map(|batch| batch.as_array().unwrap().clone()).collect()
}

fn kinds(shim: &Shim) -> Vec<String> {
    events(shim).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

pub async fn until(shim: &Shim, kind: &str, count: usize) {
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
    let tracing = &start["tracing"];
    assert_eq!(
        (&tracing["type"], &tracing["value"]),
        (&json!("X-Amzn-Trace-Id"), &json!("Root=1;Sampled=1"))
    );
    assert_eq!(tracing["spanId"].as_str().unwrap().len(), 16);
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
    assert!(headers["sequence-id"].as_str().unwrap().len() == 43 && all(&shim, "path")[0] == "/events?x=1");
    assert!(
        shim.log().contains(
            "TELEMETRY\tName: recorder\tState: Subscribed\tTypes: [Platform, Function, Extension]\n"
        )
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
async fn a_frame_s_time_is_its_record_s() {
    let (shim, mut gateway) = subscribed("EXTENSION_TELEMETRY", &http("2022-12-13", &["function"])).await;
    let code = r#"
import struct
log = int(os.environ["_LAMBDA_TELEMETRY_LOG_FD"])
os.write(log, struct.pack(">IIQ", 0xA55A0003, 5, 1700000000123456) + b"n\new\n")
os.write(log, struct.pack(">II", 0xA55A0001, 5) + b"o\nld\n")
answer = True
"#;
    gateway.run(&json!({"run": code})).await.succeeded();
    gateway.run(&json!({"do": "sleep", "seconds": 1})).await.succeeded();
    let of = |line: &str| events(&shim).into_iter().find(|event| event["record"] == line);
    let new = wait_for("the frame with a time", || of("n\new\n")).await;
    assert_eq!(new["time"], "2023-11-14T22:13:20.123Z");
    let old = wait_for("the frame without one", || of("o\nld\n")).await;
    assert!(old["time"].as_str() > Some("2025"), "{old}");
}

#[tokio::test]
async fn what_happened_at_a_time_out_reaches_the_subscriber_of_the_next_life() {
    // The same port in each life, as extensions have it: subscriptions are known by their destination.
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut assignment = recorded(&shim, "");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assignment.variables.insert("EXTENSION_PORT".into(), port.to_string());
    let body = http("2021-03-18", &["platform"]).to_string();
    assignment.variables.insert("EXTENSION_LOGS".into(), body);
    let mut gateway = shim.ready(assignment).await;
    let outcome = gateway.run_with(invoke(500), r#"{"do":"hang"}"#).await;
    let wait = json!({"do": "sleep", "seconds": 2}).to_string();
    gateway.run_with(invoke(20_000), &wait).await.succeeded();
    until(&shim, "platform.report", 1).await;
    let found = kinds(&shim);
    let at = |kind: &str| found.iter().position(|found| found == kind);
    let order = ["platform.runtimeDone", "platform.fault", "platform.end", "platform.report"].map(at);
    assert!(order[0].is_some() && order.is_sorted(), "{found:?}");
    let fault = record(&shim, "platform.fault");
    assert_eq!(fault, format!("RequestId: {}\tStatus: timeout\n", outcome.request));
    let answers: Vec<_> = all(&shim, "subscribed").iter().map(|told| told[1].clone()).collect();
    assert_eq!(answers, ["\"OK\"", "\"AlreadySubscribed\""]);
    let log = shim.log();
    assert!(log.contains("LOGS\tName: recorder\tState: Already subscribed\tTypes: [Platform]\n"), "{log}");
}

#[tokio::test]
async fn what_happened_at_a_time_out_reaches_a_tcp_subscriber_too() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut assignment = recorded(&shim, "");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assignment.variables.insert("EXTENSION_TCP_PORT".into(), port.to_string());
    let mut body = http("2022-12-13", &["platform"]);
    body["destination"] = json!({"protocol": "TCP", "port": port});
    assignment.variables.insert("EXTENSION_TELEMETRY".into(), body.to_string());
    let mut gateway = shim.ready(assignment).await;
    let outcome = gateway.run_with(invoke(500), r#"{"do":"hang"}"#).await;
    let wait = json!({"do": "sleep", "seconds": 2}).to_string();
    gateway.run_with(invoke(20_000), &wait).await.succeeded();
    // Made once all processes were gone: what they had been connected to must not swallow it.
    let is_its = |line: &Value| {
        line["type"] == "platform.report" && line["record"]["requestId"] == json!(outcome.request)
    };
    wait_for("the report", || all(&shim, "line").into_iter().find(is_its)).await;
}

#[tokio::test]
async fn a_batch_that_is_refused_for_good_is_told_as_dropped() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut assignment = recorded(&shim, "");
    assignment
        .variables
        .insert("EXTENSION_TELEMETRY".into(), http("2022-12-13", &["platform", "function"]).to_string());
    assignment.variables.insert("EXTENSION_REFUSES".into(), "8".into());
    assignment.idle = Idle::Run;
    let mut gateway = shim.ready(assignment).await;
    let refused = || Some(all(&shim, "refused_batch")).filter(|refused| refused.len() == 8);
    let refused = wait_for("eight refusals", refused).await;
    assert!(refused.iter().all(|batch| *batch == refused[0]), "{refused:?}");
    gateway.run(&json!({})).await.succeeded();
    until(&shim, "platform.logsDropped", 1).await;
    let told = record(&shim, "platform.logsDropped");
    assert_eq!(told["droppedRecords"], json!(refused[0].as_array().unwrap().len()), "{told}");
}

#[tokio::test]
async fn a_bad_subscription_is_refused() {
    for (variable, error_type) in
        [("EXTENSION_TELEMETRY", "Telemetry.ValidationError"), ("EXTENSION_LOGS", "Logs.ValidationError")]
    {
        let (shim, _gateway) = subscribed(variable, &http("2022-07-01", &["platform.start"])).await;
        let answer = all(&shim, "subscribed").remove(0);
        assert_eq!(answer[0], 400);
        let body: Value = serde_json::from_str(answer[1].as_str().unwrap()).unwrap();
        assert_eq!(body["errorType"], error_type);
    }
}

#[tokio::test]
async fn what_is_closed_after_the_init_phase_says_so() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut gateway = shim.ready(recorded(&shim, "late")).await;
    gateway.run(&json!({})).await.succeeded();
    let told = all(&shim, "late").remove(0);
    for (call, error_type, message) in [
        ("register", "Extension.RegistrationClosed", "Extension registration closed already"),
        ("telemetry", "Telemetry.SubscriptionClosed", "Telemetry API subscription is closed already"),
        ("logs", "Logs.SubscriptionClosed", "Logs API subscription is closed already"),
    ] {
        assert_eq!(told[call][0], 403, "{told}");
        let expected = json!({"errorMessage": message, "errorType": error_type});
        assert_eq!(told[call][1], format!("{expected}\n"), "{call}");
    }
    let body: Value = serde_json::from_str(told["init error"][1].as_str().unwrap()).unwrap();
    assert_eq!(body["errorType"], "Extension.InvalidExtensionState", "{body}");
}

type Fields = &'static [&'static str];

const NONE: Fields = &[];
const EARLY_INIT: Fields = &["initializationType", "phase"];
const INIT: Fields =
    &["functionName", "functionVersion", "initializationType", "instanceId", "instanceMaxMemory", "phase"];
const START: Fields = &["requestId", "version"];
const LATEST_START: Fields = &["functionArn", "requestId", "version"];
const FIGURES: Fields = &["metrics", "requestId", "spans", "status"];

/// Fields of `platform.initStart`, `.start`, `.runtimeDone` and `.report`, recorded from the service with one
/// subscriber per schema.
const SCHEMAS: [(&str, &str, [Fields; 4]); 5] = [
    ("EXTENSION_LOGS", "2020-08-15", [NONE, START, NONE, &["metrics", "requestId"]]),
    ("EXTENSION_LOGS", "2021-03-18", [NONE, START, &["requestId", "status"], &["metrics", "requestId"]]),
    ("EXTENSION_TELEMETRY", "2022-07-01", [EARLY_INIT, START, FIGURES, FIGURES]),
    ("EXTENSION_TELEMETRY", "2022-12-13", [INIT, START, FIGURES, FIGURES]),
    ("EXTENSION_TELEMETRY", "2025-01-29", [INIT, LATEST_START, FIGURES, FIGURES]),
];

#[tokio::test]
async fn each_schema_has_the_records_and_fields_that_it_has_on_aws() {
    for (variable, schema, expected) in SCHEMAS {
        let (shim, mut gateway) = subscribed(variable, &http(schema, &["platform"])).await;
        gateway.run(&json!({})).await.succeeded();
        gateway.run(&json!({"do": "sleep", "seconds": 1})).await.succeeded();
        until(&shim, "platform.report", 1).await;
        let kinds = ["platform.initStart", "platform.start", "platform.runtimeDone", "platform.report"];
        for (kind, fields) in kinds.into_iter().zip(expected) {
            let found = events(&shim).into_iter().find(|event| event["type"] == kind);
            let found = found.map(|event| event["record"].as_object().unwrap().clone()).unwrap_or_default();
            let mut names: Vec<_> = found.keys().map(String::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, fields, "{schema} {kind}");
            if kind == "platform.report" && fields == FIGURES {
                let span = &found["spans"][0];
                assert_eq!(span["name"], "extensionOverhead");
                assert!(span["durationMs"].is_f64() && span["start"].is_string(), "{span}");
            }
        }
    }
}
