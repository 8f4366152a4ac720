use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Attribute;
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// What the SDK for Python sends of a call.
fn document(more: &Value) -> Document {
    let mut document = json!({
        "id": "53995c3f42cd8ad8", "name": "work", "start_time": 1_478_293_361.25, "end_time": 1_478_293_361.5,
        "trace_id": "1-581cf771-a006649127e371903a2de979", "parent_id": "6b55dcc497934f1a", "type": "subsegment"
    });
    for (key, value) in more.as_object().unwrap() {
        document[key] = value.clone();
    }
    Document::parse(document.to_string().as_bytes()).unwrap()
}

fn only(more: &Value) -> Span {
    let mut spans = spans(&document(more));
    assert_eq!(spans.len(), 1, "{spans:?}");
    spans.remove(0)
}

fn value(attributes: &[KeyValue], key: &str) -> Option<String> {
    let pair = attributes.iter().find(|pair| pair.key == key)?;
    Some(match pair.value.as_ref()?.value.as_ref()? {
        Attribute::StringValue(text) => text.clone(),
        Attribute::IntValue(number) => number.to_string(),
        Attribute::BoolValue(truth) => truth.to_string(),
        other => format!("{other:?}"),
    })
}

fn check(more: &Value, expected: &[(&str, &str)]) {
    let span = only(more);
    for (key, expected) in expected {
        assert_eq!(
            value(&span.attributes, key).as_deref(),
            Some(*expected),
            "{key} in {:?}",
            span.attributes
        );
    }
}

#[test]
fn ids_times_and_kind_are_those_of_the_document() {
    let span = only(&json!({}));
    assert_eq!(domain::hex::encode(&span.trace_id), "581cf771a006649127e371903a2de979");
    assert_eq!(domain::hex::encode(&span.span_id), "53995c3f42cd8ad8");
    assert_eq!(domain::hex::encode(&span.parent_span_id), "6b55dcc497934f1a");
    let times = (span.start_time_unix_nano, span.end_time_unix_nano);
    assert_eq!(times, (1_478_293_361_250_000_000, 1_478_293_361_500_000_000));
    assert_eq!((span.kind(), span.status.clone()), (SpanKind::Internal, None));
    assert_eq!(only(&json!({"namespace": "remote"})).kind(), SpanKind::Client);
    assert_eq!(only(&json!({"type": null})).kind(), SpanKind::Server);
    let backwards = only(&json!({"end_time": 1}));
    assert_eq!(backwards.end_time_unix_nano, backwards.start_time_unix_nano);
}

#[test]
fn parts_are_spans_below_it_and_what_goes_on_is_left_to_come() {
    let part = |id: &str, in_progress: bool, parts: Vec<Value>| json!({"id": id, "name": id, "start_time": 1, "end_time": 2, "in_progress": in_progress, "subsegments": parts});
    let inner = part("00000000000000b2", false, vec![]);
    let outer = part("00000000000000b1", false, vec![inner.clone()]);
    let open = part("00000000000000b3", true, vec![inner]);
    let parents: Vec<(String, String)> = spans(&document(&json!({"subsegments": [outer, open]})))
        .iter()
        .map(|span| (span.name.clone(), domain::hex::encode(&span.parent_span_id)))
        .collect();
    let expected = [
        ("work", "6b55dcc497934f1a"),
        ("00000000000000b1", "53995c3f42cd8ad8"),
        ("00000000000000b2", "00000000000000b1"),
    ];
    assert_eq!(parents, expected.map(|(name, parent)| (name.to_owned(), parent.to_owned())));
    assert!(spans(&document(&json!({"in_progress": true, "end_time": null}))).is_empty());
}

#[test]
fn a_failure_is_a_status_and_its_exceptions_are_events() {
    let stack = json!([{"path": "app.py", "line": 3, "label": "handler"}]);
    let exception =
        json!({"id": "e1", "type": "ValueError", "message": "no", "remote": true, "stack": stack});
    let span = only(&json!({"fault": true, "cause": {"exceptions": [exception]}}));
    let status = span.status.clone().unwrap();
    assert_eq!((status.code(), status.message.as_str()), (StatusCode::Error, "no"));
    assert_eq!(value(&span.attributes, "error.type").as_deref(), Some("ValueError"));
    let event = &span.events[0];
    assert_eq!((event.name.as_str(), event.time_unix_nano), ("exception", span.end_time_unix_nano));
    for (key, expected) in [
        ("exception.type", "ValueError"),
        ("exception.message", "no"),
        ("exception.stacktrace", "ValueError: no\n\tat handler(app.py:3)"),
        ("aws.xray.exception.id", "e1"),
        ("aws.xray.exception.remote", "true"),
    ] {
        assert_eq!(value(&event.attributes, key).as_deref(), Some(expected));
    }
    for failure in ["error", "throttle", "fault"] {
        check(&json!({failure: true}), &[("error.type", failure)]);
        assert!(only(&json!({failure: true})).status.is_some());
    }
}

