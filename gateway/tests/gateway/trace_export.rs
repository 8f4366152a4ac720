//! Traces on their way to a collector: what is tried again, what is dropped, and what is left at the end.

use std::time::Duration;

use bytes::Bytes;
use gateway::Options;
use protocol::link::environment::SEGMENT_BYTES_MAX;
use serde_json::{Value, json};

use crate::support::client::{invoke, invoke_with};
use crate::support::collector::{Receiver, Say};
use crate::support::fake::{Conduct, Fake};
use crate::support::gateway::{Running, function, options, revision};
use crate::support::traced::{
    CALLER, ROOT, TIMELINE, document, exporting_to, header, traced, with, with_options,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_may_go_through_later_is_tried_again() {
    let said = [Say::Status(503, Some("1")), Say::Status(429, None), Say::Rejected(2)];
    let receiver = Receiver::start(&said).await;
    let (running, fake) = with(&traced(), &receiver, Conduct::Echo).await;
    fake.tell(TIMELINE, vec![]);
    invoke_with(running.api, "F_1", &header("Sampled=1")).await;
    receiver.until(5).await;
    let pauses = receiver.pauses();
    assert_eq!(pauses.len(), 2, "{pauses:?}");
    assert!(pauses[0] >= Duration::from_secs(1), "as long as it was asked to: {pauses:?}");
    running.until_metric(r#"kubelambda_trace_spans_total{result="exported"} 3"#).await;
    running.until_metric(r#"kubelambda_trace_spans_total{result="rejected"} 2"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_asks_for_no_pause_gets_one() {
    let receiver = Receiver::start(&[Say::Status(503, Some("0")); 3]).await;
    let (running, fake) = with(&traced(), &receiver, Conduct::Echo).await;
    fake.tell(TIMELINE, vec![]);
    invoke_with(running.api, "F_1", &header("Sampled=1")).await;
    receiver.until(5).await;
    let pauses = receiver.pauses();
    assert_eq!(pauses.len(), 3, "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause >= Duration::from_millis(100)), "{pauses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_will_not_go_through_is_dropped_and_counted() {
    let receiver = Receiver::start(&[Say::Status(400, None)]).await;
    let (running, fake) = with(&function("F_1", 1), &receiver, Conduct::Echo).await;
    let good = document("00000000000000d1", CALLER, &json!({}));
    let long = [good.to_vec(), vec![b' '; SEGMENT_BYTES_MAX]].concat();
    fake.tell(TIMELINE, vec![good, Bytes::from_static(b"{}"), long.into()]);
    invoke(running.api, "F_1", "{}").await;
    running.until_metric(r#"kubelambda_trace_spans_total{result="dropped"} 1"#).await;
    running.until_metric(r#"kubelambda_trace_documents_total{result="invalid"} 2"#).await;
    invoke(running.api, "F_1", "{}").await;
    receiver.until(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_keeps_silent_keeps_nobody_waiting() {
    let receiver = Receiver::start(&[Say::Nothing; 16]).await;
    let (running, fake) = with(&function("F_1", 1), &receiver, Conduct::Echo).await;
    let parts: Vec<Value> = (1..=400)
        .map(|number| json!({"id": format!("{number:016x}"), "name": "n", "start_time": 3, "end_time": 4}))
        .collect();
    fake.tell(TIMELINE, vec![document("00000000000000d1", CALLER, &json!({"subsegments": parts}))]);
    let began = std::time::Instant::now();
    for _ in 0..30 {
        assert_eq!(invoke(running.api, "F_1", "{}").await.status, 200);
    }
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    let mut counts = Counts::default();
    for _ in 0..1_000 {
        counts = Counts::of(&running).await;
        if counts.read + counts.documents_dropped == 30 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(counts.read + counts.documents_dropped, 30, "{counts:?}");
    assert!(counts.spans_dropped > 0, "{counts:?}");
    assert_eq!(counts.spans_dropped % 401, 0, "a document's spans are kept or dropped together");
    assert!(counts.documents_dropped >= 15, "where there is no room they are not even read: {counts:?}");
}

/// What became of documents and their spans.
#[derive(Debug, Default)]
struct Counts {
    read: usize,
    documents_dropped: usize,
    spans_dropped: usize,
}

impl Counts {
    async fn of(running: &Running) -> Self {
        let text = running.metrics_text().await;
        let value = |series: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(series)).unwrap();
            value.trim().parse().unwrap()
        };
        Self {
            read: value(r#"kubelambda_trace_documents_total{result="read"}"#),
            documents_dropped: value(r#"kubelambda_trace_documents_total{result="dropped"}"#),
            spans_dropped: value(r#"kubelambda_trace_spans_total{result="dropped"}"#),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_exports_what_it_has() {
    let receiver = Receiver::start(&[]).await;
    let declared = traced();
    let options = Options { trace_batch_wait: Duration::from_hours(1), ..exporting_to(&receiver) };
    let (running, fake) = with_options(&declared, options, Conduct::Echo).await;
    fake.tell(TIMELINE, vec![]);
    invoke_with(running.api, "F_1", &header("Sampled=1")).await;
    running.shutdown.cancel();
    running.served.await.unwrap().unwrap();
    running.gateway.flush_traces().await;
    assert_eq!(receiver.spans().len(), 5, "they wait for no company");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_nothing_is_collected_and_the_function_reads_the_same() {
    let declared = traced();
    let running = Running::start(options(), vec![declared.clone()]).await;
    let fake = Fake::start("pod", &revision(&declared), Conduct::Echo).await;
    running.up("pod", fake.address, &revision(&declared)).await;
    fake.tell(TIMELINE, vec![Bytes::from_static(b"not even read")]);
    invoke_with(running.api, "F_1", &header(&format!("Root={ROOT};Parent={CALLER};Sampled=1"))).await;
    let handed = fake.seen().remove(0).trace.unwrap();
    assert!(handed.contains("Sampled=1") && !handed.contains(CALLER), "{handed}");
    for result in ["exported", "dropped", "rejected"] {
        running.until_metric(&format!(r#"kubelambda_trace_spans_total{{result="{result}"}} 0"#)).await;
    }
    for result in ["read", "dropped", "invalid"] {
        running.until_metric(&format!(r#"kubelambda_trace_documents_total{{result="{result}"}} 0"#)).await;
    }
}
