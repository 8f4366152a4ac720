//! What became of spans, and of the documents that functions send.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::names;

/// Counters of spans and of documents by what became of them.
#[derive(Debug, Clone)]
pub(crate) struct TraceMetrics {
    exported: IntCounter,
    dropped: IntCounter,
    rejected: IntCounter,
    documents_read: IntCounter,
    documents_dropped: IntCounter,
    documents_invalid: IntCounter,
}

impl TraceMetrics {
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let spans = Opts::new(names::TRACE_SPANS, "Spans by what became of them.");
        let spans = IntCounterVec::new(spans, &["result"])?;
        registry.register(Box::new(spans.clone()))?;
        let of = |result: &str| spans.with_label_values(&[result]);
        let documents =
            Opts::new(names::TRACE_DOCUMENTS, "Segment documents of functions by what became of them.");
        let documents = IntCounterVec::new(documents, &["result"])?;
        registry.register(Box::new(documents.clone()))?;
        let document = |result: &str| documents.with_label_values(&[result]);
        Ok(Self {
            exported: of("exported"),
            dropped: of("dropped"),
            rejected: of("rejected"),
            documents_read: document("read"),
            documents_dropped: document("dropped"),
            documents_invalid: document("invalid"),
        })
    }

    /// The collector took them.
    pub(crate) fn exported(&self, spans: usize) {
        count(&self.exported, spans);
    }

    /// There was no room for them, or the collector was out of reach.
    pub(crate) fn dropped(&self, spans: usize) {
        count(&self.dropped, spans);
    }

    /// The collector did not want them.
    pub(crate) fn rejected(&self, spans: usize) {
        count(&self.rejected, spans);
    }

    /// A document was read; its spans are counted each.
    pub(crate) fn document_read(&self) {
        self.documents_read.inc();
    }

    /// There was no room for what a document may tell; it was not read.
    pub(crate) fn document_dropped(&self) {
        self.documents_dropped.inc();
    }

    /// A document was too long, or none.
    pub(crate) fn document_invalid(&self) {
        self.documents_invalid.inc();
    }
}

fn count(counter: &IntCounter, count: usize) {
    counter.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
}
