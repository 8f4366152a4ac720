//! Many invocations of one environment, with this test as the runtime as well, so that only the shim is measured.

use std::time::Instant;

use protocol::link::assignment::Idle;
use protocol::link::environment::ToEnvironment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Shim, assignment, wait_for};
use crate::link::invoke;

/// Invocations of a sample and of the whole.
const INVOCATIONS: [usize; 2] = [2_000, 10_000];
/// Resident memory is compared between the first and the last of this many.
const PART: usize = 1_000;
/// By how much the shim may grow from the first part to the last, in percent.
const GROWTH_PERCENT_MAX: u64 = 1;

/// The long runs were asked for, of which others are a sample.
pub fn is_soak() -> bool {
    std::env::var_os("KUBELAMBDA_SOAK").is_some()
}

/// Resident memory, in KiB, has grown by at most [`GROWTH_PERCENT_MAX`] from the first `part` measurements to the
/// last, beyond `slack_kib`.
///
/// The lower quartile of each part counts: the allocator holds more for a while when something small and new
/// lies behind something large and old, but what leaks is never given back.
pub fn assert_flat(resident: &[u64], part: usize, slack_kib: u64) {
    let quartile = |part: &[u64]| {
        let mut sorted = part.to_vec();
        sorted.sort_unstable();
        sorted[sorted.len() / 4]
    };
    let held: Vec<_> = resident.chunks_exact(part).map(quartile).collect();
    let (first, last) = (held[0], held[held.len() - 1]);
    let highest = resident.iter().max().unwrap();
    eprintln!("figures: resident, lower quartile of each {part} in KiB: {held:?}; highest {highest}");
    let most = first * (100 + GROWTH_PERCENT_MAX) / 100 + slack_kib;
    assert!(last <= most, "grew from {first} to {last} KiB");
}

#[tokio::test]
async fn many_invocations_leave_no_trace() {
    let invocations = INVOCATIONS[usize::from(is_soak())];
    let shim = Shim::start().await;
    let [idle, own, file] = ["VmRSS:", "RssAnon:", "RssFile:"].map(|field| shim.memory_kib(field));
    let mut given = assignment();
    let started = shim.path("started");
    given.command = ["sh", "-c", &format!("touch {started}; exec sleep 1000")].map(str::to_owned).into();
    given.idle = Idle::Run;
    let mut operator = shim.operator().await;
    operator.assign(given, bytes::Bytes::new()).await;
    wait_for("the runtime's start", || std::fs::exists(&started).unwrap().then_some(())).await;
    let mut runtime = Runtime(TcpStream::connect(&shim.runtime_api).await.unwrap());
    runtime.0.set_nodelay(true).unwrap();
    runtime.ask().await;
    operator.until_free().await;
    let mut gateway = shim.gateway().await;
    let (mut times, mut resident) = (Vec::new(), Vec::new());
    let spent_before = shim.processor_time();
    for _ in 0..invocations {
        let invocation = invoke(10_000);
        let sent = Instant::now();
        gateway.send(ToEnvironment::Invoke(Box::new(invocation.clone())), "{}".into()).await;
        runtime.serve().await;
        times.push(gateway.outcome(&invocation, sent).await.unwrap().answered_after);
        // The operator hears of every change; a peer that does not read would be cut.
        operator.until_free().await;
        resident.push(shim.resident_kib());
    }
    let spent =
        shim.processor_time().checked_sub(spent_before).unwrap() / u32::try_from(invocations).unwrap();
    times.sort();
    let (p50, p99) = (times[invocations / 2], times[invocations * 99 / 100]);
    eprintln!(
        "figures: {invocations} invocations, p50 {p50:?}, p99 {p99:?}, {spent:?} of processor time each"
    );
    eprintln!("figures: resident when idle {idle} KiB, of which {own} its own and {file} its file's");
    assert_flat(&resident, PART, 0);
}

/// A runtime client in the fewest bytes.
struct Runtime(TcpStream);

impl Runtime {
    async fn ask(&mut self) {
        self.0
            .write_all(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
    }

    /// Takes one event, answers it, and asks for the next.
    async fn serve(&mut self) {
        let head = self.read_answer().await;
        let name = "lambda-runtime-aws-request-id: ";
        let id = head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{head}"));
        let head = format!("POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: a\r\n");
        self.0.write_all(format!("{head}Content-Length: 2\r\n\r\n{{}}").as_bytes()).await.unwrap();
        assert!(self.read_answer().await.starts_with("HTTP/1.1 202"));
        self.ask().await;
    }

    /// One answer, which comes in one piece.
    async fn read_answer(&mut self) -> String {
        let mut piece = vec![0; 4_096];
        let length = self.0.read(&mut piece).await.unwrap();
        let text = String::from_utf8(piece[..length].to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("head and body were not written in one piece");
        let announced = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        assert_eq!(announced.parse::<usize>().unwrap(), body.len(), "{text}");
        head.to_owned()
    }
}
