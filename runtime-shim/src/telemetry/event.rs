//! An event as it is kept until it is known who gets it, and in which schema.

use bytes::Bytes;
use protocol::telemetry::{Platform, SchemaVersion, Stream};

/// What a record of the platform counts for where bytes are counted before it is written down, in bytes.
const RECORD_BYTES: usize = 512;

/// An event.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// What a function or an extension wrote: the same in every schema.
    Line { stream: Stream, body: Bytes },
    /// A record of the platform's, and when it was made.
    Record { record: Box<Platform>, time: String },
}

impl Event {
    /// The stream that it belongs to.
    pub(super) fn stream(&self) -> Stream {
        match self {
            Self::Line { stream, .. } => *stream,
            Self::Record { .. } => Stream::Platform,
        }
    }

    /// Roughly what keeping it costs, in bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Line { body, .. } => body.len(),
            Self::Record { .. } => RECORD_BYTES,
        }
    }

    /// As a subscriber of `schema` gets it; none if that schema does not have it.
    pub(super) fn body(&self, schema: SchemaVersion) -> Option<Bytes> {
        match self {
            Self::Line { body, .. } => Some(body.clone()),
            Self::Record { record, time } => record.to_event(time, schema).map(Bytes::from),
        }
    }
}
