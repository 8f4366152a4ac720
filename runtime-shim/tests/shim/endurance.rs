//! Many invocations of one environment, with this test as the runtime as well, so that only the shim is measured.

use std::time::{Duration, Instant};

use protocol::link::assignment::Idle;
use protocol::link::environment::ToEnvironment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Shim, assignment, wait_for};
use crate::link::invoke;

const INVOCATIONS: usize = 2_000;
const WARM_UP: usize = 500;
/// What the shim may grow by from the end of the warm-up, in KiB.
const GROWTH_KIB_MAX: u64 = 128;
/// The promise is far below; this is what a debug build on a shared machine must keep.
const P50_MICROS_MAX: u128 = 3_000;

#[tokio::test]
async fn two_thousand_invocations_leave_no_trace() {
    let shim = Shim::start().await;
    let idle = shim.resident_kib();
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
    let (mut times, mut warm) = (Vec::new(), 0);
    for number in 0..INVOCATIONS {
        if number == WARM_UP {
            warm = shim.resident_kib();
        }
        let invocation = invoke(10_000);
        let sent = Instant::now();
        gateway.send(ToEnvironment::Invoke(Box::new(invocation.clone())), "{}".into()).await;
        runtime.serve().await;
        times.push(gateway.outcome(&invocation, sent).await.unwrap().answered_after);
        // The operator hears of every change; a peer that does not read would be cut.
        operator.until_free().await;
    }
    times.sort();
    let (p50, p99) = (times[INVOCATIONS / 2], times[INVOCATIONS * 99 / 100]);
    let after = shim.resident_kib();
    eprintln!("p50 {p50:?}, p99 {p99:?}; resident: idle {idle} KiB, warm {warm} KiB, in the end {after} KiB");
    assert!(after <= warm + GROWTH_KIB_MAX, "grew from {warm} to {after} KiB");
    assert!(p50 < Duration::from_micros(u64::try_from(P50_MICROS_MAX).unwrap()), "{p50:?}");
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
