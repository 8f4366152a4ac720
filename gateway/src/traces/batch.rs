//! What goes to the collector with one request.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use super::room::Owner;
use super::scope::Scope;
use crate::limits;

/// Spans of one function and one maker.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) owner: Owner,
    pub(super) scope: Scope,
    pub(super) spans: Vec<Span>,
    /// Their size on the wire.
    pub(super) bytes: usize,
}

/// A batch that is being gathered.
#[derive(Debug, Default)]
pub(super) struct Batch {
    parts: Vec<Parcel>,
    count: usize,
    bytes: usize,
}

impl Batch {
    /// Whether nothing more fits.
    pub(super) fn is_full(&self) -> bool {
        self.count >= limits::TRACE_BATCH_SPANS_MAX || self.bytes >= limits::TRACE_BATCH_BYTES_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many spans it has.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Takes what fits and gives the rest back.
    pub(super) fn add(&mut self, mut more: Parcel) -> Option<Parcel> {
        let room = limits::TRACE_BATCH_SPANS_MAX.saturating_sub(self.count);
        let rest = (more.spans.len() > room).then(|| {
            let spans = more.spans.split_off(room);
            let bytes = spans.iter().map(Span::encoded_len).sum();
            more.bytes = more.bytes.saturating_sub(bytes);
            Parcel { owner: more.owner.clone(), scope: more.scope, spans, bytes }
        });
        self.count += more.spans.len();
        self.bytes += more.bytes;
        let same = |part: &&mut Parcel| {
            part.scope == more.scope && Arc::ptr_eq(&part.owner.resource, &more.owner.resource)
        };
        match self.parts.iter_mut().find(same) {
            Some(part) => part.spans.append(&mut more.spans),
            None => self.parts.push(more),
        }
        rest
    }

    /// The request's body.
    pub(super) fn encode(self) -> Bytes {
        let resource_spans = self.parts.into_iter().map(|part| ResourceSpans {
            resource: Some((*part.owner.resource).clone()),
            scope_spans: vec![ScopeSpans {
                scope: Some(part.scope.instrumentation()),
                spans: part.spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        });
        ExportTraceServiceRequest { resource_spans: resource_spans.collect() }.encode_to_vec().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::room::Room;

    fn owner() -> Owner {
        Owner { resource: Arc::default(), room: Arc::new(Room::of_one()) }
    }

    fn spans(owner: &Owner, count: usize) -> Parcel {
        let spans = vec![Span { name: "n".into(), ..Span::default() }; count];
        let bytes = spans.iter().map(Span::encoded_len).sum();
        Parcel { owner: owner.clone(), scope: Scope::Document, spans, bytes }
    }

    #[test]
    fn a_batch_takes_what_fits_and_groups_by_function() {
        let (one, two) = (owner(), owner());
        let mut batch = Batch::default();
        assert!(batch.add(spans(&one, 1)).is_none() && batch.add(spans(&two, 2)).is_none());
        let rest = batch.add(spans(&one, limits::TRACE_BATCH_SPANS_MAX)).unwrap();
        assert_eq!((rest.spans.len(), batch.is_full()), (3, true));
        assert_eq!(rest.bytes, 3 * rest.spans[0].encoded_len());
        let request = ExportTraceServiceRequest::decode(batch.encode()).unwrap();
        let counts: Vec<usize> =
            request.resource_spans.iter().map(|of| of.scope_spans[0].spans.len()).collect();
        assert_eq!(counts, [limits::TRACE_BATCH_SPANS_MAX - 2, 2]);
    }
}
