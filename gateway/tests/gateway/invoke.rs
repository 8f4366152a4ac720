//! Invokes that go well, and what is on their answers.

use std::time::Duration;

use crate::support::client::{Client, invoke, invoke_with};
use crate::support::fake::{Conduct, Fake};
use crate::support::gateway::{ACCOUNT, Running, function, options, revision};
use bytes::Bytes;
use gateway::catalog::{DeclaredFunction, Tenancy};
use protocol::link::environment::FunctionErrorCause;

async fn echo() -> (Running, Fake) {
    let declared = function("Echo", 2);
    let fake = Fake::start("pod-1", &revision(&declared), Conduct::Echo).await;
    let running = Running::start(options(), vec![declared.clone()]).await;
    running.up("pod-1", fake.address, &revision(&declared)).await;
    (running, fake)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_comes_back_with_the_headers_of_the_api() {
    let (running, fake) = echo().await;
    let answer = invoke(running.api, "Echo", r#"{"a": 1}"#).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"a": 1}"#));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-amz-executed-version"), Some("$LATEST"));
    assert_eq!(answer.header("x-amz-function-error"), None);
    assert_eq!(answer.header("x-amz-log-result"), None);
    assert!(answer.header("x-amzn-trace-id").unwrap().starts_with("root=1-"));
    let seen = fake.seen().remove(0);
    assert_eq!(answer.header("x-amzn-requestid"), Some(seen.request_id.to_string().as_str()));
    assert_eq!(seen.invoked_arn, format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:Echo"));
    assert_eq!(seen.budget.as_millis(), 3_000);
    assert!(seen.trace.unwrap().contains("Sampled=0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_a_name_and_what_goes_with_it_reaches_the_function() {
    let (running, fake) = echo().await;
    let arn = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:Echo");
    let encoded = arn.replace(':', "%3A");
    let names =
        ["Echo", "Echo:$LATEST", "Echo:%24LATEST", &format!("{ACCOUNT}:function:Echo"), &arn, &encoded];
    for name in names {
        assert_eq!(invoke(running.api, name, "{}").await.status, 200, "{name}");
    }
    assert_eq!(fake.seen()[1].invoked_arn, format!("{arn}:$LATEST"));
    let headers = [
        ("x-amz-client-context", "eyJjdXN0b20iOgp7ImsiOiAidiJ9fQ=="),
        ("x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=c;Sampled=1;Lineage=1:2:3"),
        ("x-amz-log-type", "Tail"),
        ("content-encoding", "gzip"),
    ];
    let answer = invoke_with(running.api, "Echo", &headers).await;
    assert_eq!(answer.header("x-amz-log-result"), Some("U1RBUlQKRU5ECg=="));
    let seen = fake.seen().pop().unwrap();
    assert_eq!(seen.client_context.as_deref(), Some(r#"{"custom": {"k": "v"}}"#));
    assert_eq!(seen.tenant_id, None);
    assert_eq!(
        seen.trace.as_deref(),
        Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=c;Sampled=1;Lineage=1:2:3")
    );
}

/// As AWS's emulator does.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_id_is_handed_on_where_nothing_is_known_of_tenants() {
    let declared = DeclaredFunction { tenancy: Tenancy::Unknown, ..function("f", 2) };
    let fake = Fake::start("pod-1", &revision(&declared), Conduct::Echo).await;
    let running = Running::start(options(), vec![declared.clone()]).await;
    running.up("pod-1", fake.address, &revision(&declared)).await;
    assert_eq!(invoke_with(running.api, "f", &[("x-amz-tenant-id", "tenant 1")]).await.status, 200);
    assert_eq!(invoke(running.api, "f", "{}").await.status, 200);
    let tenants: Vec<_> = fake.seen().into_iter().map(|seen| seen.tenant_id).collect();
    assert_eq!(tenants, [Some("tenant 1".to_owned()), None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_body_is_an_empty_object_and_a_dry_run_runs_nothing() {
    let (running, fake) = echo().await;
    assert_eq!(invoke(running.api, "Echo", "").await.text(), "{}");
    let answer = invoke_with(running.api, "Echo", &[("x-amz-invocation-type", "DryRun")]).await;
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
    assert_eq!(fake.ran(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_error_is_told_by_a_header_and_never_guessed() {
    let (running, fake) = echo().await;
    let body = Bytes::from_static(br#"{"errorType":"Oops"}"#);
    fake.conduct(Conduct::Answer(body.clone(), None));
    assert_eq!(invoke(running.api, "Echo", "{}").await.header("x-amz-function-error"), None);
    fake.conduct(Conduct::Answer(body.clone(), Some(FunctionErrorCause::Handler)));
    let answer = invoke(running.api, "Echo", "{}").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-amz-function-error"), Some("Unhandled"));
    assert_eq!(answer.body, body);
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_of_6_mib_pass_in_both_directions_and_one_byte_more_does_not() {
    const LIMIT: usize = 6_291_456;
    let (running, _fake) = echo().await;
    let mut client = Client::connect(running.api).await;
    for length in [LIMIT - 1, LIMIT] {
        let payload = Bytes::from(format!("\"{}\"", "x".repeat(length - 2)));
        let answer = client.invoke("Echo", payload.clone()).await;
        assert_eq!((answer.status, answer.body.len()), (200, length));
        assert!(answer.body == payload);
    }
    for length in [LIMIT + 1, 3 * LIMIT] {
        let answer = client.invoke("Echo", "x".repeat(length)).await;
        assert_eq!(answer.status, 413);
        assert_eq!(
            answer.text(),
            r#"{"Type":"User","message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}"#
        );
    }
    assert_eq!(client.invoke("Echo", "1").await.text(), "1", "the connection is still good");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_never_cross() {
    let declared = function("Echo", 1_000);
    let running = Running::start(options(), vec![declared.clone()]).await;
    for number in 0..8 {
        let pod = format!("pod-{number}");
        let fake = Fake::start(&pod, &revision(&declared), Conduct::Echo).await;
        running.up(&pod, fake.address, &revision(&declared)).await;
    }
    let clients = (0..32).map(|client| async move {
        let mut connection = Client::connect(running.api).await;
        for number in 0..100 {
            let payload = format!(r#"{{"client":{client},"number":{number}}}"#);
            let answer = connection.invoke("Echo", payload.clone()).await;
            assert_eq!((answer.status, answer.text()), (200, payload));
        }
    });
    let all = futures::future::join_all(clients);
    tokio::time::timeout(Duration::from_mins(1), all).await.unwrap();
}
