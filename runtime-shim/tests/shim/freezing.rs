//! Between invocations everything is stopped: that it is, and what code can notice of it. The README lists the latter.

use std::time::{Duration, Instant};

use protocol::link::assignment::Idle;
use protocol::link::environment::ToEnvironment;
use serde_json::json;

use crate::extensions::{RECORDER, event_types, recorded, records, shim_with};
use crate::harness::{Shim, assignment, assignment_with, wait_for};

#[tokio::test]
async fn processes_are_stopped_between_invocations_and_run_again_for_the_next() {
    for (idle, stops) in [(Idle::Freeze, true), (Idle::Run, false)] {
        let shim = Shim::start_with(&[("KUBELAMBDA_IDLE_GRACE_MILLIS", "20")]).await;
        let mut assignment = assignment();
        assignment.idle = idle;
        let mut gateway = shim.ready(assignment).await;
        let pid = gateway.run(&json!({"do": "pid"})).await.json();
        let stopped = || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            stat.rsplit_once(')').unwrap().1.trim_start().starts_with('T').then_some(())
        };
        if stops {
            wait_for("the freeze", stopped).await;
        }
        assert_eq!(gateway.run(&json!({"do": "pid"})).await.json(), pid);
        assert!(stops || stopped().is_none());
    }
}

#[tokio::test]
async fn extensions_are_frozen_with_the_function() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut gateway = shim.ready(recorded(&shim, "")).await;
    gateway.run(&json!({})).await.succeeded();
    let pid = records(&shim)[0]["pid"].clone();
    let stopped = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(')').unwrap().1.trim_start().starts_with('T').then_some(())
    };
    wait_for("the freeze", stopped).await;
    gateway.run(&json!({})).await.succeeded();
    // Draining wakes it, so that it can be told.
    shim.operator().await.send(ToEnvironment::Drain, bytes::Bytes::new()).await;
    wait_for("the last event", || (event_types(&shim).last()? == "SHUTDOWN").then_some(())).await;
}

/// What code does that wants to notice: a thread that ticks, a handler of SIGCONT and of SIGCHLD, a child that
/// ticks, and a socket whose peer has a time-out.
const WATCH: &str = r#"
import socket, threading
monotonic, wall, continued, children = [time.monotonic()], [time.time()], [0], [0]
def tick():
    while True:
        time.sleep(0.005)
        monotonic.append(time.monotonic())
        wall.append(time.time())
signal.signal(signal.SIGCONT, lambda *_: continued.__setitem__(0, continued[0] + 1))
signal.signal(signal.SIGCHLD, lambda *_: children.__setitem__(0, children[0] + 1))
threading.Thread(target=tick, daemon=True).start()
child = subprocess.Popen(["sleep", "1000"])
server = socket.create_server(("127.0.0.1", 0))
def serve():
    while True:
        peer = server.accept()[0]
        peer.send(b"served")
        peer.close()
threading.Thread(target=serve, daemon=True).start()
"#;

/// What was noticed.
const NOTICED: &str = r#"
gaps = lambda times: max(b - a for a, b in zip(times, times[1:]))
time.sleep(0.05)
status = os.waitpid(child.pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)[1]
answer = {
    "monotonic": gaps(monotonic), "wall": gaps(wall), "SIGCONT": continued[0], "SIGCHLD": children[0] > 0,
    "child": "continued" if os.WIFCONTINUED(status) else "stopped" if os.WIFSTOPPED(status) else status,
    "state": open("/proc/self/stat").read().rsplit(")", 1)[1].split()[0],
}
"#;

#[tokio::test]
async fn code_can_notice_that_time_went_on_without_it() {
    use std::io::Read;
    let shim = Shim::start_with(&[("KUBELAMBDA_IDLE_GRACE_MILLIS", "20")]).await;
    let mut gateway = shim.ready(assignment_with("RAW_CODE", WATCH)).await;
    let asked = json!({"run": "answer = [os.getpid(), child.pid, server.getsockname()[1]]"});
    let ids = gateway.run(&asked).await.json();
    let state = |pid: &serde_json::Value| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(')').unwrap().1.trim_start().chars().next().unwrap()
    };
    // From outside: the runtime and what it started are in the state T.
    wait_for("the freeze", || (state(&ids[0]) == 'T' && state(&ids[1]) == 'T').then_some(())).await;
    let frozen = Instant::now();
    // The kernel still accepts for it, and nobody answers.
    let port = u16::try_from(ids[2].as_u64().unwrap()).unwrap();
    let mut peer = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    peer.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut piece = [0; 16];
    let error = peer.read(&mut piece).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    let frozen = frozen.elapsed().as_secs_f64();
    let noticed = gateway.run(&json!({"run": NOTICED})).await.json();
    // Timers fire late, by both clocks: neither stands still.
    for clock in ["monotonic", "wall"] {
        assert!(noticed[clock].as_f64().unwrap() >= frozen - 0.01, "{noticed}, frozen for {frozen}");
    }
    // Signals tell of it, where on AWS nothing does: there the whole machine is stopped.
    let told = (noticed["SIGCONT"].as_u64() >= Some(1), &noticed["SIGCHLD"]);
    assert_eq!(told, (true, &json!(true)), "{noticed}");
    assert_eq!(noticed["child"], "continued");
    // Whoever looks at itself runs.
    assert_eq!(noticed["state"], "R");
    // What came meanwhile is answered now.
    peer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(peer.read(&mut piece).unwrap(), 6);
}

#[tokio::test]
async fn what_runs_on_between_invocations_notices_nothing() {
    let shim = Shim::start_with(&[("KUBELAMBDA_IDLE_GRACE_MILLIS", "20")]).await;
    let mut assignment = assignment_with("RAW_CODE", WATCH);
    assignment.idle = Idle::Run;
    let mut gateway = shim.ready(assignment).await;
    gateway.run(&json!({})).await.succeeded();
    let ticks = json!({"run": "answer = len(monotonic)"});
    let first = gateway.run(&ticks).await.json().as_u64().unwrap();
    // It ticks while no invocation runs.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let second = gateway.run(&ticks).await.json().as_u64().unwrap();
    assert!(second > first + 5, "{first} {second}");
    let noticed = gateway.run(&json!({"run": NOTICED})).await.json();
    assert_eq!((&noticed["SIGCONT"], &noticed["child"]), (&json!(0), &json!(0)), "{noticed}");
}
