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
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let (items, queue) = mpsc::channel(10);
    let subscription = subscription(port, http, &json!({"timeoutMs": 25}));
    let shared = Arc::new(Shared::new(subscription.destination.clone()));
    drop(tokio::spawn(run(Batches::of(&subscription), queue, shared.clone())));
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
    assert_eq!(accepted(&listener).await.1, "{ }\n");
}

/// Adds an event of three bytes.
async fn add(items: &mpsc::Sender<Item>, shared: &Shared, event: &'static str) {
    shared.waiting_bytes.fetch_add(event.len(), Ordering::Relaxed);
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
        stream.write_all(answer.as_bytes()).await.unwrap();
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
