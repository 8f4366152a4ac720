//! What X-Ray clients send to their daemon: the datagram, and the document in it.

use protocol::xray::document::NAME_CHARS_MAX;
use protocol::xray::{Document, Segment};
use protocol::xray_datagram::{Rejected, document};
use serde_json::Value;

use crate::run::Target;

pub const TARGETS: [Target; 2] = [
    Target { name: "xray_datagram", seeds, check },
    Target { name: "xray_document", seeds: documents, check: check_document },
];

fn seeds() -> Vec<Vec<u8>> {
    let segment = r#"{"name":"handler","id":"70de5b6f19ff9a0a","start_time":1.478293361271E9,"end_time":1.5E9,"trace_id":"1-581cf771-a006649127e371903a2de979","parent_id":"53995c3f42cd8ad8","type":"subsegment"}"#;
    let datagrams = [
        format!("{{\"format\": \"json\", \"version\": 1}}\n{segment}"),
        format!("{{\"Format\":\"JSON\",\"Version\":1,\"x\":[null]}}\n{segment}"),
        format!("{{\"format\": \"json\", \"version\": 2}}\n{segment}"),
        "{\"format\": \"json\", \"version\": 1}\n".to_owned(),
    ];
    datagrams.map(String::into_bytes).into()
}

fn check(input: &[u8]) -> String {
    match document(input) {
        Ok(found) => {
            // The rest of the datagram after the first line, byte for byte, and never nothing.
            let line = input.len() - found.len();
            assert!(!found.is_empty() && input.ends_with(found) && input[line - 1] == b'\n');
            assert_eq!(input.iter().position(|byte| *byte == b'\n'), Some(line - 1));
            let header: Value = serde_json::from_slice(&input[..line - 1]).unwrap_or_default();
            assert!(header.is_object() || header.is_null(), "{header}");
            "document".into()
        }
        Err(Rejected::Incomplete) => {
            let line = input.iter().position(|byte| *byte == b'\n');
            assert!(line.is_none_or(|line| line + 1 == input.len()));
            "incomplete".into()
        }
        Err(rejected) => rejected.to_string(),
    }
}

fn documents() -> Vec<Vec<u8>> {
    let head = r#""id":"53995c3f42cd8ad8","name":"work","start_time":1478293361.271,"end_time":1478293361.449,"trace_id":"1-581cf771-a006649127e371903a2de979""#;
    let http = r#""http":{"request":{"method":"GET","url":"https://a.test/b"},"response":{"status":503,"content_length":"7"}}"#;
    let cause = r#""fault":true,"cause":{"exceptions":[{"id":"e","type":"ValueError","message":"no","stack":[{"path":"a.py","line":3,"label":"f"}]}]}"#;
    let more = r#""namespace":"aws","aws":{"operation":"GetItem"},"sql":{"url":"a://b/c"},"annotations":{"k":1},"metadata":{"default":{"k":[1]}}"#;
    let part = r#""subsegments":[{"id":"53995c3f42cd8ad9","name":"n","start_time":1,"in_progress":true}]"#;
    let alone = r#""type":"subsegment","parent_id":"6b55dcc497934f1a""#;
    let all = [alone, http, cause, more, part].map(|more| format!("{{{head},{more}}}").into_bytes());
    all.into_iter().chain([format!("{{{head},{alone},{http},{cause},{more},{part}}}").into_bytes()]).collect()
}

/// Latest moment that is taken for one, in microseconds.
const MOMENT_MAX: u64 = 10_000_000_000_000_000;

fn check_document(input: &[u8]) -> String {
    match Document::parse(input) {
        Ok(document) => {
            assert!(!document.is_subsegment() || document.parent_id.is_some());
            assert_eq!(document.trace_id.to_string().parse(), Ok(document.trace_id));
            check_segment(&document.segment);
            // Each has an id of 16 digits at least.
            assert!(document.segment.count() * 16 <= input.len());
            format!("{} failed: {}", document.segment.count(), document.segment.fault)
        }
        Err(error) => error.to_string(),
    }
}

fn check_segment(segment: &Segment) {
    assert!((1..=NAME_CHARS_MAX).contains(&segment.name.chars().count()));
    assert!(segment.end_us.is_some() || segment.in_progress);
    assert!(segment.start_us <= MOMENT_MAX && segment.end_us.is_none_or(|end| end <= MOMENT_MAX));
    assert_eq!(segment.id.to_string().parse(), Ok(segment.id));
    segment.subsegments.iter().for_each(check_segment);
}
