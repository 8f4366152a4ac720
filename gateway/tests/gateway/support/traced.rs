//! A function that is traced, and what a test asks of its spans.

use bytes::Bytes;
use domain::TracingMode;
use gateway::Options;
use gateway::catalog::DeclaredFunction;
use protocol::link::environment::{InitInterval, Interval, Timeline};
use serde_json::{Value, json};

use super::collector::{Received, Receiver};
use super::fake::{Conduct, Fake};
use super::gateway::{Running, function, options, revision};

pub const ROOT: &str = "1-581cf771-a006649127e371903a2de979";
pub const TRACE: &str = "581cf771a006649127e371903a2de979";
pub const CALLER: &str = "6b55dcc497934f1a";

pub const TIMELINE: Timeline = Timeline {
    init: Some(InitInterval { interval: Interval { start_us: 1_000_000, end_us: 2_000_000 }, failed: false }),
    invocation: Interval { start_us: 3_000_000, end_us: 5_000_000 },
    ended_us: 6_000_000,
};

pub fn traced() -> DeclaredFunction {
    DeclaredFunction { tracing: TracingMode::Active, ..function("F_1", 2) }
}

pub fn exporting_to(receiver: &Receiver) -> Options {
    Options { collector: Some(receiver.collector()), ..options() }
}

pub async fn with(declared: &DeclaredFunction, receiver: &Receiver, conduct: Conduct) -> (Running, Fake) {
    with_options(declared, exporting_to(receiver), conduct).await
}

pub async fn with_options(
    declared: &DeclaredFunction,
    options: Options,
    conduct: Conduct,
) -> (Running, Fake) {
    let running = Running::start(options, vec![declared.clone()]).await;
    let fake = Fake::start("pod", &revision(declared), conduct).await;
    running.up("pod", fake.address, &revision(declared)).await;
    (running, fake)
}

pub fn document(id: &str, parent: &str, more: &Value) -> Bytes {
    let mut document = json!({"id": id, "name": "work", "start_time": 3.25, "end_time": 3.5, "trace_id": ROOT,
                              "parent_id": parent, "type": "subsegment"});
    document.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
    document.to_string().into()
}

pub fn header(text: &str) -> [(&str, &str); 1] {
    [("x-amzn-trace-id", text)]
}

pub fn of_origin(spans: &[Received], origin: &str) -> Received {
    spans
        .iter()
        .find(|span| span.origin() == origin)
        .unwrap_or_else(|| panic!("no {origin}: {spans:#?}"))
        .clone()
}

pub fn named(spans: &[Received], name: &str) -> Received {
    spans
        .iter()
        .find(|span| span.span.name == name)
        .unwrap_or_else(|| panic!("no {name}: {spans:#?}"))
        .clone()
}

pub fn seconds(span: &Received) -> (u64, u64) {
    (span.span.start_time_unix_nano / 1_000_000_000, span.span.end_time_unix_nano / 1_000_000_000)
}
