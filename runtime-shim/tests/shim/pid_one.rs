//! The shim as PID 1 of a PID namespace of its own, as in a pod. Needs `unshare` and user namespaces.

use protocol::link::environment::FunctionErrorCause::TimedOut;
use serde_json::json;

use crate::harness::{Shim, assignment, wait_for};
use crate::link::invoke;

#[tokio::test]
async fn nothing_outlives_a_reset_and_nothing_is_left_as_a_zombie() {
    let shim = Shim::start_as_pid_one(&[]).await;
    let mut gateway = shim.ready(assignment()).await;
    for number in 0..5 {
        let file = shim.path(&format!("orphan-{number}"));
        gateway.run(&json!({"do": "orphan", "file": file})).await.succeeded();
    }
    let child = shim.path("child");
    let event = json!({"do": "hang", "child": child, "busy": true}).to_string();
    gateway.run_with(invoke(1_000), &event).await.failed_with(TimedOut, "Sandbox.Timedout");
    gateway.until_free().await;
    let processes = gateway.run(&json!({"do": "processes"})).await.json();
    let names: Vec<_> = processes.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(names.len(), 2, "the shim and the runtime: {names:?}");
    assert!(names.iter().all(|name| !name.ends_with('Z')), "{names:?}");
}

#[tokio::test]
async fn everything_is_stopped_between_invocations() {
    let shim = Shim::start_as_pid_one(&[("KUBELAMBDA_IDLE_GRACE_MILLIS", "10")]).await;
    let mut gateway = shim.ready(assignment()).await;
    let first = gateway.run(&json!({"do": "pid"})).await.json();
    let stopped = || all_states(&shim).contains('T').then_some(());
    wait_for("the freeze", stopped).await;
    assert_eq!(gateway.run(&json!({"do": "pid"})).await.json(), first);
}

#[tokio::test]
async fn sigterm_to_pid_one_ends_it_with_success() {
    let mut shim = Shim::start_as_pid_one(&[]).await;
    let mut gateway = shim.ready(assignment()).await;
    gateway.run(&json!({})).await.succeeded();
    let pid = *children_of(shim.process.id()).first().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(shim.exited().await.code(), Some(0));
}

/// The states of the processes below `unshare`, one letter each.
fn all_states(shim: &Shim) -> String {
    let mut found = children_of(shim.process.id());
    found.extend(found.clone().into_iter().flat_map(children_of));
    found.into_iter().filter_map(|pid| stat(pid)?.0.chars().next()).collect()
}

fn children_of(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|(_, found)| found == parent)).collect()
}

/// State and parent of a process.
fn stat(pid: u32) -> Option<(String, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut words = stat.rsplit_once(')')?.1.split_whitespace();
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
}
