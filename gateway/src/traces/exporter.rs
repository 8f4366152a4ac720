//! The one task that exports: gathers batches, sends them, and tries again what may go through later.

use std::sync::Arc;
use std::time::Duration;

use domain::backoff::Backoff;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::batch::{Batch, Parcel};
use super::collector::{Collector, Sent};
use super::room::Room;
use crate::metrics::TraceMetrics;
use crate::{chance, limits};

const RETRY: Backoff = Backoff {
    first: limits::TRACE_RETRY_FIRST,
    longest: limits::TRACE_RETRY_LONGEST,
    least: Duration::from_millis(100),
};

/// The exporter.
#[derive(Debug)]
pub(super) struct Exporter {
    pub(super) collector: Collector,
    /// How long spans wait for company.
    pub(super) batch_wait: Duration,
    pub(super) queue: mpsc::Receiver<Parcel>,
    pub(super) room: Arc<Room>,
    pub(super) metrics: TraceMetrics,
    pub(super) closing: CancellationToken,
    /// What did not fit into the last batch.
    pub(super) rest: Option<Parcel>,
}

impl Exporter {
    /// Runs until the gateway stops and the queue is empty.
    pub(super) async fn run(mut self) {
        loop {
            let batch = self.gather().await;
            if batch.is_empty() {
                return;
            }
            self.export(batch).await;
        }
    }

    /// The next batch, once it is full or old enough; an empty one at the end.
    async fn gather(&mut self) -> Batch {
        let mut batch = Batch::default();
        let first = match self.rest.take() {
            Some(rest) => Some(rest),
            None => self.next().await,
        };
        let until = Instant::now() + self.batch_wait;
        let mut more = first;
        while let Some(spans) = more {
            self.rest = batch.add(spans);
            if batch.is_full() || self.rest.is_some() {
                break;
            }
            more = timeout_at(until, self.next()).await.unwrap_or_default();
        }
        batch
    }

    /// What is queued next; once the gateway stops, only what is there already.
    async fn next(&mut self) -> Option<Parcel> {
        let closing = self.closing.clone();
        let next = tokio::select! {
            biased;
            next = self.queue.recv() => next,
            () = closing.cancelled() => self.queue.try_recv().ok(),
        };
        if let Some(spans) = &next {
            spans.owner.release(&self.room, spans.spans.len(), spans.bytes);
        }
        next
    }

    async fn export(&self, batch: Batch) {
        let (count, body) = (batch.count(), batch.encode());
        let mut attempts = 0;
        let why = loop {
            attempts += 1;
            match self.collector.send(body.clone()).await {
                Sent::Accepted { rejected, message } => return self.accepted(count, rejected, &message),
                Sent::Later { after, why } if attempts < limits::TRACE_EXPORT_ATTEMPTS_MAX => {
                    let wait =
                        after.unwrap_or_else(|| RETRY.wait(attempts, chance::jitter())).max(RETRY.least);
                    tracing::debug!(why, ?wait, "Spans are exported later");
                    sleep(wait).await;
                }
                Sent::Later { why, .. } | Sent::Never { why } => break why,
            }
        };
        self.metrics.dropped(count);
        tracing::warn!(spans = count, attempts, why, "Spans could not be exported");
    }

    fn accepted(&self, count: usize, rejected: usize, message: &str) {
        let rejected = rejected.min(count);
        self.metrics.exported(count - rejected);
        self.metrics.rejected(rejected);
        if rejected > 0 || !message.is_empty() {
            tracing::warn!(spans = count, rejected, message, "The collector did not take every span");
        }
    }
}
