use protocol::telemetry::{Api, Subscription};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

fn subscription(port: u16, http: bool, buffering: &Value) -> Subscription {
    let destination = if http {
        json!({"protocol": "HTTP", "URI": format!("http://sandbox.localdomain:{port}/here?a=b")})
    } else {
        json!({"protocol": "TCP", "port": port})
    };
    let body = json!({
        "schemaVersion": "2022-12-13", "types": ["function"], "buffering": buffering, "destination": destination,
    });
    Subscription::read(Api::Telemetry, body.to_string().as_bytes()).unwrap()
}

/// A task with one event for a receiver at a port where nobody is yet.
async fn waiting(http: bool) -> (mpsc::Sender<Item>, Arc<Shared>, u16) {
    waiting_with(http, Patience::default()).await
}

/// The same with this much patience.
async fn waiting_with(http: bool, patience: Patience) -> (mpsc::Sender<Item>, Arc<Shared>, u16) {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let (items, queue) = mpsc::channel(10);
    let subscription = subscription(port, http, &json!({"timeoutMs": 25}));
    let shared = Arc::new(Shared::new(&subscription));
    drop(tokio::spawn(run(Batches::of(&subscription), queue, shared.clone(), patience)));
    shared.hold(3);
    items.send(Item::Event(Bytes::from_static(b"{ }"))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(shared.waiting().1, 3, "kept until somebody takes it");
    (items, shared, port)
}

#[tokio::test]
async fn a_tcp_receiver_that_comes_late_gets_what_waited() {
    let (_items, shared, port) = waiting(false).await;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    shared.wake.notify_one();
    assert_eq!(accepted(&listener).await.1, "{ }\n");
}

/// Adds an event of three bytes.
async fn add(items: &mpsc::Sender<Item>, shared: &Shared, event: &'static str) {
    shared.hold(event.len());
    items.send(Item::Event(Bytes::from_static(event.as_bytes()))).await.unwrap();
}

/// The next connection, and its first line.
async fn accepted(listener: &TcpListener) -> (BufReader<TcpStream>, String) {
    let accepted = async {
        let mut stream = BufReader::new(listener.accept().await.unwrap().0);
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        (stream, line)
    };
    tokio::time::timeout(Duration::from_secs(10), accepted).await.expect("nothing comes")
}

#[tokio::test]
async fn what_comes_after_a_tcp_receiver_is_gone_waits_for_the_next() {
    for last_words in ["", "good bye"] {
        let (items, shared, port) = waiting(false).await;
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let (mut first, line) = accepted(&listener).await;
        assert_eq!(line, "{ }\n");
        first.get_mut().write_all(last_words.as_bytes()).await.unwrap();
        drop((first, listener));
        add(&items, &shared, "{1}").await;
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        assert_eq!(accepted(&listener).await.1, "{1}\n");
    }
}

#[tokio::test]
async fn a_connection_of_a_life_that_has_ended_is_not_written_to() {
    let (items, shared, port) = waiting(false).await;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let (_open, _) = accepted(&listener).await;
    shared.hang_up();
    add(&items, &shared, "{1}").await;
    assert_eq!(accepted(&listener).await.1, "{1}\n");
}

/// The next connection, and the request that comes over it.
async fn requested(listener: &TcpListener) -> (TcpStream, String) {
    let requested = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"]") {
            assert!(stream.read_buf(&mut request).await.unwrap() > 0, "{request:?}");
        }
        (stream, String::from_utf8(request).unwrap())
    };
    tokio::time::timeout(Duration::from_secs(10), requested).await.expect("nothing comes")
}

const REFUSAL: &[u8] = b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno";
const CONSENT: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_batch_that_is_sent_again_has_the_same_name_and_the_next_another() {
    let (items, shared, port) = waiting(true).await;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    shared.wake.notify_one();
    let mut names = Vec::new();
    // The first connection breaks off without an answer.
    for answer in [&b""[..], REFUSAL, CONSENT, CONSENT] {
        let (mut stream, text) = requested(&listener).await;
        assert!(text.starts_with("POST /here?a=b HTTP/1.1\r\n") && text.ends_with("\r\n\r\n[{ }]"), "{text}");
        let name = text.lines().find_map(|line| line.strip_prefix("sequence-id: ")).unwrap();
        names.push(name.to_owned());
        stream.write_all(answer).await.unwrap();
        if names.len() == 3 {
            add(&items, &shared, "{ }").await;
        }
    }
    assert_eq!((&names[0], &names[0]), (&names[1], &names[2]));
    assert_ne!(names[2], names[3]);
    assert!(names.iter().all(|name| name.len() == 43), "{names:?}");
}

#[tokio::test]
async fn a_batch_that_a_receiver_does_not_take_is_lost_and_counted_and_the_next_comes() {
    // Refused, not answered at all, and broken off.
    for (answer, stays) in [(REFUSAL, false), (b"", true), (b"", false)] {
        let patience = Patience { answer: Duration::from_millis(500), attempts: 3 };
        let (items, shared, port) = waiting_with(true, patience).await;
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        shared.wake.notify_one();
        let mut open = Vec::new();
        for _ in 0..3 {
            let (mut stream, text) = requested(&listener).await;
            assert!(text.ends_with("[{ }]"), "{text}");
            stream.write_all(answer).await.unwrap();
            open.extend(stays.then_some(stream));
        }
        add(&items, &shared, "{1}").await;
        let (mut stream, text) = requested(&listener).await;
        assert!(text.ends_with("[{1}]"), "{text}");
        stream.write_all(CONSENT).await.unwrap();
        assert_eq!(shared.take_lost(), (1, 3));
        let taken = async {
            while shared.waiting().1 > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), taken).await.unwrap();
    }
}

#[tokio::test]
async fn a_receiver_is_not_blamed_for_the_time_in_which_it_is_stopped() {
    let patience = Patience { answer: Duration::from_millis(100), attempts: 1 };
    let (_items, shared, port) = waiting_with(true, patience).await;
    shared.set_asleep(true);
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    shared.wake.notify_one();
    let (mut stream, _) = requested(&listener).await;
    tokio::time::sleep(5 * patience.answer).await;
    assert_eq!((shared.take_lost(), shared.waiting().1), ((0, 0), 3));
    stream.write_all(CONSENT).await.unwrap();
    while shared.waiting().1 > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(shared.take_lost(), (0, 0));
}

#[tokio::test]
async fn a_receiver_is_not_blamed_for_breaking_off_when_its_life_ends() {
    let patience = Patience { answer: Duration::from_secs(10), attempts: 1 };
    let (_items, shared, port) = waiting_with(true, patience).await;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    shared.wake.notify_one();
    let (stream, _) = requested(&listener).await;
    shared.hang_up();
    drop(stream);
    let (_stream, text) = requested(&listener).await;
    assert!(text.ends_with("[{ }]") && shared.take_lost() == (0, 0), "{text}");
}

#[tokio::test]
async fn a_subscription_that_ends_leaves_no_task_that_tries_on() {
    let (items, shared, _) = waiting(true).await;
    drop(items);
    shared.wake.notify_one();
    let ended = async {
        while Arc::strong_count(&shared) > 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
}
