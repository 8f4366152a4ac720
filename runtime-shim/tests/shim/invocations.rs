//! Invocations that go well, and what a function is told.

use bytes::Bytes;
use protocol::link::environment::{
    CognitoIdentity, FromEnvironment, FunctionErrorCause, InitResult, Invoke, Phase, Refusal, ToEnvironment,
};
use serde_json::json;

use crate::harness::{Shim, assignment, assignment_with};
use crate::link::{Link, invoke};

#[tokio::test]
async fn an_event_comes_back_and_the_process_serves_the_next_one() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let outcome = gateway.run(&json!({"hello": "world"})).await;
    assert_eq!(outcome.succeeded().json(), json!({"hello": "world"}));
    assert_eq!(outcome.head.content_type, "application/json");
    let state = gateway.until_free().await;
    assert!(matches!(state.init, Some(InitResult::Succeeded { .. })), "{state:?}");
    let first = gateway.run(&json!({"do": "pid"})).await.json();
    let second = gateway.run(&json!({"do": "pid"})).await.json();
    assert_eq!(first, second);
    assert_eq!(gateway.until_free().await.phase, Phase::Free);
}

#[tokio::test]
async fn every_header_of_the_context_is_handed_over() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let mut invocation = invoke(60_000);
    invocation.client_context = Some(r#"{"custom":{"key":"välue"}}"#.into());
    invocation.identity = Some(CognitoIdentity { identity_id: "id".into(), pool_id: "pool".into() });
    invocation.trace = Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1".into());
    invocation.tenant_id = Some("tenant".into());
    let before = epoch_millis();
    let outcome = gateway.run_with(invocation.clone(), r#"{"do":"context"}"#).await;
    let context = outcome.succeeded().json();
    for (name, expected) in [
        ("aws-request-id", invocation.request_id.to_string()),
        ("invocation-id", invocation.attempt.to_string()),
        ("invoked-function-arn", invocation.invoked_arn),
        ("trace-id", invocation.trace.unwrap()),
        ("cognito-identity", r#"{"cognitoIdentityId":"id","cognitoIdentityPoolId":"pool"}"#.into()),
        ("aws-tenant-id", "tenant".into()),
    ] {
        assert_eq!(context[format!("lambda-runtime-{name}")], expected, "{name}");
    }
    // Python reads headers as Latin-1; the bytes are what counts.
    let client_context = context["lambda-runtime-client-context"].as_str().unwrap();
    let bytes: Vec<u8> =
        client_context.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect();
    assert_eq!(String::from_utf8(bytes).unwrap(), invocation.client_context.unwrap());
    let deadline: u64 = context["lambda-runtime-deadline-ms"].as_str().unwrap().parse().unwrap();
    assert!((before + 59_000..=epoch_millis() + 60_001).contains(&deadline), "{deadline}");
}

#[tokio::test]
async fn an_environment_serves_the_tenant_of_its_first_invocation_and_no_other() {
    let shim = Shim::start().await;
    let mut isolating = assignment();
    isolating.isolates_tenants = true;
    let mut gateway = shim.ready(isolating).await;
    let of = |tenant: Option<&str>| Invoke { tenant_id: tenant.map(str::to_owned), ..invoke(3_000) };
    let refused = |gateway: Link, tenant: Option<&'static str>| async move {
        let mut gateway = gateway;
        gateway.send(ToEnvironment::Invoke(Box::new(of(tenant))), Bytes::from_static(b"{}")).await;
        let reason = gateway.until(|frame| match frame.header {
            FromEnvironment::Refused { reason, .. } => Some(reason),
            FromEnvironment::Accepted { .. } => panic!("{tenant:?} was taken"),
            _ => None,
        });
        assert_eq!(reason.await, Refusal::OtherTenant, "{tenant:?}");
        gateway
    };
    let mut gateway = {
        gateway = refused(gateway, None).await;
        gateway.run_with(of(Some("blue")), "{}").await.succeeded();
        let state = gateway.until_free().await;
        assert_eq!(state.tenant.as_deref(), Some("blue"));
        refused(refused(gateway, Some("green")).await, None).await
    };
    // A reset leaves what the tenant wrote, so it stays the tenant's.
    gateway.run_with(of(Some("blue")), r#"{"do":"exit"}"#).await;
    let mut gateway = refused(gateway, Some("green")).await;
    gateway.run_with(of(Some("blue")), "{}").await.succeeded();
}

#[tokio::test]
async fn a_handler_s_error_is_passed_on_word_for_word() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    for (told, error_type) in [
        ("Runtime.UserException", "Runtime.UserException"),
        ("Function.not-a-word", "Function.Unknown"),
        ("ValueError", "Runtime.Unknown"),
        ("", "Runtime.Unknown"),
    ] {
        let outcome = gateway.run(&json!({"do": "error", "type": told})).await;
        outcome.failed_with(FunctionErrorCause::Handler, error_type);
        assert_eq!(outcome.body, br#"{"errorMessage":"boom","errorType":"ValueError"}"#);
    }
    // An error is no crash: the process is the same.
    assert!(shim.log().matches("Init Duration").count() <= 1);
}

#[tokio::test]
async fn the_environment_is_the_platform_s() {
    let shim = Shim::start_with(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("FROM_IMAGE", "yes")]).await;
    let mut gateway = shim.ready(assignment_with("TABLE", "t")).await;
    let outcome = gateway.run(&json!({"do": "environment"})).await;
    let environment = outcome.succeeded().json();
    for (name, expected) in [
        ("AWS_LAMBDA_FUNCTION_NAME", "my_function"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_RUNTIME_API", shim.runtime_api.as_str()),
        ("_HANDLER", "app.handler"),
        ("TABLE", "t"),
        ("FROM_IMAGE", "yes"),
    ] {
        assert_eq!(environment[name], expected, "{name}");
    }
    let names = environment.as_object().unwrap().keys();
    let foreign = names.filter(|name| name.starts_with("KUBE")).collect::<Vec<_>>();
    assert!(foreign.is_empty(), "{foreign:?}");
    let outcome = gateway.run(&json!({"do": "status"})).await;
    let (limits, score) = (outcome.json()[0].to_string(), outcome.json()[1].to_string());
    let open_files = limits.split("\\n").find(|line| line.starts_with("Max open files")).unwrap().to_owned();
    assert_eq!(open_files.split_whitespace().nth(3), Some("1024"), "{open_files}");
    assert_eq!(score, "\"1000\\n\"");
}

#[tokio::test]
async fn the_runtime_api_refuses_what_aws_refuses() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let outcome = gateway.run(&json!({"do": "refused"})).await;
    let expected = json!({
        "other id": [400, "InvalidRequestID"],
        "no id": [400, "InvalidRequestID"],
        "other attempt": [410, "InvokeTimeout"],
        "init error": [403, "InvalidStateTransition"],
        "restore": [404, "NotFound"],
        "wrong method": [405, "MethodNotAllowed"],
        "again": [200, true],
    });
    assert_eq!(outcome.succeeded().json(), expected);
    let outcome = gateway.run(&json!({"do": "twice"})).await;
    assert_eq!(outcome.succeeded().body, b"1");
    assert!(outcome.tail.contains("twice 202 403 403 InvalidStateTransition\n"), "{}", outcome.tail);
}

fn epoch_millis() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}
