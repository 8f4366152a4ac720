use proptest::prelude::*;

use super::*;

fn body(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut body = json!({
        "schemaVersion": "2022-07-01",
        "types": ["platform", "function"],
        "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/a?b"},
    });
    change(&mut body);
    body.to_string().into_bytes()
}

#[test]
fn defaults_are_those_of_the_guide() {
    let read = Subscription::read(Api::Telemetry, &body(|_| {})).unwrap();
    let expected = Buffering { max_items: 10_000, max_bytes: 262_144, timeout_millis: 1_000 };
    assert_eq!(read.buffering, expected);
    assert_eq!(read.types.names(), ["platform", "function"]);
    let expected = Destination::Http { port: 8080, path: "/a?b".into(), put: false };
    assert_eq!(read.destination, expected);
}

#[test]
fn bounds_hold_at_their_edges() {
    for (name, low, high) in
        [("maxItems", 1_000, 10_000), ("maxBytes", 262_144, 1_048_576), ("timeoutMs", 25, 30_000)]
    {
        for (value, good) in [(low - 1, false), (low, true), (high, true), (high + 1, false)] {
            let body = body(|body| body["buffering"] = json!({name: value}));
            assert_eq!(Subscription::read(Api::Telemetry, &body).is_ok(), good, "{name} {value}");
        }
    }
}

#[test]
fn what_the_service_refuses_is_refused() {
    for (path, value) in [
        ("types", json!([])),
        ("types", json!(["platform.start"])),
        ("types", json!("platform")),
        ("schemaVersion", json!("2020-08-15")),
        ("schemaVersion", Value::Null),
        ("destination", json!({"protocol": "HTTP", "URI": "http://example.com:80"})),
        ("destination", json!({"protocol": "HTTP", "URI": "https://sandbox.localdomain:80"})),
        ("destination", json!({"protocol": "HTTP", "URI": "http://sandbox.localdomain:80/a b"})),
        ("destination", json!({"protocol": "TCP", "port": 70_000})),
        ("destination", json!({"protocol": "UDP", "port": 70})),
        ("destination", json!({"protocol": "TCP", "port": 70.0})),
        ("destination", json!({"protocol": "HTTP", "URI": "http://sandbox.localdomain:+80"})),
        ("destination", json!({"protocol": "HTTP", "URI": "http://sandbox.localdomain:80", "method": 1})),
        ("buffering", json!("none")),
        ("buffering", json!([])),
        ("buffering", json!({"maxItems": 1000.0})),
        ("buffering", json!({"timeoutMs": "25"})),
    ] {
        let body = body(|body| body[path] = value.clone());
        assert!(Subscription::read(Api::Telemetry, &body).is_err(), "{path} {value}");
    }
    let logs = body(|body| drop(body.as_object_mut().unwrap().remove("schemaVersion")));
    let read = Subscription::read(Api::Logs, &logs).unwrap();
    assert_eq!(read.schema, SchemaVersion::V20200815);
}

#[test]
fn a_refusal_names_every_field_that_is_wrong_and_no_other() {
    let no_port = json!({"protocol": "HTTP", "URI": "http://sandbox.localdomain/path"});
    for (body, message) in [
        (body(|body| body["destination"] = no_port.clone()), "destination.URI has no port"),
        (
            body(|body| (body["destination"], body["types"]) = (no_port, json!([]))),
            "types must name at least one; destination.URI has no port",
        ),
        (body(|body| body["destination"] = json!("here")), "destination is missing or no object"),
        (body(|body| body["buffering"] = json!(5)), "buffering must be an object"),
        (
            body(|body| body["destination"] = json!({"protocol": "HTTP"})),
            "destination.URI is missing or no string",
        ),
        (b"[]".to_vec(), "the body must be an object"),
    ] {
        assert_eq!(Subscription::read(Api::Telemetry, &body).unwrap_err().to_string(), message);
    }
}

proptest! {
    #[test]
    fn no_body_makes_the_reader_panic(uri in "(http://sandbox(.localdomain)?)?:?\\PC{0,30}", text in "\\PC{0,40}") {
        drop(Subscription::read(Api::Logs, text.as_bytes()));
        let body = body(|body| body["destination"]["URI"] = json!(uri));
        if let Ok(read) = Subscription::read(Api::Telemetry, &body) {
            let rooted = matches!(read.destination, Destination::Http { path, .. } if path.starts_with('/'));
            prop_assert!(rooted);
        }
    }
}

#[test]
fn a_refusal_names_the_api_and_puts_the_type_first() {
    // Recorded: {"errorType":"Telemetry.ValidationError","errorMessage":"Unrecognized enum variant"}
    assert_eq!(
        invalid_body(Api::Telemetry, "m"),
        r#"{"errorType":"Telemetry.ValidationError","errorMessage":"m"}"#
    );
    assert_eq!(invalid_body(Api::Logs, "m"), r#"{"errorType":"Logs.ValidationError","errorMessage":"m"}"#);
}
