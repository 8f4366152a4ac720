//! What X-Ray clients send to their daemon.

use protocol::xray_datagram::{Rejected, document};
use serde_json::Value;

use crate::run::Target;

pub const TARGETS: [Target; 1] = [Target { name: "xray_datagram", seeds, check }];

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
