//! What the platform's records say of invocations that end badly.
//!
//! Recorded from the service in September 2026, of a handler that raised, in each schema of the Telemetry API:
//! `{"type":"platform.runtimeDone","record":{"requestId":…,"status":"success","metrics":{"durationMs":1016.868,
//! "producedBytes":0}}}`, `{"type":"platform.report","record":{…,"status":"success"}}`; in the Logs API's 2021-03-18
//! `{"type":"platform.runtimeDone","record":{"requestId":…,"status":"success"}}`; in the log `REPORT RequestId: …\tMax
//! Memory Used: 104 MB\t\n`, without a status.

use domain::log_format::{Level, LogFormat, Logging};
use serde_json::{Value, json};

use crate::extensions::{RECORDER, recorded, shim_with};
use crate::harness::{Shim, assignment};
use crate::link::{Link, invoke};
use crate::telemetry::{events, http, subscribed, until};

/// The record of this type about the invocation `request`.
fn record_of(shim: &Shim, kind: &str, request: &Value) -> Option<Value> {
    let of = |event: &Value| event["type"] == kind && event["record"]["requestId"] == *request;
    events(shim).into_iter().find(of).map(|event| event["record"].clone())
}

/// Lets the extension, which is frozen between invocations, read what is left.
async fn give_time(gateway: &mut Link) {
    gateway.run(&json!({"do": "sleep", "seconds": 1})).await.succeeded();
}

#[tokio::test]
async fn a_handler_s_error_is_the_platform_s_success_in_every_schema() {
    for (variable, schema) in [
        ("EXTENSION_LOGS", "2020-08-15"),
        ("EXTENSION_LOGS", "2021-03-18"),
        ("EXTENSION_TELEMETRY", "2022-07-01"),
        ("EXTENSION_TELEMETRY", "2022-12-13"),
        ("EXTENSION_TELEMETRY", "2025-01-29"),
    ] {
        let (shim, mut gateway) = subscribed(variable, &http(schema, &["platform"])).await;
        let outcome = gateway.run(&json!({"do": "error"})).await;
        assert!(outcome.tail.ends_with(" MB\t\n") || outcome.tail.ends_with(" ms\t\n"), "{}", outcome.tail);
        give_time(&mut gateway).await;
        until(&shim, "platform.report", 1).await;
        let request = json!(outcome.request);
        let done = record_of(&shim, "platform.runtimeDone", &request);
        let mut report = record_of(&shim, "platform.report", &request).unwrap();
        if variable == "EXTENSION_LOGS" {
            let expected =
                (schema > "2021").then(|| json!({"requestId": outcome.request, "status": "success"}));
            assert_eq!((done, report.get("status")), (expected, None), "{schema}");
            continue;
        }
        assert_eq!(report["status"].take(), "success", "{schema}");
        let done = done.unwrap();
        let duration = done["metrics"]["durationMs"].as_f64().unwrap();
        let metrics = json!({"durationMs": duration, "producedBytes": 0});
        let expected = json!({"requestId": outcome.request, "status": "success", "metrics": metrics});
        assert_eq!(done, expected, "{schema}");
    }
}

#[tokio::test]
async fn a_time_out_is_told_before_extensions_are_asked_to_end() {
    // Recorded: `{"type":"platform.runtimeDone","record":{"requestId":…,"status":"timeout","metrics":{"durationMs":
    // 5001.182,"producedBytes":0}}}` of an invocation whose report says `"durationMs":5000.0`.
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    // It uses up the two seconds that it has to end.
    let mut assignment = recorded(&shim, "linger");
    let body = http("2022-12-13", &["platform"]).to_string();
    assignment.variables.insert("EXTENSION_TELEMETRY".into(), body);
    let mut gateway = shim.ready(assignment).await;
    let outcome = gateway.run_with(invoke(500), r#"{"do":"hang"}"#).await;
    let request = json!(outcome.request);
    // Of the life that timed out: no other has begun.
    let mut done = record_of(&shim, "platform.runtimeDone", &request).unwrap();
    let duration = done["metrics"]["durationMs"].take().as_f64().unwrap();
    assert!(duration > 500.0 && duration < 2_000.0, "{duration}");
    let metrics = json!({"durationMs": null, "producedBytes": 0});
    assert_eq!(done, json!({"requestId": outcome.request, "status": "timeout", "metrics": metrics}));
    assert!((outcome.report.duration_ms - 500.0).abs() < f64::EPSILON, "{:?}", outcome.report);
}

#[tokio::test]
async fn a_json_log_has_the_init_phase_s_duration_to_the_microsecond() {
    // Recorded: `"initDurationMs":463.512`.
    let shim = Shim::start().await;
    let mut assignment = assignment();
    let level = Level::Info;
    assignment.logging =
        Logging { format: LogFormat::Json, application_level: level, system_level: level, enabled: true };
    let mut gateway = shim.ready(assignment).await;
    let outcome = gateway.run(&json!({"do": "error"})).await;
    let report: Value = serde_json::from_str(outcome.tail.lines().last().unwrap()).unwrap();
    let told = report["record"]["metrics"]["initDurationMs"].as_f64().unwrap();
    let measured = outcome.report.init_duration_ms.unwrap();
    assert!((told - measured).abs() <= 0.000_6, "{told} {measured}");
    assert_eq!(report["record"]["status"], "success");
}
