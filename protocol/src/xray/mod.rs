//! X-Ray's wire: ids as trace headers write them, and the segment documents that its libraries send.
//!
//! Source: the X-Ray developer guide, "X-Ray segment documents". What a document must have is insisted on; what
//! it may have is read where it has the documented shape and passed over where it does not, so that one odd
//! field loses nothing else. What this module never does: judge whether a trace is sampled.

pub mod document;
mod id;

pub use document::{Document, DocumentError, Segment};
pub use id::{SegmentId, TraceId};
