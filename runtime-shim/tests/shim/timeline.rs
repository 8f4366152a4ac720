//! When the parts of an invocation were, as its report tells it.

use std::time::Duration;

use protocol::link::environment::{Interval, Phase, Timeline};
use serde_json::json;

use crate::harness::{Shim, assignment, assignment_with};
use crate::link::{Outcome, invoke};

fn now_us() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_micros().try_into().unwrap()
}

fn millis(interval: Interval) -> f64 {
    Duration::from_micros(interval.end_us - interval.start_us).as_secs_f64() * 1_000.0
}

/// The timeline, whose points are in order and none of which is still to come.
fn timeline(outcome: &Outcome) -> Timeline {
    let timeline = outcome.report.timeline.unwrap();
    let (invocation, ended) = (timeline.invocation, timeline.ended_us);
    let init = timeline.init.map_or([0, 0], |init| [init.interval.start_us, init.interval.end_us]);
    let points = [init[0], init[1], invocation.start_us, invocation.end_us, ended, now_us()];
    assert!(points.is_sorted(), "{timeline:?}");
    timeline
}

#[tokio::test]
async fn the_first_invocation_tells_of_its_init_phase_and_no_other_does() {
    let begun = now_us();
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let outcome = gateway.run(&json!({"echo": 1})).await;
    let (first, report) = (timeline(&outcome), &outcome.report);
    let init = first.init.unwrap();
    assert!(!init.failed && init.interval.start_us >= begun);
    let off = millis(init.interval) - report.init_duration_ms.unwrap();
    assert!(off.abs() < 1.0, "{report:?}");
    assert!(millis(first.invocation) <= report.duration_ms + 1.0, "{report:?}");
    let second = timeline(&gateway.run(&json!({"echo": 1})).await);
    assert_eq!(second.init, None);
    assert!(second.invocation.start_us >= first.ended_us);
}

#[tokio::test]
async fn a_time_out_ends_the_invocation_and_the_next_tells_of_another_init_phase() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let timed_out = gateway.run_with(invoke(300), r#"{"do": "hang"}"#).await;
    let first = timeline(&timed_out);
    assert!((250.0..5_000.0).contains(&millis(first.invocation)), "{first:?}");
    gateway.until_phase(Phase::Free).await;
    let again = timeline(&gateway.run(&json!({"echo": 1})).await);
    assert!(
        again.init.is_some_and(|init| !init.failed && init.interval.start_us >= first.ended_us),
        "{first:?} {again:?}"
    );
}

#[tokio::test]
async fn an_init_phase_that_failed_is_told_as_one() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment_with("RAW_INIT", "exit3")).await;
    let failed = timeline(&gateway.run(&json!({})).await);
    assert!(failed.init.is_some_and(|init| init.failed), "{failed:?}");
    assert!(millis(failed.invocation) < 1_000.0, "{failed:?}");
}
