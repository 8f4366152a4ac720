//! What broke systems like this one, each tried here.

use protocol::link::environment::FunctionErrorCause::{Crashed, TimedOut};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::endurance::is_soak;
use crate::harness::{Shim, assignment, wait_for};
use crate::link::invoke;
use crate::torture::watched::Watched;

/// Orphans of one invocation, and how often in a sample and in the whole.
const ORPHANS: usize = 500;
const ROUNDS: [usize; 2] = [1, 20];
/// More than the Runtime API takes at once.
const CONNECTIONS: usize = 200;
/// By how much memory may grow for a request that is refused, in KiB: the bound of a head, and room to read it.
const GROWTH_KIB_MAX: u64 = 3 * 1_024;

#[tokio::test]
async fn thousands_of_orphans_leave_no_zombie() {
    let event = json!({"do": "orphans", "count": ORPHANS}).to_string();
    for shim in [Shim::start().await, Shim::start_as_pid_one(&[]).await] {
        let mut gateway = shim.ready(assignment()).await;
        for _ in 0..ROUNDS[usize::from(is_soak())] {
            gateway.run_with(invoke(20_000), &event).await.succeeded();
        }
        let shim_process = Watched::shim(shim.process.id());
        wait_for("the end of the last zombie", || shim_process.zombies().is_empty().then_some(())).await;
        gateway.run(&json!({})).await.succeeded();
    }
}

#[tokio::test]
async fn a_function_that_closes_its_outputs_is_served_on() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    for _ in 0..3 {
        gateway.run(&json!({"do": "close outputs"})).await.succeeded();
        // The outputs are closed already: closing them again ends the runtime, which then starts anew.
        let outcome = gateway.run(&json!({"do": "exit", "status": 1})).await;
        outcome.failed_with(Crashed, "Runtime.ExitError");
    }
    gateway.run(&json!({})).await.succeeded();
}

#[tokio::test]
async fn a_function_that_takes_every_connection_harms_only_itself() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let event = json!({"do": "hold connections", "count": CONNECTIONS}).to_string();
    let outcome = gateway.run_with(invoke(500), &event).await;
    outcome.failed_with(TimedOut, "Sandbox.Timedout");
    gateway.run(&json!({})).await.succeeded();
}

/// Sends bytes to the Runtime API; what it answers until it closes.
async fn answer_to(shim: &Shim, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(&shim.runtime_api).await.unwrap();
    // It may close before it has read everything.
    drop(stream.write_all(request).await);
    drop(stream.shutdown().await);
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_request_with_a_hundred_thousand_headers_is_refused_within_bounds() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    gateway.run(&json!({})).await.succeeded();
    let before = shim.resident_kib();
    let headers = "x-y: z\r\n".repeat(100_000);
    for _ in 0..3 {
        let request = format!("GET /2018-06-01/ping HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        let answer = answer_to(&shim, request.as_bytes()).await;
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    gateway.run(&json!({})).await.succeeded();
    wait_for("its memory", || (shim.resident_kib() < before + GROWTH_KIB_MAX).then_some(())).await;
}

#[tokio::test]
async fn a_body_whose_length_is_told_in_two_ways_is_no_answer() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let file = shim.path("go");
    let asked = invoke(20_000);
    let event = json!({"do": "wait for", "file": file}).to_string();
    let path = format!("/2018-06-01/runtime/invocation/{}/response", asked.request_id);
    let disturb = async {
        wait_for("the invocation", || shim.log().contains("START RequestId").then_some(())).await;
        // RUSTSEC-2021-0020, -0078 and -0079: several encodings, a lenient length, a chunk that overflows.
        for head in [
            "Content-Length: 2\r\nContent-Length: 3",
            "Content-Length: +2",
            "Content-Length: 2, 3",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip",
        ] {
            let request = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n{{}}");
            let answer = answer_to(&shim, request.as_bytes()).await;
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{head}: {answer}");
        }
        std::fs::write(&file, "").unwrap();
    };
    let (outcome, ()) = tokio::join!(gateway.run_with(asked, &event), disturb);
    assert_eq!(outcome.succeeded().json()["file"], file.as_str());
}
