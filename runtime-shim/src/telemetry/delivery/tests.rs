use protocol::telemetry::Api;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpListener;

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

fn batches(http: bool, buffering: &Value) -> Batches {
    let subscription = subscription(1, http, buffering);
    Batches { subscription, events: VecDeque::new(), bytes: 0, due: None }
}

fn event(length: usize) -> Item {
    Item::Event(Bytes::from(vec![b'1'; length]))
}

#[tokio::test]
async fn a_batch_is_due_when_it_is_full_or_its_time_is_over_or_it_is_asked_for() {
    let mut batches = batches(true, &json!({"maxItems": 1_000, "timeoutMs": 30_000}));
    for _ in 0..999 {
        batches.take(event(1));
    }
    assert!(!batches.is_due());
    batches.take(event(1));
    assert!(batches.is_due());
    assert_eq!(batches.delivered(1_000), 1_000);
    assert!(!batches.is_due() && batches.due.is_none());

    // Bytes, too; and a batch that nothing is in is never due.
    batches.take(Item::Flush);
    assert!(!batches.is_due());
    batches.take(event(262_143));
    assert!(!batches.is_due());
    batches.take(event(1));
    assert!(batches.is_due());
    batches.delivered(2);

    batches.take(event(1));
    assert!(!batches.is_due());
    batches.take(Item::Flush);
    assert!(batches.is_due());
}

#[tokio::test]
async fn a_batch_keeps_to_its_items_and_its_bytes() {
    let mut http = batches(true, &json!({"maxItems": 1_000}));
    let mut tcp = batches(false, &json!({"maxItems": 1_000}));
    for _ in 0..1_500 {
        http.take(event(2));
        tcp.take(event(2));
    }
    let (batch, count) = http.next();
    assert_eq!(serde_json::from_slice::<Vec<u8>>(&batch).unwrap(), vec![11; 1_000]);
    assert_eq!(count, 1_000);
    let (batch, count) = tcp.next();
    assert_eq!((batch.len(), count, &batch[..6]), (3_000, 1_000, &b"11\n11\n"[..]));
    tcp.delivered(count);
    assert_eq!(tcp.next().1, 500);

    let mut large = batches(true, &json!({"maxBytes": 262_144}));
    for _ in 0..5 {
        large.take(event(100_000));
    }
    let (batch, count) = large.next();
    assert!(count == 2 && batch.len() <= 262_144, "{count}");
    // One event over the bound goes alone rather than never.
    large.delivered(5);
    large.take(event(300_000));
    assert_eq!(large.next().1, 1);
}

/// A task with one event for a receiver at a port where nobody is yet.
async fn waiting(http: bool) -> (mpsc::Sender<Item>, Arc<Shared>, u16) {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let (items, queue) = mpsc::channel(10);
    let shared = Arc::<Shared>::default();
    drop(tokio::spawn(run(subscription(port, http, &json!({"timeoutMs": 25})), queue, shared.clone())));
    shared.waiting_bytes.fetch_add(3, Ordering::Relaxed);
    items.send(Item::Event(Bytes::from_static(b"{ }"))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(shared.waiting_bytes.load(Ordering::Relaxed), 3, "kept until somebody takes it");
    (items, shared, port)
}

#[tokio::test]
async fn a_tcp_receiver_that_comes_late_gets_what_waited() {
    let (_items, shared, port) = waiting(false).await;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    shared.wake.notify_one();
    let (stream, _) = listener.accept().await.unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await.unwrap();
    assert_eq!(line, "{ }\n");
}

#[tokio::test]
async fn a_batch_that_is_sent_again_has_the_same_name_and_the_next_another() {
    let (items, shared, port) = waiting(true).await;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    shared.wake.notify_one();
    let mut names = Vec::new();
    for answer in [
        None,
        Some("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno"),
        Some("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4_096];
        let length = stream.read(&mut request).await.unwrap();
        let text = String::from_utf8(request[..length].to_vec()).unwrap();
        assert!(text.starts_with("POST /here?a=b HTTP/1.1\r\n") && text.ends_with("\r\n\r\n[{ }]"), "{text}");
        let name = text.lines().find_map(|line| line.strip_prefix("sequence-id: ")).unwrap();
        names.push(name.to_owned());
        // The first connection breaks off without an answer; what is answered is taken, whatever the answer.
        let Some(answer) = answer else { continue };
        tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await.unwrap();
        drop(stream);
        if names.len() == 2 {
            items.send(Item::Event(Bytes::from_static(b"{ }"))).await.unwrap();
        }
    }
    assert_eq!(names[0], names[1]);
    assert_ne!(names[1], names[2]);
    assert!(names.iter().all(|name| name.len() == 43), "{names:?}");
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
