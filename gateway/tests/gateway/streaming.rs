//! InvokeWithResponseStream with real shims and a real runtime process behind the gateway.

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateway::catalog::DeclaredFunction;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::client;
use crate::support::gateway::{Running, function, options, revision};
use crate::support::shim::Shim;
use crate::support::stream::{Event, Streamed, invoke};

const MIB: usize = 1024 * 1024;

async fn with_shim_and(options: gateway::Options) -> (Running, Shim) {
    let declared = function("f", 1);
    let running = Running::start(options, vec![declared.clone()]).await;
    let shim = Shim::start("pod", &revision(&declared), &[]).await;
    running.up("pod", shim.link, &revision(&declared)).await;
    assert_eq!(client::invoke(running.api, "f", "1").await.text(), "1");
    (running, shim)
}

async fn with_shim() -> (Running, Shim) {
    with_shim_and(options()).await
}

async fn stream(running: &Running, event: Value) -> Streamed {
    let streamed = invoke(running.api, "f", &[], &event).await;
    assert_eq!(streamed.status, 200);
    streamed
}

async fn until_exists(path: &Path) {
    for _ in 0..2_000 {
        if path.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no {}", path.display());
}

async fn serves_the_next(running: &Running) {
    assert_eq!(client::invoke(running.api, "f", "2").await.text(), "2");
}

async fn until_counted(running: &Running, outcome: &str, count: usize) {
    let labels = format!(r#"function="f",namespace="default",outcome="{outcome}",version="$LATEST""#);
    running.until_metric(&format!("kubelambda_invocations_total{{{labels}}} {count}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_byte_arrives_before_the_function_has_finished() {
    let (running, shim) = with_shim().await;
    let gate = shim.path("gate");
    let event = json!({"stream": ["one", "two"], "gate": gate});
    // As on AWS, the invocation type is not looked at.
    let headers = [("x-amz-log-type", "Tail"), ("x-amz-invocation-type", "DryRun")];
    let mut streamed = invoke(running.api, "f", &headers, &event).await;
    assert_eq!(streamed.status, 200);
    assert_eq!(streamed.header("content-type"), Some("application/vnd.amazon.eventstream"));
    assert_eq!(streamed.header("x-amzn-remapped-content-type"), Some("text/plain"));
    assert_eq!(streamed.header("x-amz-executed-version"), Some("$LATEST"));
    assert_eq!(streamed.next().await, Event::Payload("one".into()));
    std::fs::write(&gate, "").unwrap();
    assert_eq!(streamed.next().await, Event::Payload("two".into()));
    let Event::Complete(complete) = streamed.next().await else { panic!("no end") };
    assert_eq!(complete.as_object().unwrap().keys().collect::<Vec<_>>(), ["LogResult"]);
    let log = String::from_utf8(STANDARD.decode(complete["LogResult"].as_str().unwrap()).unwrap()).unwrap();
    let request_id = streamed.header("x-amzn-requestid").unwrap();
    assert!(log.contains(&format!("REPORT RequestId: {request_id}")), "{log}");
    assert_eq!(streamed.next().await, Event::BrokeOff, "nothing follows the end");
    until_counted(&running, "success", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_whole_answer_may_have_passes() {
    let (running, _shim) = with_shim().await;
    let mut streamed = stream(&running, json!({"stream": vec![MIB; 40]})).await;
    let (length, _, complete) = streamed.rest().await;
    assert_eq!((length, complete), (40 * MIB, json!({})));
    let whole = client::invoke(running.api, "f", json!({"stream": ["one", "two"]}).to_string()).await;
    assert_eq!((whole.text().as_str(), whole.header("x-amz-function-error")), ("onetwo", None));
    let too_large = client::invoke(running.api, "f", json!({"stream": vec![MIB; 7]}).to_string()).await;
    assert!(too_large.text().contains("Function.ResponseSizeTooLarge"), "{}", too_large.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_half_way_end_the_stream_as_recorded_or_documented() {
    let (running, _shim) = with_shim().await;
    let mut failed = stream(&running, json!({"stream": ["half"], "end": "error"})).await;
    assert_eq!(failed.rest().await, (4, "half".into(), json!({})));
    until_counted(&running, "function_error", 1).await;
    let mut broken = stream(&running, json!({"stream": ["half"], "end": "break"})).await;
    let (_, payload, complete) = broken.rest().await;
    assert_eq!((payload, &complete["ErrorCode"]), ("half".into(), &json!("Runtime.TruncatedResponse")));
    assert!(complete["ErrorDetails"].as_str().unwrap().contains("errorMessage"), "{complete}");
    let started = Instant::now();
    let mut late = stream(&running, json!({"stream": ["half"], "gate": "/never"})).await;
    assert_eq!(late.rest().await, (4, "half".into(), json!({})));
    assert!((2_500..6_000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    until_counted(&running, "timeout", 1).await;
    serves_the_next(&running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_does_not_stream_answers_in_one_piece() {
    let (running, _shim) = with_shim().await;
    let mut echoed = stream(&running, json!({"a": 1})).await;
    assert_eq!(echoed.header("x-amzn-remapped-content-type"), Some("application/json"));
    assert_eq!(echoed.rest().await, (7, r#"{"a":1}"#.into(), json!({})));
    let mut failed = stream(&running, json!({"error": "no"})).await;
    let (length, _, complete) = failed.rest().await;
    assert_eq!((length, &complete["ErrorCode"]), (0, &json!("Runtime.Unknown")));
    let details: Value = serde_json::from_str(complete["ErrorDetails"].as_str().unwrap()).unwrap();
    assert_eq!(details, json!({"errorMessage": "no", "errorType": "Oops"}));
    let (length, _, complete) = stream(&running, json!({"exit": 3})).await.rest().await;
    assert_eq!((length, &complete["ErrorCode"]), (0, &json!("Runtime.ExitError")));
    let late = stream(&running, json!({"sleep": 30})).await.rest().await;
    assert_eq!((late.0, late.2), (0, json!({})));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_breaks_a_rule_is_refused_as_for_invoke() {
    let (running, _shim) = with_shim().await;
    let missing = invoke(running.api, "g", &[], &json!({})).await;
    let error = missing.header("x-amzn-errortype");
    assert_eq!((missing.status, error), (404, Some("ResourceNotFoundException")));
    let wrong = invoke(running.api, "f", &[("x-amz-log-type", "tail")], &json!({})).await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_stops_nothing() {
    let (running, shim) = with_shim().await;
    let (gate, mark) = (shim.path("gate"), shim.path("mark"));
    let mut parts = vec![json!("first")];
    parts.extend(vec![json!(MIB); 30]);
    let mut streamed = stream(&running, json!({"stream": parts, "gate": gate, "mark": mark})).await;
    assert_eq!(streamed.next().await, Event::Payload("first".into()));
    streamed.leave();
    std::fs::write(&gate, "").unwrap();
    until_exists(&mark).await;
    until_counted(&running, "success", 2).await;
    serves_the_next(&running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_stops_reading_is_cut_off_and_its_function_runs_on() {
    let answer_stall = Duration::from_millis(500);
    let (running, shim) = with_shim_and(gateway::Options { answer_stall, ..options() }).await;
    let mark = shim.path("mark");
    let mut streamed = stream(&running, json!({"stream": vec![MIB; 60], "mark": mark})).await;
    until_exists(&mark).await;
    until_counted(&running, "success", 2).await;
    serves_the_next(&running).await;
    while let Event::Payload(_) = streamed.next().await {}
    assert_eq!(streamed.next().await, Event::BrokeOff);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_reads_slowly_is_not_one_that_stops_reading() {
    // Longer than a slow machine takes for a step of the window; shorter than a third of a send buffer lasts.
    let answer_stall = Duration::from_secs(5);
    let declared = DeclaredFunction { timeout_seconds: 60, ..function("f", 1) };
    let options = gateway::Options { answer_stall, ..options() };
    let running = Running::start(options, vec![declared.clone()]).await;
    let shim = Shim::start("pod", &revision(&declared), &[]).await;
    running.up("pod", shim.link, &revision(&declared)).await;
    // As little as a distant caller may have read of what the kernels on the way hold.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut stream = socket.connect(running.api).await.unwrap();
    let event = json!({"stream": vec![MIB; 20]}).to_string();
    let path = "/2021-11-15/functions/f/response-streaming-invocations";
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", event.len());
    stream.write_all(format!("{head}{event}").as_bytes()).await.unwrap();
    let (mut length, mut part) = (0, vec![0; 32 * 1024]);
    while length < 20 * MIB {
        let read = timeout(Duration::from_secs(20), stream.read(&mut part)).await.unwrap().unwrap();
        assert!(read > 0, "cut off after {length} bytes");
        length += read;
        if length < 3 * MIB / 2 {
            // 128 KiB in a second at most.
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
    until_counted(&running, "success", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_lost_half_way_is_told_at_the_end() {
    let (running, mut shim) = with_shim().await;
    let mut streamed = stream(&running, json!({"stream": ["half"], "gate": "/never"})).await;
    assert_eq!(streamed.next().await, Event::Payload("half".into()));
    shim.kill();
    let Event::Complete(complete) = streamed.next().await else { panic!("no end") };
    assert_eq!(complete["ErrorCode"], json!("ServiceException"));
    until_counted(&running, "platform_error", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_idle_after_its_answer_and_not_while_a_stream_pauses() {
    let keep_alive = Duration::from_millis(400);
    let (running, shim) = with_shim_and(gateway::Options { keep_alive, ..options() }).await;
    let large = json!("y".repeat(6 * MIB - 2)).to_string();
    for (operation, body) in [
        ("2015-03-31/functions/f/invocations", "1"),
        ("2015-03-31/functions/f/invocations", &large),
        ("2021-11-15/functions/f/response-streaming-invocations", r#"{"stream": ["a", "b"]}"#),
        ("2015-03-31/functions/g/invocations", "1"),
    ] {
        let mut stream = TcpStream::connect(running.api).await.unwrap();
        let head = format!("POST /{operation} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let closed = timeout(Duration::from_secs(10), stream.read_to_end(&mut Vec::new())).await;
        assert!(closed.is_ok(), "an idle connection of {operation} stays open");
    }
    let gate = shim.path("gate");
    let mut streamed = stream(&running, json!({"stream": ["a", "b"], "gate": gate})).await;
    assert_eq!(streamed.next().await, Event::Payload("a".into()));
    tokio::time::sleep(3 * keep_alive).await;
    std::fs::write(&gate, "").unwrap();
    assert_eq!(streamed.rest().await, (1, "b".into(), json!({})));
}
