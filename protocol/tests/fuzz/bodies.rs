//! Bodies that extensions send, lines and heads that a function writes, payloads that callers send.

use bytes::Bytes;
use protocol::extensions_api::Register;
use protocol::lambda_api::payload;
use protocol::telemetry::{Api, Destination, SchemaVersion, Stream, Subscription, level_of, line_event};
use protocol::telemetry_log::{Head, MAGIC, MESSAGE_BYTES_MAX, Read};
use serde_json::{Value, json};

use crate::run::Target;

pub const TARGETS: [Target; 5] = [
    Target { name: "registration", seeds: registrations, check: registration },
    Target { name: "subscription", seeds: subscriptions, check: subscription },
    Target { name: "log_line", seeds: log_lines, check: log_line },
    Target { name: "log_head", seeds: log_heads, check: log_head },
    Target { name: "payload", seeds: payloads, check: payload },
];

fn written(bodies: &[Value]) -> Vec<Vec<u8>> {
    bodies.iter().map(|body| body.to_string().into_bytes()).collect()
}

fn registrations() -> Vec<Vec<u8>> {
    written(&[
        json!({"events": ["INVOKE", "SHUTDOWN"]}),
        json!({"events": []}),
        json!({"events": null, "configurationKeys": []}),
        json!({"events": ["INVOKE"], "configurationKeys": ["logLevel"]}),
    ])
}

fn registration(input: &[u8]) -> String {
    match Register::read(input) {
        Ok(read) => {
            // What was read is what the body says, in its order.
            let body: Value = serde_json::from_slice(input).unwrap();
            let told = body.get("events").and_then(Value::as_array).cloned().unwrap_or_default();
            assert_eq!(json!(read.events), json!(told));
            format!("{} events", if read.events.is_empty() { "no" } else { "some" })
        }
        Err(refusal) => {
            assert_eq!(refusal.error_type(), "InvalidRequestFormat");
            assert!(refusal.to_string().len() < 512, "{refusal}");
            refusal.to_string()
        }
    }
}

fn subscriptions() -> Vec<Vec<u8>> {
    let buffering = json!({"maxItems": 1000, "maxBytes": 262_144, "timeoutMs": 100});
    let http = json!({"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/lambda?a=b"});
    written(&[
        json!({"schemaVersion": "2022-12-13", "types": ["platform", "function", "extension"],
               "buffering": buffering, "destination": http}),
        json!({"schemaVersion": "2025-01-29", "types": ["function"],
               "destination": {"protocol": "TCP", "port": 9999}}),
        json!({"schemaVersion": "2021-03-18", "types": ["platform"], "buffering": null, "destination":
               {"protocol": "HTTP", "URI": "http://sandbox:1", "method": "PUT", "encoding": "JSON"}}),
        json!({"types": ["platform", "function"], "destination": http}),
        json!({"schemaVersion": "2022-07-01", "types": [], "buffering": {"maxItems": 1}, "destination": {}}),
    ])
}

/// What an error must name, unless the body is no JSON at all.
const FIELDS: [&str; 5] = ["schemaVersion", "types", "buffering", "destination", "the body"];

fn subscription(input: &[u8]) -> String {
    let mut told = String::new();
    for api in [Api::Telemetry, Api::Logs] {
        match Subscription::read(api, input) {
            Ok(read) => {
                assert_eq!(api == Api::Telemetry, read.schema >= SchemaVersion::V20220701);
                assert!(!read.types.names().is_empty());
                assert!((1_000..=10_000).contains(&read.buffering.max_items));
                assert!((262_144..=1_048_576).contains(&read.buffering.max_bytes));
                assert!((25..=30_000).contains(&read.buffering.timeout_millis));
                let port = match &read.destination {
                    Destination::Tcp { port } => *port,
                    Destination::Http { port, path, .. } => {
                        // It goes into a request line: one word, and no way out of it.
                        assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()));
                        *port
                    }
                };
                assert!(port > 0);
                told += &[format!("{:?}", read.schema), read.types.names().concat()].join(" ");
            }
            Err(error) => {
                let is_json = serde_json::from_slice::<Value>(input).is_ok();
                assert!(!is_json || FIELDS.iter().any(|field| error.0.contains(field)), "{error}");
                told += &error.0;
            }
        }
    }
    told
}

