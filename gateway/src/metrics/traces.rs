//! What became of spans.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::names;

/// Counters of spans by what became of them.
#[derive(Debug, Clone)]
pub(crate) struct TraceMetrics {
    exported: IntCounter,
    dropped: IntCounter,
    rejected: IntCounter,
    invalid: IntCounter,
}

impl TraceMetrics {
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let spans = Opts::new(names::TRACE_SPANS, "Spans by what became of them.");
        let spans = IntCounterVec::new(spans, &["result"])?;
        registry.register(Box::new(spans.clone()))?;
        let of = |result: &str| spans.with_label_values(&[result]);
        Ok(Self {
            exported: of("exported"),
            dropped: of("dropped"),
            rejected: of("rejected"),
            invalid: of("invalid"),
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

    /// Documents that could not be read.
    pub(crate) fn invalid(&self, documents: usize) {
        count(&self.invalid, documents);
    }
}

fn count(counter: &IntCounter, count: usize) {
    counter.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
}
