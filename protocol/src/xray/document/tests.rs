use proptest::prelude::*;
use serde_json::json;

use super::*;

/// What the SDK for Python sends from a function.
fn subsegment() -> Value {
    json!({
        "id": "53995c3f42cd8ad8", "name": "work", "start_time": 1_478_293_361.271, "end_time": 1_478_293_361.449,
        "trace_id": "1-581cf771-a006649127e371903a2de979", "parent_id": "6b55dcc497934f1a", "type": "subsegment",
        "in_progress": false
    })
}

fn with(key: &str, value: Value) -> Value {
    let mut document = subsegment();
    document[key] = value;
    document
}

fn parse(document: &Value) -> Result<Document, DocumentError> {
    Document::parse(document.to_string().as_bytes())
}

#[test]
fn what_a_document_must_have_is_insisted_on() {
    assert!(parse(&subsegment()).is_ok());
    for key in ["id", "name", "start_time", "trace_id", "parent_id", "end_time"] {
        let mut document = subsegment();
        document.as_object_mut().unwrap().remove(key);
        assert!(parse(&document).is_err(), "{key}");
    }
    let wrong = [
        ("id", json!("xyz")),
        ("name", json!("")),
        ("name", json!("n".repeat(NAME_CHARS_MAX + 1))),
        ("start_time", json!("now")),
        ("start_time", json!(-1)),
        ("start_time", json!(1e300)),
        ("trace_id", json!("1-a-b")),
        ("subsegments", json!([{"id": "53995c3f42cd8ad8"}])),
    ];
    for (key, value) in wrong {
        assert!(parse(&with(key, value.clone())).is_err(), "{key} {value}");
    }
    assert!(parse(&with("name", json!("n".repeat(NAME_CHARS_MAX)))).is_ok());
}

#[test]
fn one_that_goes_on_needs_no_end() {
    let mut document = with("in_progress", json!(true));
    document.as_object_mut().unwrap().remove("end_time");
    assert_eq!(parse(&document).unwrap().segment.end_us, None);
}

#[test]
fn a_segment_needs_no_parent() {
    let mut document = with("type", json!(null));
    document.as_object_mut().unwrap().remove("parent_id");
    assert!(!parse(&document).unwrap().is_subsegment());
}

#[test]
fn what_it_may_have_is_passed_over_where_it_is_odd() {
    let odd = [
        ("http", json!("GET")),
        ("http", json!({"request": 1, "response": {"status": "ok"}})),
        ("aws", json!([])),
        ("annotations", json!(3)),
        ("cause", json!(17)),
        ("error", json!("yes")),
        ("user", json!({})),
        ("of_a_later_version", json!({"a": 1})),
    ];
    for (key, value) in odd {
        let read = parse(&with(key, value));
        assert_eq!(read.unwrap().segment.name, "work", "{key}");
    }
}

#[test]
fn what_it_may_have_is_null_as_if_it_were_not_there() {
    let whole = parse(&subsegment()).unwrap();
    for key in [
        "in_progress",
        "namespace",
        "origin",
        "resource_arn",
        "user",
        "error",
        "throttle",
        "fault",
        "cause",
        "http",
        "sql",
        "aws",
        "annotations",
        "metadata",
        "subsegments",
    ] {
        assert_eq!(parse(&with(key, json!(null))).ok().as_ref(), Some(&whole), "{key}");
    }
    let nulls = json!({"exceptions": [{"id": null, "type": null, "message": null, "remote": null, "cause": null,
                                       "stack": null}], "message": null, "working_directory": null, "paths": null});
    let Some(Cause::Here { exceptions, .. }) = parse(&with("cause", nulls)).unwrap().segment.cause else {
        panic!("another shape");
    };
    assert_eq!(exceptions.len(), 1);
}

#[test]
fn moments_are_kept_to_the_microsecond() {
    let segment = parse(&with("start_time", json!(1_478_293_361.271_449))).unwrap().segment;
    assert_eq!((segment.start_us, segment.end_us), (1_478_293_361_271_449, Some(1_478_293_361_449_000)));
}

#[test]
fn causes_have_two_shapes() {
    assert_eq!(
        parse(&with("cause", json!("53995c3f42cd8ad8"))).unwrap().segment.cause,
        Some(Cause::Elsewhere("53995c3f42cd8ad8".into()))
    );
    let stack = json!([{"path": "app.py", "line": 3, "label": "handler"}, {"path": 1}]);
    let exception = json!({"id": "a", "type": "ValueError", "message": "no", "stack": stack});
    let cause = json!({"working_directory": "/var/task", "exceptions": [exception]});
    let Some(Cause::Here { exceptions, message: None }) = parse(&with("cause", cause)).unwrap().segment.cause
    else {
        panic!("another shape");
    };
    assert_eq!(exceptions[0].kind.as_deref(), Some("ValueError"));
    assert_eq!((exceptions[0].stack[0].line, exceptions[0].stack[1].path.as_str()), (3, ""));
}

#[test]
fn parts_are_counted() {
    let part = |more: Value| json!({"id": "53995c3f42cd8ad8", "name": "n", "start_time": 1, "end_time": 2, "subsegments": more});
    let document = with("subsegments", json!([part(json!([part(json!([]))])), part(json!([]))]));
    assert_eq!(parse(&document).unwrap().segment.count(), 4);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        drop(Document::parse(&bytes));
    }

    #[test]
    fn no_value_anywhere_makes_the_reader_panic(
        key in "id|name|start_time|end_time|trace_id|parent_id|type|http|aws|sql|cause|annotations|metadata|subsegments",
        text in "[\\[\\]{}\":,0-9a-z.-]{0,60}",
    ) {
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
        drop(parse(&with(&key, value)));
    }

    #[test]
    fn nesting_makes_the_reader_neither_panic_nor_overflow(depth in 0_usize..2_000) {
        let part = r#"{"id":"53995c3f42cd8ad8","name":"n","start_time":1,"end_time":2,"subsegments":["#;
        let text = format!("{}{}", part.repeat(depth), "]}".repeat(depth));
        drop(Document::parse(text.as_bytes()));
    }
}
