use serde_json::{Value, json};

use super::history::HISTORY_BYTES_MAX;
use super::subscriber::BACKLOG_BYTES_MAX;
use super::*;

fn subscription(api: Api, types: &Value, port: u16) -> Subscription {
    let schema = if api == Api::Telemetry { "2022-07-01" } else { "2020-08-15" };
    let destination = json!({"protocol": "TCP", "port": port});
    let body = json!({"schemaVersion": schema, "types": types, "destination": destination});
    Subscription::read(api, body.to_string().as_bytes()).unwrap()
}

fn function(port: u16) -> Subscription {
    subscription(Api::Telemetry, &json!(["function"]), port)
}

fn waiting(telemetry: &Telemetry) -> usize {
    telemetry.subscribers[0].waiting_bytes()
}

#[tokio::test]
async fn without_a_subscriber_nothing_is_kept_after_the_init_phase() {
    let mut telemetry = Telemetry::default();
    telemetry.line(Stream::Function, b"before\n");
    assert!(telemetry.history.is_none());
    telemetry.open(false);
    telemetry.line(Stream::Function, b"kept\n");
    assert_eq!(telemetry.history.as_ref().unwrap().events.len(), 1);
    assert!(telemetry.subscribe("a", function(1)));
    assert!(waiting(&telemetry) > 0);
    telemetry.close();
    assert!(telemetry.history.is_none());
}

#[tokio::test]
async fn a_subscriber_gets_what_it_asked_for_and_its_schema_has() {
    let request = "11111111-2222-4333-8444-555555555555".parse().unwrap();
    for (api, count) in [(Api::Telemetry, 0), (Api::Logs, 1)] {
        let mut telemetry = Telemetry::default();
        telemetry.subscribe("a", subscription(api, &json!(["platform"]), 1));
        telemetry.line(Stream::Function, b"x\n");
        assert_eq!(waiting(&telemetry), 0);
        telemetry.platform(Platform::End(request), "t".to_owned());
        assert_eq!(usize::from(waiting(&telemetry) > 0), count);
    }
}

#[tokio::test]
async fn a_subscription_is_added_to_and_only_what_is_new_counts_as_new() {
    let mut telemetry = Telemetry::default();
    assert!(telemetry.subscribe("a", function(1)));
    assert!(!telemetry.subscribe("a", function(1)));
    assert!(telemetry.subscribe("a", subscription(Api::Telemetry, &json!(["platform"]), 1)));
    assert_eq!(telemetry.subscribers[0].subscription.types.names(), ["platform", "function"]);
    // Another destination is a further one.
    assert!(telemetry.subscribe("a", function(2)));
    telemetry.line(Stream::Function, b"x\n");
    assert!(telemetry.subscribers.iter().all(|subscriber| subscriber.waiting_bytes() > 0));
    for port in 3..100 {
        assert!(telemetry.subscribe("a", function(port)));
    }
    assert_eq!(telemetry.subscribers.len(), SUBSCRIPTIONS_MAX);
}

#[tokio::test]
async fn what_finds_no_room_is_counted() {
    let mut telemetry = Telemetry::default();
    telemetry.subscribe("a", function(1));
    let line = vec![b'x'; 100_000];
    for _ in 0..30 {
        telemetry.line(Stream::Function, &line);
    }
    assert!(waiting(&telemetry) <= BACKLOG_BYTES_MAX);
    let (records, bytes) = telemetry.subscribers[0].dropped;
    assert!((5..15).contains(&records) && bytes > records * 100_000, "{records}");
    assert!(telemetry.take_losses().is_empty(), "nothing was told, for want of room");
}

#[tokio::test]
async fn what_the_init_phase_had_no_room_for_is_told_to_who_subscribes() {
    let mut telemetry = Telemetry::default();
    telemetry.open(false);
    let line = vec![b'x'; HISTORY_BYTES_MAX / 4];
    for _ in 0..10 {
        telemetry.line(Stream::Function, &line);
        telemetry.line(Stream::Extension, b"a line\n");
    }
    let history = telemetry.history.as_ref().unwrap();
    let types = function(1).types;
    let (records, bytes) = history.lost(types);
    assert_eq!(records, 7);
    assert!(bytes > 7 * line.len() as u64);
    telemetry.subscribe("a", function(1));
    telemetry.line(Stream::Function, b"next\n");
    assert_eq!(telemetry.take_losses(), [Platform::LogsDropped { records, bytes }]);
    assert!(telemetry.take_losses().is_empty());
}
