//! The end of an environment: what runs finishes, what comes is refused, and nothing is left.

use std::time::Instant;

use bytes::Bytes;
use protocol::link::environment::{Phase, Refusal, ToEnvironment};
use serde_json::json;

use crate::harness::{Shim, assignment, assignment_with, wait_for};
use crate::link::invoke;

#[tokio::test]
async fn sigterm_lets_an_invocation_finish_and_refuses_the_next() {
    let mut shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let mut other = shim.gateway().await;
    let file = shim.path("go");
    let running = invoke(20_000);
    let event = json!({"do": "wait for", "file": file}).to_string();
    gateway.send(ToEnvironment::Invoke(Box::new(running.clone())), event.into()).await;
    other.until_phase(Phase::Busy).await;
    shim.signal(rustix::process::Signal::TERM);
    other.until_phase(Phase::Draining).await;
    assert_eq!(other.refused(invoke(1_000)).await, Refusal::Draining);
    std::fs::write(&file, "").unwrap();
    gateway.outcome(&running, Instant::now()).await.unwrap().succeeded();
    assert_eq!(shim.exited().await.code(), Some(0));
}

#[tokio::test]
async fn sigterm_ends_an_idle_environment_and_its_processes_without_waiting_for_them() {
    let mut shim = Shim::start().await;
    // Asked or stopped, this runtime would never end by itself.
    let deaf = "for one in signal.SIGTERM, signal.SIGINT, signal.SIGHUP: signal.signal(one, signal.SIG_IGN)";
    let mut gateway = shim.ready(assignment_with("RAW_CODE", deaf)).await;
    let pid = gateway.run(&json!({"do": "pid"})).await.json();
    shim.signal(rustix::process::Signal::TERM);
    assert_eq!(shim.exited().await.code(), Some(0));
    let gone = || (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(());
    wait_for("the runtime's end", gone).await;
}

#[tokio::test]
async fn what_a_gateway_sent_before_it_knew_is_refused_and_not_lost() {
    let mut shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let sent = invoke(1_000);
    shim.signal(rustix::process::Signal::TERM);
    gateway.until_phase(Phase::Drained).await;
    gateway.send(ToEnvironment::Invoke(Box::new(sent.clone())), Bytes::from_static(b"{}")).await;
    assert_eq!(gateway.outcome(&sent, Instant::now()).await.unwrap_err(), Refusal::Draining);
    assert_eq!(shim.exited().await.code(), Some(0));
}

#[tokio::test]
async fn a_drained_environment_stays_until_it_is_deleted() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let mut operator = shim.operator().await;
    operator.send(ToEnvironment::Drain, Bytes::new()).await;
    operator.until_phase(Phase::Drained).await;
    assert_eq!(gateway.refused(invoke(1_000)).await, Refusal::Draining);
    shim.gateway().await.until_phase(Phase::Drained).await;
}
