//! Requests as bytes: what a well-behaved client library would not send.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::fake::{Conduct, Fake};
use crate::support::gateway::{Running, function, options, revision};

const START: &str = "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: h\r\n";

async fn running() -> (Running, Fake) {
    let declared = function("f", 2);
    let running = Running::start(options(), vec![declared.clone()]).await;
    let fake = Fake::start("pod", &revision(&declared), Conduct::Echo).await;
    running.up("pod", fake.address, &revision(&declared)).await;
    (running, fake)
}

/// Sends `parts` one after the other and reads until the connection ends.
async fn send(running: &Running, parts: &[&str]) -> String {
    let mut stream = TcpStream::connect(running.api).await.unwrap();
    for part in parts {
        stream.write_all(part.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut answer = Vec::new();
    timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn check(parts: &[&str], status: &str, end: &str) -> Fake {
    let (running, fake) = running().await;
    let head = format!("{START}connection: close\r\n");
    let answer = send(&running, &[&[head.as_str()], parts].concat()).await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    assert!(answer.ends_with(end), "{answer}");
    fake
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_may_come_in_chunks_and_late() {
    check(&["transfer-encoding: chunked\r\n\r\n", "1\r\n[\r\n", "1\r\n]\r\n0\r\n\r\n"], "200", "[]").await;
    check(&["content-length: 4\r\n\r\n", "[", "1", "2", "x"], "400", "}").await;
    check(&["content-length: 4\r\n\r\n", "[", "1", " ]"], "200", "[1 ]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let (running, _fake) = running().await;
    let head = format!("{START}connection: close\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
    let answer = send(&running, &[&head, "{}"]).await;
    assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hop_by_hop_headers_take_nothing_away() {
    let (running, fake) = running().await;
    let head = format!(
        "{START}connection: close, x-amz-client-context, x-amz-log-type\r\nx-amz-client-context: e30=\r\nx-amz-log-type: Tail\r\ncontent-length: 2\r\n\r\n"
    );
    let answer = send(&running, &[&head, "{}"]).await;
    assert!(answer.contains("x-amz-log-result: "), "{answer}");
    assert_eq!(fake.seen()[0].client_context.as_deref(), Some("{}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_be_read_in_two_ways_is_refused() {
    for lines in [
        "content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        "content-length: +2\r\n\r\n{}",
        "transfer-encoding: gzip\r\n\r\n{}",
        "x-amz-log-type: Tail\rX-Evil: 1\r\n\r\n",
        "x-amzn-trace-id: a\0b\r\n\r\n",
        " folded: 1\r\n\r\n",
    ] {
        let fake = check(&[lines], "400", "").await;
        assert!(fake.seen().is_empty(), "{lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_block_is_bounded_in_bytes() {
    let long = format!("x-long: {}\r\ncontent-length: 2\r\n\r\n{{}}", "a".repeat(20_000));
    check(&[&long], "200", "{}").await;
    let (running, fake) = running().await;
    let longer = format!("{START}x-long: {}\r\ncontent-length: 2\r\n\r\n{{}}", "a".repeat(40_000));
    let answer = send(&running, &[&longer]).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(fake.seen().is_empty());
}
