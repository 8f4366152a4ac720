//! Between invocations everything is stopped.

use protocol::link::assignment::Idle;
use protocol::link::environment::ToEnvironment;
use serde_json::json;

use crate::extensions::{RECORDER, event_types, recorded, records, shim_with};
use crate::harness::{Shim, assignment, wait_for};

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
