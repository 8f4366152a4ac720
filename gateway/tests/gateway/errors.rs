//! Invokes that are refused: status, headers and body of each.

use crate::support::client::{Answer, Client, get, invoke, invoke_with, request};
use crate::support::gateway::{ACCOUNT, Running, function, options, revision, unavailable};
use gateway::catalog::{DeclaredFunction, Tenancy, Unavailable};
use gateway::environments::EnvironmentEvent;
use hyper::Request;
use protocol::link::control::Obstacle;

fn check(answer: &Answer, status: u16, exception: &str, body: &str) {
    assert_eq!((answer.status, answer.text().as_str()), (status, body));
    assert_eq!(answer.header("x-amzn-errortype"), Some(exception));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-amzn-requestid").map(str::len), Some(36));
}

async fn running() -> Running {
    let unknown = Unavailable::UnknownRuntime { runtime: "cobol".into() };
    let functions = vec![function("f", 1), function("off", 0), unavailable("old", unknown)];
    Running::start(options(), functions).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_not_found() {
    let running = running().await;
    let arn = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:");
    for (name, shown) in [("absent", "absent:$LATEST"), ("f:7", "f:7"), ("f:live", "f:live")] {
        let body = format!(r#"{{"Message":"Function not found: {arn}{shown}","Type":"User"}}"#);
        check(&invoke(running.api, name, "{}").await, 404, "ResourceNotFoundException", &body);
    }
    let answer = invoke(running.api, "f/invocations?Qualifier=9&x=", "{}").await;
    assert_eq!(answer.status, 404);
    let elsewhere = format!("arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:f");
    check(
        &invoke(running.api, &elsewhere, "{}").await,
        404,
        "ResourceNotFoundException",
        r#"{"Message":"Functions from 'ap-southeast-1' are not reachable in this region ('us-east-1')","Type":"User"}"#,
    );
    let other = invoke(running.api, "999999999999:function:f", "{}").await;
    assert!(other.text().contains("arn:aws:lambda:us-east-1:999999999999:function:f"), "{}", other.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_qualifiers_are_checked() {
    let running = running().await;
    let mut client = Client::connect(running.api).await;
    let uri = "/2015-03-31/functions/f:7/invocations?Qualifier=8";
    let answer = client.send(Request::post(uri).header("host", "h").body("{}".into()).unwrap()).await;
    check(
        &answer,
        400,
        "InvalidParameterValueException",
        r#"{"Type":"User","message":"The derived qualifier from the function name does not match the specified qualifier."}"#,
    );
    for name in ["a%20b", "a:b:c", "%FF", "arn:aws:s3:::bucket"] {
        let answer = client.invoke(name, "{}").await;
        assert_eq!(
            (answer.status, answer.header("x-amzn-errortype")),
            (400, Some("ValidationException")),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_headers_are_checked() {
    let running = running().await;
    let answer = invoke(running.api, "f", "{").await;
    assert_eq!(answer.header("x-amzn-errortype"), Some("InvalidRequestContentException"));
    assert!(answer.text().contains("Could not parse request body into json: "), "{}", answer.text());
    let long = "A".repeat(3_584);
    let refused = [
        (("x-amz-invocation-type", "Event"), "InvalidParameterValueException"),
        (("x-amz-invocation-type", "Later"), "ValidationException"),
        (("x-amz-log-type", "Head"), "ValidationException"),
        (("x-amz-client-context", "string"), "InvalidRequestContentException"),
        (("x-amz-client-context", long.as_str()), "ValidationException"),
        (("x-amz-tenant-id", "#"), "ValidationException"),
        (("x-amz-tenant-id", "blue"), "InvalidParameterValueException"),
        (("x-amz-durable-execution-name", "d"), "InvalidParameterValueException"),
    ];
    for (header, exception) in refused {
        let answer = invoke_with(running.api, "f", &[header]).await;
        assert_eq!((answer.status, answer.header("x-amzn-errortype")), (400, Some(exception)), "{header:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_invoked_says_why() {
    let running = running().await;
    check(
        &invoke(running.api, "off", "{}").await,
        429,
        "TooManyRequestsException",
        r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#,
    );
    check(
        &invoke(running.api, "old", "{}").await,
        502,
        "InvalidRuntimeException",
        r#"{"Message":"The runtime cobol is not known in this cluster: no Runtime object has that name.","Type":"User"}"#,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_isolates_tenants_needs_one() {
    let declared = DeclaredFunction { tenancy: Tenancy::PerTenant, ..function("f", 2) };
    let running = Running::start(options(), vec![declared]).await;
    for headers in [&[][..], &[("x-amz-invocation-type", "DryRun")]] {
        check(
            &invoke_with(running.api, "f", headers).await,
            400,
            "InvalidParameterValueException",
            r#"{"Type":"User","message":"The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."}"#,
        );
    }
    let headers = [("x-amz-invocation-type", "DryRun"), ("x-amz-tenant-id", "blue")];
    assert_eq!(invoke_with(running.api, "f", &headers).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_told_at_once_that_no_environment_can_start() {
    let running = running().await;
    let revision = revision(&function("f", 1));
    for (reason, status, exception) in [
        (Obstacle::Refused, 429, "TooManyRequestsException"),
        (Obstacle::Unschedulable, 429, "TooManyRequestsException"),
        (Obstacle::Image, 502, "ResourceNotReadyException"),
        (Obstacle::Invalid, 502, "InvalidRuntimeException"),
    ] {
        let (api, mut demand) = (running.api, running.demand.clone());
        let waiting = tokio::spawn(async move { invoke(api, "f", "{}").await });
        demand.wait_for(|demand| demand.iter().any(|of| of.waiting == 1)).await.unwrap();
        let message = "exceeded quota: pods".to_owned();
        let blocked = EnvironmentEvent::Blocked { revision: revision.clone(), reason, message };
        running.events.send(blocked).await.unwrap();
        for answer in [waiting.await.unwrap(), invoke(running.api, "f", "{}").await] {
            assert_eq!((answer.status, answer.header("x-amzn-errortype")), (status, Some(exception)));
            assert!(answer.text().contains("exceeded quota: pods"), "{}", answer.text());
        }
        running.events.send(EnvironmentEvent::Unblocked { revision: revision.clone() }).await.unwrap();
        demand.wait_for(|demand| demand.is_empty()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_paths_and_methods_are_refused() {
    let running = running().await;
    assert_eq!(get(running.api, "/").await.status, 404);
    assert_eq!(get(running.api, "/metrics").await.status, 404, "metrics have a port of their own");
    let answer = get(running.api, "/2015-03-31/functions/f/invocations").await;
    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (405, Some("UnknownOperationException")));
    let many: Vec<(String, String)> = (0..200).map(|n| (format!("x-{n}"), String::new())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut client = Client::connect(running.api).await;
    assert_eq!(client.send(request("f", &many, "{}")).await.status, 431);
}
