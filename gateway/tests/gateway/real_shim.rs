//! The gateway with real shims and a real runtime process behind them.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::client::{Answer, Client, invoke, invoke_with, request};
use crate::support::gateway::{ACCOUNT, Running, function, options, revision};
use crate::support::shim::Shim;

/// A gateway with `count` shims; they may still initialise.
async fn with_shims(count: usize, environments_max: u32) -> (Running, Vec<Shim>) {
    let declared = function("f", environments_max);
    let running = Running::start(options(), vec![declared.clone()]).await;
    let mut shims = Vec::new();
    for number in 0..count {
        let pod = format!("pod-{number}");
        let shim = Shim::start(&pod, &revision(&declared), &[]).await;
        running.up(&pod, shim.link, &revision(&declared)).await;
        shims.push(shim);
    }
    (running, shims)
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_comes_back_with_its_log_and_context() {
    let (running, _shims) = with_shims(1, 1).await;
    let answer = invoke(running.api, "f", r#"{"a": "ü"}"#).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"a": "ü"}"#));
    let headers = [
        ("x-amz-log-type", "Tail"),
        ("x-amz-client-context", "eyJjdXN0b20iOgp7ImsiOiAidiJ9fQ=="),
        ("x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=c;Sampled=1"),
    ];
    let mut client = Client::connect(running.api).await;
    let answer = client.send(request("f:$LATEST", &headers, r#"{"headers": 1}"#)).await;
    let log = STANDARD.decode(answer.header("x-amz-log-result").unwrap()).unwrap();
    let log = String::from_utf8(log).unwrap();
    let request_id = answer.header("x-amzn-requestid").unwrap();
    assert!(log.starts_with(&format!("START RequestId: {request_id} Version: $LATEST")), "{log}");
    assert!(log.contains("asked for ['headers']") && log.contains("REPORT RequestId"), "{log}");
    let seen = json_of(&answer);
    assert_eq!(seen["lambda-runtime-aws-request-id"], json!(request_id));
    assert_eq!(
        seen["lambda-runtime-invoked-function-arn"],
        json!(format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:f:$LATEST"))
    );
    assert_eq!(seen["lambda-runtime-client-context"], json!(r#"{"custom": {"k": "v"}}"#));
    assert_eq!(
        seen["lambda-runtime-trace-id"],
        json!("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=c;Sampled=1")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_time_outs_and_crashes_are_function_errors_and_counted_apart() {
    let (running, _shims) = with_shims(1, 1).await;
    let failed = async |payload: Value| {
        let answer = invoke(running.api, "f", payload.to_string()).await;
        assert_eq!((answer.status, answer.header("x-amz-function-error")), (200, Some("Unhandled")));
        json_of(&answer)
    };
    assert_eq!(failed(json!({"error": "no"})).await, json!({"errorMessage": "no", "errorType": "Oops"}));
    let started = Instant::now();
    assert_eq!(failed(json!({"sleep": 30})).await["errorType"], json!("Sandbox.Timedout"));
    assert!((3..6).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(failed(json!({"exit": 3})).await["errorType"], json!("Runtime.ExitError"));
    assert_eq!(invoke(running.api, "f", "1").await.text(), "1", "it serves on");
    for (outcome, count) in
        [("success", 1), ("function_error", 1), ("timeout", 1), ("crash", 1), ("throttle", 0)]
    {
        running
            .until_metric(&format!(
                r#"kubelambda_invocations_total{{function="f",namespace="default",outcome="{outcome}",version="$LATEST"}} {count}"#
            ))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_init_phase_is_a_function_error() {
    let declared = function("f", 1);
    let running = Running::start(options(), vec![declared.clone()]).await;
    let shim = Shim::start("pod", &revision(&declared), &[("FAIL_INIT", "1")]).await;
    running.up("pod", shim.link, &revision(&declared)).await;
    let answer = invoke(running.api, "f", "{}").await;
    assert_eq!((answer.status, answer.header("x-amz-function-error")), (200, Some("Unhandled")));
    assert_eq!(json_of(&answer)["errorType"], json!("Runtime.ExitError"));
}

#[tokio::test(flavor = "multi_thread")]
async fn six_mib_pass_in_both_directions() {
    const LIMIT: usize = 6 * 1024 * 1024;
    let (running, _shims) = with_shims(1, 1).await;
    let payload = format!("\"{}\"", "y".repeat(LIMIT - 2));
    assert!(invoke(running.api, "f", payload.clone()).await.text() == payload);
    let answer = invoke(running.api, "f", json!({"big": LIMIT + 100}).to_string()).await;
    assert_eq!((answer.status, answer.body.len()), (200, LIMIT + 100));
    assert_eq!(answer.header("x-amz-function-error"), None);
    let answer = invoke(running.api, "f", json!({"big": LIMIT + 101}).to_string()).await;
    assert_eq!(json_of(&answer)["errorType"], json!("Function.ResponseSizeTooLarge"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_concurrent_first_invokes_share_three_shims() {
    let (running, _shims) = with_shims(3, 500).await;
    let herd = (0..200).map(|n| tokio::spawn(invoke(running.api, "f", n.to_string())));
    let herd: Vec<_> = herd.collect();
    for (number, answer) in join_all(herd).await.into_iter().enumerate() {
        assert_eq!(answer.unwrap().text(), number.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_shim_is_an_error_with_the_request_id() {
    let (running, mut shims) = with_shims(1, 1).await;
    assert_eq!(invoke(running.api, "f", "1").await.status, 200);
    let waiting = tokio::spawn(invoke(running.api, "f", r#"{"sleep": 2}"#));
    running
        .until_metric(
            r#"kubelambda_wait_seconds_count{function="f",namespace="default",version="$LATEST"} 2"#,
        )
        .await;
    shims[0].kill();
    let answer = waiting.await.unwrap();
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains(answer.header("x-amzn-requestid").unwrap()), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_share_one_shim_and_both_are_served() {
    let declared = function("f", 500);
    let one = Running::start(options(), vec![declared.clone()]).await;
    let two = Running::start(options(), vec![declared.clone()]).await;
    let shim = Shim::start("pod", &revision(&declared), &[]).await;
    one.up("pod", shim.link, &revision(&declared)).await;
    two.up("pod", shim.link, &revision(&declared)).await;
    let herd: Vec<_> = (0..100)
        .map(|number| {
            let api = if number % 2 == 0 { one.api } else { two.api };
            tokio::spawn(invoke(api, "f", number.to_string()))
        })
        .collect();
    for (number, answer) in join_all(herd).await.into_iter().enumerate() {
        assert_eq!(answer.unwrap().text(), number.to_string());
    }
    let answer = invoke_with(one.api, "f", &[("x-amz-log-type", "Tail")]).await;
    assert!(answer.header("x-amz-log-result").is_some());
}
