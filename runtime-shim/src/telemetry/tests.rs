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
    telemetry.line(Stream::Function, b"before\n", None);
    assert!(telemetry.history.is_none());
    telemetry.open(false);
    telemetry.line(Stream::Function, b"kept\n", None);
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
        telemetry.line(Stream::Function, b"x\n", None);
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
    telemetry.line(Stream::Function, b"x\n", None);
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
        telemetry.line(Stream::Function, &line, None);
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
        telemetry.line(Stream::Function, &line, None);
        telemetry.line(Stream::Extension, b"a line\n", None);
    }
    let history = telemetry.history.as_ref().unwrap();
    let types = function(1).types;
    let (records, bytes) = history.lost(types);
    assert_eq!(records, 7);
    assert!(bytes > 7 * line.len() as u64);
    telemetry.subscribe("a", function(1));
    telemetry.line(Stream::Function, b"next\n", None);
    assert_eq!(telemetry.take_losses(), [Platform::LogsDropped { records, bytes }]);
    assert!(telemetry.take_losses().is_empty());
}

/// One life of the environment: `name` subscribes at `port`, and whatever is written waits, for nobody listens.
fn live(telemetry: &mut Telemetry, name: &str, subscription: Subscription) {
    telemetry.open(false);
    assert!(telemetry.subscribe(name, subscription));
    telemetry.forget_earlier(|known| known == name);
    telemetry.close();
    let line = vec![b'x'; 100_000];
    for _ in 0..25 {
        telemetry.line(Stream::Function, &line, None);
    }
    telemetry.life_ended();
}

#[tokio::test]
async fn however_many_lives_take_another_port_what_waits_is_bounded() {
    let mut telemetry = Telemetry::default();
    for port in 1..12 {
        live(&mut telemetry, "a", function(port));
        let waiting: usize = telemetry.subscribers.iter().map(Subscriber::waiting_bytes).sum();
        assert!(telemetry.subscribers.len() == 1 && waiting <= BACKLOG_BYTES_MAX, "{port} {waiting}");
    }
    // What is subscribed to otherwise, and extensions that have another name each time, leave nothing behind either.
    live(&mut telemetry, "a", subscription(Api::Telemetry, &json!(["function", "platform"]), 1));
    assert_eq!(telemetry.subscribers.len(), 1);
    for life in 0..3 {
        live(&mut telemetry, &format!("b{life}"), function(1));
        assert_eq!(telemetry.subscribers.len(), 1);
    }
}

#[tokio::test]
async fn what_waited_at_the_end_of_a_life_goes_to_the_port_of_the_next() {
    let mut telemetry = Telemetry::default();
    telemetry.subscribe("a", function(1));
    telemetry.line(Stream::Function, b"at the end\n", None);
    telemetry.life_ended();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    assert!(telemetry.subscribe("a", function(listener.local_addr().unwrap().port())));
    told_at(&telemetry, &listener, "at the end").await;
}

/// The first event that comes is this one.
async fn told_at(telemetry: &Telemetry, listener: &tokio::net::TcpListener, expected: &str) {
    telemetry.flush();
    let accepted = tokio::time::timeout(std::time::Duration::from_secs(10), listener.accept()).await;
    let (stream, _) = accepted.expect("nothing comes").unwrap();
    let mut line = String::new();
    let mut reader = tokio::io::BufReader::new(stream);
    tokio::io::AsyncBufReadExt::read_line(&mut reader, &mut line).await.unwrap();
    assert!(line.contains(expected), "{line}");
}

#[tokio::test]
async fn an_extension_that_adds_to_its_subscription_takes_what_waited_along() {
    let platform = |port| subscription(Api::Telemetry, &json!(["platform"]), port);
    let mut telemetry = Telemetry::default();
    let subscribe = |telemetry: &mut Telemetry, port| {
        assert!(telemetry.subscribe("a", platform(port)) && telemetry.subscribe("a", function(port)));
    };
    subscribe(&mut telemetry, 1);
    telemetry.line(Stream::Function, b"at the end\n", None);
    telemetry.life_ended();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    subscribe(&mut telemetry, listener.local_addr().unwrap().port());
    telemetry.forget_earlier(|name| name == "a");
    assert_eq!(telemetry.subscribers[0].subscription.types.names(), ["platform", "function"]);
    told_at(&telemetry, &listener, "at the end").await;
    // Of two the one for the same, whichever comes first.
    telemetry.subscribe("b", platform(2));
    telemetry.subscribe("b", function(3));
    telemetry.life_ended();
    telemetry.subscribe("b", function(4));
    telemetry.subscribe("b", platform(5));
    let ports: Vec<_> = telemetry.subscribers[1..].iter().map(|known| &known.subscription).collect();
    assert_eq!(ports, [&platform(5), &function(4)]);
}

#[tokio::test]
async fn what_an_ended_subscription_held_is_counted() {
    for (renewed, port) in [(true, 1), (true, 2), (false, 0)] {
        let mut telemetry = Telemetry::default();
        telemetry.subscribe("a", function(1));
        telemetry.line(Stream::Function, b"at the end\n", None);
        let bytes = waiting(&telemetry) as u64;
        telemetry.life_ended();
        if renewed {
            telemetry.subscribe("a", subscription(Api::Logs, &json!(["function"]), port));
        }
        telemetry.forget_earlier(|_| renewed);
        // Told with the next event, if there is somebody to tell.
        assert_eq!(telemetry.losses.is_empty(), renewed);
        telemetry.line(Stream::Function, b"next\n", None);
        assert_eq!(telemetry.take_losses(), [Platform::LogsDropped { records: 1, bytes }], "{port}");
    }
}

#[tokio::test]
async fn an_extension_that_does_not_subscribe_anew_keeps_what_it_had() {
    let mut telemetry = Telemetry::default();
    telemetry.subscribe("a", function(1));
    telemetry.life_ended();
    telemetry.forget_earlier(|name| name == "a");
    assert_eq!(telemetry.subscribers.len(), 1);
    // The other API is open to it: which it used counts for one registration only.
    assert_eq!(telemetry.api_of("a"), None);
    assert!(!telemetry.subscribe("a", function(1)));
    assert_eq!(telemetry.api_of("a"), Some(Api::Telemetry));
    telemetry.life_ended();
    assert!(telemetry.subscribe("a", subscription(Api::Logs, &json!(["function"]), 1)));
    assert_eq!((telemetry.subscribers.len(), telemetry.api_of("a")), (1, Some(Api::Logs)));
}