#[test]
fn http_has_the_names_of_the_conventions() {
    let request =
        json!({"method": "GET", "url": "https://a.test/b", "user_agent": "c", "client_ip": "10.0.0.1"});
    let http = json!({"request": request, "response": {"status": 503, "content_length": 216}});
    check(
        &json!({"http": http, "namespace": "remote"}),
        &[
            ("http.request.method", "GET"),
            ("url.full", "https://a.test/b"),
            ("user_agent.original", "c"),
            ("client.address", "10.0.0.1"),
            ("http.response.status_code", "503"),
            ("http.response.body.size", "216"),
        ],
    );
}

#[test]
fn an_address_is_told_without_what_logs_in_or_signs() {
    let request = json!({"url": "https://u:p@b.test/k?X-Amz-Signature=abc&v=1"});
    let expected = "https://REDACTED:REDACTED@b.test/k?X-Amz-Signature=REDACTED&v=1";
    check(&json!({"http": {"request": request}}), &[("url.full", expected)]);
}

#[test]
fn so_have_calls_to_aws_and_queries() {
    let aws = json!({"operation": "GetItem", "region": "eu-west-1", "request_id": "r", "table_name": "t", "retries": 2});
    check(
        &json!({"name": "dynamodb", "namespace": "aws", "aws": aws}),
        &[
            ("rpc.system", "aws-api"),
            ("rpc.service", "dynamodb"),
            ("rpc.method", "GetItem"),
            ("aws.service", "dynamodb"),
            ("aws.operation", "GetItem"),
            ("aws.region", "eu-west-1"),
            ("aws.request_id", "r"),
            ("aws.table_name", "t"),
            ("aws.xray.retries", "2"),
        ],
    );
    let sql = json!({"url": "jdbc:postgresql://db.test:5432/shop?ssl=1", "database_type": "PostgreSQL",
                     "sanitized_query": "SELECT ?", "user": "u"});
    check(
        &json!({"sql": sql}),
        &[
            ("db.system.name", "postgresql"),
            ("db.query.text", "SELECT ?"),
            ("db.namespace", "shop"),
            ("db.connection_string", "jdbc:postgresql://db.test:5432/shop"),
            ("db.user", "u"),
        ],
    );
}

#[test]
fn a_connection_is_told_without_passwords() {
    for (url, expected) in [
        ("postgres://u:secret@db.test:5432/shop", Some("postgres://db.test:5432/shop")),
        ("jdbc:mysql://u:sec/ret@db.test/shop", Some("jdbc:mysql://db.test/shop")),
        ("jdbc:oracle:thin:u/secret@db.test:1521:shop", Some("db.test:1521:shop")),
        ("jdbc:sqlserver://db.test:1433;user=u;password=secret", Some("jdbc:sqlserver://db.test:1433")),
        ("mysql://db.test/shop?user=u@x&password=secret", Some("mysql://db.test/shop")),
        ("mysql://u:sec?ret@db.test/shop", None),
    ] {
        let span = only(&json!({"sql": {"url": url}}));
        assert_eq!(value(&span.attributes, "db.connection_string").as_deref(), expected, "{url}");
    }
}

#[test]
fn an_annotation_is_not_taken_for_the_platform_s_word() {
    let names = ["service.name", "cloud.account.id", "faas.name", "k8s.namespace.name", "aws.xray.origin"];
    let annotations: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!("x"))).collect();
    let span = only(&json!({"annotations": annotations}));
    for name in names {
        assert_eq!(value(&span.attributes, name), None, "{name}");
        let kept = value(&span.attributes, &format!("aws.xray.annotation.{name}"));
        assert_eq!(kept.as_deref(), Some("x"), "{name}");
    }
}

#[test]
fn annotations_are_attributes_but_replace_none() {
    let annotations = json!({"customer": "c", "count": 3, "ok": true, "error.type": "mine"});
    let span = only(&json!({"annotations": annotations, "fault": true, "metadata": {"default": {"a": [1]}}}));
    for (key, expected) in [
        ("customer", "c"),
        ("count", "3"),
        ("ok", "true"),
        ("error.type", "fault"),
        ("aws.xray.metadata.default", r#"{"a":[1]}"#),
    ] {
        assert_eq!(value(&span.attributes, key).as_deref(), Some(expected));
    }
    assert!(value(&span.attributes, "aws.xray.annotations").unwrap().contains("customer"));
}

proptest! {
    #[test]
    fn no_value_makes_the_translation_panic(
        key in "http|aws|sql|cause|annotations|metadata|namespace|user|error|subsegments",
        text in "[\\[\\]{}\":,0-9a-z/?.-]{0,60}",
    ) {
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
        let more = json!({"id": "53995c3f42cd8ad8", "name": "work", "start_time": 1, "end_time": 2,
                          "trace_id": "1-581cf771-a006649127e371903a2de979", key: value});
        if let Ok(document) = Document::parse(more.to_string().as_bytes()) {
            prop_assert!(spans(&document).len() <= document.segment.count());
        }
    }
}
