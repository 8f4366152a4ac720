//! Where spans wait for the exporter: bounded in number and bytes, and never waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use protocol::xray::Document;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::batch::{Parcel, Scope};
use super::collector::Collector;
use super::document;
use super::exporter::Exporter;
use crate::limits;
use crate::metrics::TraceMetrics;

/// How often it is looked whether invocations are still unfinished when the gateway stops.
const UNFINISHED_LOOK: Duration = Duration::from_millis(10);

/// Where spans go: nowhere, or to a collector. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Traces(Option<Arc<Queue>>);

#[derive(Debug)]
pub(super) struct Queue {
    sender: mpsc::Sender<Parcel>,
    waiting: Arc<Waiting>,
    metrics: TraceMetrics,
    /// Traced invocations whose segments are not all there yet.
    unfinished: AtomicUsize,
    /// The gateway stops: what is queued is exported, and nothing more is waited for.
    closing: CancellationToken,
    /// The exporter has ended.
    ended: CancellationToken,
}

/// What is queued.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    spans: AtomicUsize,
    bytes: AtomicUsize,
}

impl Waiting {
    /// Counts in what there is room for.
    fn reserve(&self, spans: usize, bytes: usize) -> bool {
        let spans_now = self.spans.fetch_add(spans, Ordering::Relaxed) + spans;
        let bytes_now = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let room = spans_now <= limits::TRACE_QUEUE_SPANS_MAX && bytes_now <= limits::TRACE_QUEUE_BYTES_MAX;
        if !room {
            self.release(spans, bytes);
        }
        room
    }

    /// Counts out what is no longer queued.
    pub(super) fn release(&self, spans: usize, bytes: usize) {
        self.spans.fetch_sub(spans, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Traces {
    /// Starts exporting, where there is a collector.
    pub(crate) fn start(collector: Option<Collector>, metrics: TraceMetrics) -> Self {
        let Some(collector) = collector else { return Self(None) };
        let (queue, exporter) = Queue::new(collector, metrics);
        let ended = queue.ended.clone();
        drop(tokio::spawn(async move {
            exporter.run().await;
            ended.cancel();
        }));
        Self(Some(Arc::new(queue)))
    }

    /// The queue, where there is a collector.
    pub(super) fn queue(&self) -> Option<&Arc<Queue>> {
        self.0.as_ref()
    }

    /// A function sent a segment document.
    pub(crate) fn document(&self, resource: impl FnOnce() -> Option<Arc<Resource>>, body: &Bytes) {
        let Some(queue) = &self.0 else { return };
        let Some(resource) = resource() else { return };
        match Document::parse(body) {
            Ok(document) => queue.put(resource, Scope::Document, document::spans(&document)),
            Err(error) => {
                tracing::debug!(%error, "A segment document was not read");
                queue.metrics.invalid(1);
            }
        }
    }

    /// Exports what is there, and what the invocations that were answered still tell; within a bound, after which
    /// nothing is exported any more.
    pub(crate) async fn flush(&self) {
        let Some(queue) = &self.0 else { return };
        let until = Instant::now() + limits::TRACE_FLUSH;
        let unfinished = async {
            while queue.unfinished.load(Ordering::Relaxed) > 0 {
                sleep(UNFINISHED_LOOK).await;
            }
        };
        drop(timeout_at(until - limits::TRACE_FLUSH / 2, unfinished).await);
        queue.closing.cancel();
        if timeout_at(until, queue.ended.cancelled()).await.is_err() {
            let left = queue.waiting.spans.load(Ordering::Relaxed);
            tracing::warn!(left, "Spans could not be exported before the end");
        }
    }
}

impl Queue {
    fn new(collector: Collector, metrics: TraceMetrics) -> (Self, Exporter) {
        let (sender, receiver) = mpsc::channel(limits::TRACE_QUEUE_SPANS_MAX);
        let (waiting, closing) = (Arc::<Waiting>::default(), CancellationToken::new());
        let exporter =
            Exporter::new(collector, receiver, Arc::clone(&waiting), metrics.clone(), closing.clone());
        let (unfinished, ended) = (AtomicUsize::new(0), CancellationToken::new());
        (Self { sender, waiting, metrics, unfinished, closing, ended }, exporter)
    }

    /// Queues spans, or drops them where there is no room.
    pub(super) fn put(&self, resource: Arc<Resource>, scope: Scope, spans: Vec<Span>) {
        if spans.is_empty() {
            return;
        }
        let (count, bytes) = (spans.len(), spans.iter().map(Span::encoded_len).sum());
        if !self.waiting.reserve(count, bytes) {
            self.metrics.dropped(count);
            return;
        }
        if self.sender.try_send(Parcel { resource, scope, spans, bytes }).is_err() {
            self.waiting.release(count, bytes);
            self.metrics.dropped(count);
        }
    }

    /// A traced invocation has begun.
    pub(super) fn begun(&self) {
        self.unfinished.fetch_add(1, Ordering::Relaxed);
    }

    /// Nothing more will come of a traced invocation.
    pub(super) fn finished(&self) {
        self.unfinished.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_up_to_both_bounds_and_not_beyond() {
        let (spans, bytes) = (limits::TRACE_QUEUE_SPANS_MAX, limits::TRACE_QUEUE_BYTES_MAX);
        let waiting = Waiting::default();
        assert!(waiting.reserve(spans - 1, 1) && waiting.reserve(1, 1));
        assert!(!waiting.reserve(1, 1), "one span more");
        waiting.release(spans, 2);
        assert!(!waiting.reserve(1, bytes + 1), "one byte more");
        assert!(waiting.reserve(1, bytes), "what was refused is not counted");
    }
}