fn log_lines() -> Vec<Vec<u8>> {
    let record =
        json!({"timestamp": "2026-01-15T08:00:00Z", "level": "ERROR", "message": "a\nb", "requestId": "8"});
    vec![
        record.to_string().into_bytes(),
        b"[INFO]\t2026-01-15T08:00:00.000Z\t8476a536-e9f4-11e8-9739-2dfe598c3fcd\thello\n".to_vec(),
        br#"{"level":"trace"}"#.to_vec(),
        b"{\"level\":30,\"time\":1531171074631,\"msg\":\"hi\"}\n".to_vec(),
    ]
}

fn log_line(input: &[u8]) -> String {
    let line = String::from_utf8_lossy(input);
    let level = level_of(input);
    for (stream, name) in [(Stream::Function, "function"), (Stream::Extension, "extension")] {
        for json in [false, true] {
            let text = line_event("2026-01-15T08:00:00.000Z", stream, &line, json);
            // Events are sent one a line.
            assert!(!text.contains('\n'), "{text}");
            let event: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(event["type"], name);
            match &event["record"] {
                Value::String(told) if json => assert_eq!(told, line.trim_end_matches('\n')),
                Value::String(told) => assert_eq!(told, &line),
                object => assert!(json && object.is_object(), "{object}"),
            }
        }
    }
    format!("{level:?} {} {}", line.starts_with('{'), input == line.as_bytes())
}

fn log_heads() -> Vec<Vec<u8>> {
    let time = Some(1 << 50);
    let heads =
        [(3, true, 5, time), (5, false, 300, time), (0, true, MESSAGE_BYTES_MAX, time), (0, true, 5, None)];
    let heads =
        heads.map(|(level, text, length, timestamp_micros)| Head { level, text, length, timestamp_micros });
    heads.map(|head| head.write()).into()
}

fn log_head(input: &[u8]) -> String {
    let head = match Head::read(input) {
        Read::Head(head) => head,
        Read::Part => return "short".into(),
        Read::Other => return format!("none {}", input.starts_with(&MAGIC)),
    };
    // The type's upper bits are nobody's, so all that was read is all that there is.
    assert!(input.starts_with(&head.write()));
    assert!(head.length <= MESSAGE_BYTES_MAX);
    format!("level {} {} {}", "x".repeat(head.level.into()), head.text, head.timestamp_micros.is_some())
}

fn payloads() -> Vec<Vec<u8>> {
    let mut payloads = written(&[
        json!({"Records": [{"body": "é😀", "n": -1.5e-7, "ok": true, "none": null}]}),
        json!("text"),
        json!(0),
    ]);
    payloads.extend([
        b"".to_vec(),
        "[".repeat(900).into_bytes(),
        b"{}x".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
    ]);
    payloads.push(format!("{}1{}", "[".repeat(1_001), "]".repeat(1_001)).into_bytes());
    payloads
}

fn payload(input: &[u8]) -> String {
    let body = Bytes::copy_from_slice(input);
    match payload::check(body.clone()) {
        Ok(_) if input.is_empty() => "empty".into(),
        Ok(checked) => {
            assert_eq!(checked, body, "a payload is handed over as it came");
            // What builds what it reads refuses a few payloads that are JSON: these, and no others.
            let refused = serde_json::from_slice::<Value>(input).err().map(|error| error.to_string());
            let known = ["recursion limit", "surrogate", "hex escape", "number out of range"];
            let is_known = |refused: &String| known.iter().any(|reason| refused.contains(reason));
            assert!(refused.as_ref().is_none_or(is_known), "{refused:?}");
            "accepted".into()
        }
        Err(error) => {
            assert!(error.message.starts_with("Could not parse request body into json: "), "{error:?}");
            error.message
        }
    }
}
