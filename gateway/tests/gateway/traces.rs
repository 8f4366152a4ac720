//! Traces: what the runtime and the caller read in the header, and which spans an invocation has.

use bytes::Bytes;
use gateway::catalog::DeclaredFunction;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use protocol::link::environment::{FunctionErrorCause, Timeline};
use serde_json::json;

use crate::support::client::{Client, invoke, invoke_with, request};
use crate::support::collector::{Receiver, plain};
use crate::support::fake::Conduct;
use crate::support::gateway::{ACCOUNT, Running, function, revision};
use crate::support::shim::Shim;
use crate::support::stream;
use crate::support::traced::{
    CALLER, ROOT, TIMELINE, TRACE, document, exporting_to, header, named, of_origin, seconds, traced, with,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_s_segments_and_the_function_s_are_one_trace() {
    let receiver = Receiver::start(&[]).await;
    let (running, fake) = with(&traced(), &receiver, Conduct::Echo).await;
    fake.tell(
        TIMELINE,
        vec![document("00000000000000d1", "00000000000000d0", &json!({"annotations": {"customer": "c"}}))],
    );
    let sent = format!("Root={ROOT};Parent={CALLER};Sampled=1;Lineage=1:2dbc7f9c:0");
    let answer = invoke_with(running.api, "F_1", &header(&sent)).await;
    assert_eq!(answer.header("x-amzn-trace-id"), Some(format!("root={ROOT};sampled=1").as_str()));
    let spans = receiver.until(6).await;
    let (service, own) = (of_origin(&spans, "AWS::Lambda"), of_origin(&spans, "AWS::Lambda::Function"));
    assert_eq!((service.span.kind(), own.span.kind()), (SpanKind::Server, SpanKind::Internal));
    assert_eq!((service.parent(), own.parent()), (CALLER.to_owned(), service.id()));
    assert_eq!(seconds(&own), (3, 6), "the init phase was over long before the request came");
    assert_eq!(service.span.status, None);
    for (name, interval) in [("Initialization", (1, 2)), ("Invocation", (3, 5)), ("Overhead", (5, 6))] {
        let part = named(&spans, name);
        assert_eq!((part.parent(), seconds(&part)), (own.id(), interval), "{name}");
    }
    let seen = fake.seen().remove(0);
    assert_eq!(named(&spans, "Invocation").id(), seen.attempt.invocation_segment());
    let handed = format!("Root={ROOT};Parent={};Sampled=1;Lineage=1:2dbc7f9c:0", own.id());
    assert_eq!(
        seen.trace.as_deref(),
        Some(handed.as_str()),
        "Parent = id of the function's segment; Lineage kept"
    );
    assert_eq!(named(&spans, "work").attributes["customer"], "c");
    let request_id = answer.header("x-amzn-requestid").unwrap();
    for (span, key, expected) in [
        (&service, "http.response.status_code", "200"),
        (&service, "faas.invocation_id", request_id),
        (&own, "faas.invocation_id", request_id),
        (&own, "faas.coldstart", "true"),
    ] {
        assert_eq!(span.attributes.get(key).map(String::as_str), Some(expected), "{key}");
    }
    assert!(spans.iter().all(|span| span.trace() == TRACE), "{spans:#?}");
    let (path, headers) = receiver.requests().remove(0);
    let (key, kind) = (&headers["x-key"], &headers["content-type"]);
    assert_eq!(
        (path.as_str(), key, kind),
        ("/v1/traces", &"secret".parse().unwrap(), &"application/x-protobuf".parse().unwrap())
    );
    running.until_metric(r#"kubelambda_trace_spans_total{result="exported"} 6"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_speaks_for_itself_only() {
    let receiver = Receiver::start(&[]).await;
    let (running, fake) = with(&traced(), &receiver, Conduct::Echo).await;
    let other = json!({"service": {"version": "9"}, "service.name": "other", "user": "u", "resource": {"faas.name": "other"},
                       "aws": {"account_id": "999999999999"}, "annotations": {"service.name": "other"}});
    fake.tell(TIMELINE, vec![document("00000000000000d1", CALLER, &other)]);
    invoke_with(running.api, "F_1", &header(&format!("Root={ROOT};Sampled=1"))).await;
    let arn = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:F_1");
    for span in receiver.until(6).await {
        for (key, expected) in [
            ("service.name", "F_1"),
            ("faas.name", "F_1"),
            ("faas.version", "$LATEST"),
            ("cloud.provider", "aws"),
            ("cloud.region", "us-east-1"),
            ("cloud.account.id", ACCOUNT),
            ("cloud.resource_id", &arn),
            ("k8s.namespace.name", "default"),
        ] {
            assert_eq!(span.resource[key], expected, "{key} of {}", span.span.name);
        }
        assert_eq!(span.scope == "aws.xray", span.span.name == "work", "{span:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_pass_through_the_header_is_forwarded_and_only_the_function_speaks() {
    let receiver = Receiver::start(&[]).await;
    let (running, fake) = with(&function("F_1", 1), &receiver, Conduct::Echo).await;
    fake.tell(TIMELINE, vec![document("00000000000000d1", CALLER, &json!({}))]);
    let sent = format!("Root={ROOT};Parent={CALLER};Sampled=1");
    let answer = invoke_with(running.api, "F_1", &header(&sent)).await;
    assert_eq!(answer.header("x-amzn-trace-id"), Some(format!("root={ROOT};sampled=1").as_str()));
    assert_eq!(fake.seen()[0].trace.as_deref(), Some(sent.as_str()));
    running.gateway.flush_traces().await;
    let spans = receiver.spans();
    assert_eq!(spans.iter().map(|span| span.span.name.as_str()).collect::<Vec<_>>(), ["work"]);
    let undecided = invoke(running.api, "F_1", "{}").await;
    assert!(
        undecided.header("x-amzn-trace-id").unwrap().ends_with("sampled=0"),
        "Root made if absent, Sampled=0"
    );
}

/// "The default rule traces the first request each second, and five percent of any additional requests"
#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_decided_is_kept_and_the_rest_is_sampled() {
    let receiver = Receiver::start(&[]).await;
    let (running, fake) = with(&traced(), &receiver, Conduct::Echo).await;
    let sampled = async |sent: &str| {
        let answer = invoke_with(running.api, "F_1", &header(sent)).await;
        answer.header("x-amzn-trace-id").unwrap().ends_with("sampled=1")
    };
    let sent = format!("Root={ROOT};Parent={CALLER};Sampled=0");
    assert!(!sampled(&sent).await);
    assert_eq!(fake.seen()[0].trace.as_deref(), Some(sent.as_str()), "nothing of it changes");
    assert!(sampled(&format!("Root={ROOT};Parent={CALLER};Sampled=?")).await, "the first of its second");
    assert!(sampled(&format!("Root={ROOT};Sampled=1")).await);
    let mut count = 0;
    for _ in 0..400 {
        count += usize::from(sampled("").await);
    }
    assert!((1..100).contains(&count), "{count} of 400 within a few seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_none_fails_nothing_and_the_caller_s_decision_holds() {
    let receiver = Receiver::start(&[]).await;
    let (running, fake) = with(&traced(), &receiver, Conduct::Echo).await;
    fake.tell(TIMELINE, vec![]);
    let long = format!("Root={ROOT};Sampled=0;Lineage={}", "1".repeat(2_000));
    let mut handed = Vec::new();
    for sent in [&format!("Root=garbage;Parent={CALLER};Sampled=0"), "a\tb;Sampled=0", &long] {
        let answer = invoke_with(running.api, "F_1", &header(sent)).await;
        assert_eq!(answer.status, 200, "{sent}");
        let trace = fake.seen().last().unwrap().trace.clone().unwrap();
        let (root, _) = trace.strip_prefix("Root=").unwrap().split_once(';').unwrap();
        assert_eq!(answer.header("x-amzn-trace-id"), Some(format!("root={root};sampled=0").as_str()));
        assert!(root.parse::<protocol::xray::TraceId>().is_ok() && trace.contains(";Sampled=0"), "{trace}");
        handed.push(root.to_owned());
    }
    assert_eq!(handed[2], ROOT, "of a header that is too long, what clients insist on is kept");
    assert_ne!(handed[0], handed[1]);
    invoke_with(running.api, "F_1", &header(&format!("Root=garbage;Parent={CALLER};Sampled=1"))).await;
    let service = of_origin(&receiver.until(5).await, "AWS::Lambda");
    assert_eq!(service.parent(), "", "the caller's segment is one of another trace");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttle_is_an_error_of_the_first_segment_and_there_is_no_other() {
    let receiver = Receiver::start(&[]).await;
    let declared = DeclaredFunction { environments_max: 0, ..traced() };
    let running = Running::start(exporting_to(&receiver), vec![declared]).await;
    let answer = invoke_with(running.api, "F_1", &header("Sampled=1")).await;
    assert_eq!(answer.status, 429);
    running.gateway.flush_traces().await;
    let spans = receiver.spans();
    assert_eq!((spans.len(), spans[0].origin()), (1, "AWS::Lambda"), "{spans:#?}");
    assert_eq!(spans[0].span.status.as_ref().unwrap().code(), StatusCode::Error);
    assert_eq!(spans[0].attributes["error.type"], "TooManyRequestsException");
    assert_eq!(spans[0].parent(), "", "the caller gave none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_error_is_an_error_of_the_function_s_segments() {
    let receiver = Receiver::start(&[]).await;
    let conduct = Conduct::Answer(Bytes::from_static(b"{}"), Some(FunctionErrorCause::Handler));
    let (running, fake) = with(&traced(), &receiver, conduct).await;
    fake.tell(Timeline { init: None, ..TIMELINE }, vec![]);
    invoke_with(running.api, "F_1", &header("Sampled=1")).await;
    let spans = receiver.until(4).await;
    assert!(!spans.iter().any(|span| span.span.name == "Initialization"));
    let own = of_origin(&spans, "AWS::Lambda::Function");
    assert_eq!((own.attributes["faas.coldstart"].as_str(), seconds(&own)), ("false", (3, 6)));
    assert_eq!(own.span.events[0].name, "exception");
    for span in [&own, &named(&spans, "Invocation")] {
        let status = span.span.status.clone().unwrap();
        assert_eq!((status.code(), status.message.as_str()), (StatusCode::Error, "Some.Error"));
    }
    assert_eq!(of_origin(&spans, "AWS::Lambda").span.status, None, "it is the function's own error");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_a_function_is_an_error_of_the_first_segment_too_streamed_or_not() {
    for (cause, fails) in [
        (FunctionErrorCause::Handler, false),
        (FunctionErrorCause::TimedOut, true),
        (FunctionErrorCause::Crashed, true),
        (FunctionErrorCause::Init, true),
    ] {
        for streams in [false, true] {
            let receiver = Receiver::start(&[]).await;
            let conduct = Conduct::Answer(Bytes::from_static(b"{}"), Some(cause));
            let (running, fake) = with(&traced(), &receiver, conduct).await;
            fake.tell(Timeline { init: None, ..TIMELINE }, vec![]);
            if streams {
                let sampled = header("Sampled=1");
                stream::invoke(running.api, "F_1", &sampled, &json!({})).await.rest().await;
            } else {
                invoke_with(running.api, "F_1", &header("Sampled=1")).await;
            }
            let spans = receiver.until(4).await;
            let service = of_origin(&spans, "AWS::Lambda");
            let expected = fails.then_some("Some.Error");
            assert_eq!(service.attributes.get("error.type").map(String::as_str), expected, "{cause:?}");
            assert_eq!(service.span.status.is_some(), fails, "{cause:?}");
            assert!(of_origin(&spans, "AWS::Lambda::Function").span.status.is_some(), "{cause:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_handler_failed_is_told_with_the_function_s_segment() {
    let receiver = Receiver::start(&[]).await;
    let running = Running::start(exporting_to(&receiver), vec![traced()]).await;
    let shim = Shim::start("pod", &revision(&traced()), &[]).await;
    running.up("pod", shim.link, &revision(&traced())).await;
    let stack = json!([{"path": "app.py", "line": 3, "label": "handler"}]);
    let exceptions = json!([{"type": "ValueError", "message": "no", "stack": stack}, {"type": "KeyError"}]);
    let event = json!({"error": "no", "cause": {"exceptions": exceptions, "working_directory": "/var/task"}});
    let request = request("F_1", &header("Sampled=1"), event.to_string());
    let answer = Client::connect(running.api).await.send(request).await;
    assert_eq!(answer.text(), r#"{"errorMessage": "no", "errorType": "Oops"}"#, "it is not the caller's");
    let own = of_origin(&receiver.until(5).await, "AWS::Lambda::Function");
    let told: Vec<_> =
        own.span.events.iter().map(|event| (event.name.as_str(), plain(&event.attributes))).collect();
    let expected = [
        vec![
            ("exception.type", "ValueError"),
            ("exception.message", "no"),
            ("exception.stacktrace", "ValueError: no\n\tat handler(app.py:3)"),
        ],
        vec![("exception.type", "KeyError")],
    ];
    let own_words =
        |pairs: &Vec<(&str, &str)>| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let expected: Vec<_> = expected.iter().map(|pairs| ("exception", own_words(pairs))).collect();
    assert_eq!(told, expected);
    assert_eq!(own.attributes["error.type"], "Runtime.Unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_answer_is_traced_to_its_end() {
    let receiver = Receiver::start(&[]).await;
    let (running, fake) = with(&traced(), &receiver, Conduct::Echo).await;
    fake.tell(TIMELINE, vec![]);
    let mut streamed = stream::invoke(running.api, "F_1", &header("Sampled=1"), &json!({"k": 1})).await;
    streamed.rest().await;
    let spans = receiver.until(5).await;
    let service = of_origin(&spans, "AWS::Lambda");
    assert_eq!(service.attributes["http.response.status_code"], "200");
    assert_eq!(of_origin(&spans, "AWS::Lambda::Function").parent(), service.id());
    fake.conduct(Conduct::Pause(Bytes::from_static(b"half")));
    let mut left = stream::invoke(running.api, "F_1", &header("Sampled=1"), &json!({})).await;
    left.next().await;
    left.leave();
    let spans = receiver.until(6).await;
    let gone = spans.iter().find(|span| span.attributes.contains_key("error.type")).unwrap();
    assert_eq!(
        (gone.attributes["error.type"].as_str(), gone.origin()),
        ("ClientDisconnected", "AWS::Lambda")
    );
}
