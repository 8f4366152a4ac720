//! Where spans wait for the exporter: bounded in number and bytes, and never waited for. How much each may is in `room`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::Region;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use protocol::link::environment::SEGMENT_BYTES_MAX;
use protocol::xray::Document;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::batch::Parcel;
use super::collector::Collector;
use super::document;
use super::exporter::Exporter;
use super::function::FunctionTraces;
use super::room::{Owner, Room};
use super::scope::Scope;
use crate::catalog::Catalog;
use crate::limits;
use crate::metrics::TraceMetrics;
use crate::options::Options;

/// How often it is looked whether invocations are still unfinished when the gateway stops.
const UNFINISHED_LOOK: Duration = Duration::from_millis(10);

/// Where spans go: nowhere, or to a collector. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Traces(Option<Arc<Queue>>);

#[derive(Debug)]
pub(super) struct Queue {
    sender: mpsc::Sender<Parcel>,
    room: Arc<Room>,
    metrics: TraceMetrics,
    /// Traced invocations whose segments are not all there yet.
    unfinished: AtomicUsize,
    /// The gateway stops: what is queued is exported, and nothing more is waited for.
    closing: CancellationToken,
    /// The exporter has ended.
    ended: CancellationToken,
}

impl Traces {
    /// Starts exporting, where there is a collector.
    pub(crate) fn start(options: &Options, metrics: TraceMetrics) -> Self {
        let Some(collector) = options.collector.clone() else { return Self(None) };
        let (queue, exporter) = Queue::new(collector, options.trace_batch_wait, metrics);
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

    /// Takes over what a catalog says of its functions.
    pub(crate) fn follow(&self, catalog: &Catalog, region: &Region) {
        if self.0.is_some() {
            catalog.functions().for_each(|function| function.fleet.traces().follow(function, region));
        }
    }

    /// A function sent a segment document. Where there is no room, it is not even read.
    pub(crate) fn document(&self, function: &FunctionTraces, body: &[u8]) {
        let Some(queue) = &self.0 else { return };
        let Some(owner) = function.owner() else { return };
        if body.len() > SEGMENT_BYTES_MAX {
            return queue.metrics.document_invalid();
        }
        if owner.room.is_full() || queue.room.is_full() {
            return queue.metrics.document_dropped();
        }
        match Document::parse(body) {
            Ok(document) => {
                queue.metrics.document_read();
                queue.put(owner, Scope::Document, document::spans(&document));
            }
            Err(error) => {
                tracing::debug!(%error, "A segment document was not read");
                queue.metrics.document_invalid();
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
            let left = queue.room.spans();
            tracing::warn!(left, "Spans could not be exported before the end");
        }
    }
}

impl Queue {
    fn new(collector: Collector, batch_wait: Duration, metrics: TraceMetrics) -> (Self, Exporter) {
        let (sender, receiver) = mpsc::channel(limits::TRACE_QUEUE_SPANS_MAX);
        let (room, closing) = (Arc::new(Room::of_all()), CancellationToken::new());
        let exporter = Exporter {
            collector,
            batch_wait,
            queue: receiver,
            room: Arc::clone(&room),
            metrics: metrics.clone(),
            closing: closing.clone(),
            rest: None,
        };
        let (unfinished, ended) = (AtomicUsize::new(0), CancellationToken::new());
        (Self { sender, room, metrics, unfinished, closing, ended }, exporter)
    }

    /// Queues spans, or drops them where there is no room.
    pub(super) fn put(&self, owner: Owner, scope: Scope, spans: Vec<Span>) {
        if spans.is_empty() {
            return;
        }
        let (count, bytes) = (spans.len(), spans.iter().map(Span::encoded_len).sum());
        if !owner.take(&self.room, scope, count, bytes) {
            self.metrics.dropped(count);
            return;
        }
        if let Err(error) = self.sender.try_send(Parcel { owner, scope, spans, bytes }) {
            error.into_inner().owner.release(&self.room, count, bytes);
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
