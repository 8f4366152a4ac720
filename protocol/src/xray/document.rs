//! Segment documents.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::id::{SegmentId, TraceId};
use crate::tolerant::{moment, moment_or_none, null_or, or_default};

/// Most characters of a segment's name.
pub const NAME_CHARS_MAX: usize = 200;

/// Why a document is none.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is no JSON, or lacks what it must have.
    #[error("it is no segment document: {0}")]
    Json(#[from] serde_json::Error),
    /// A name that is empty or too long.
    #[error("a name must have 1 to {NAME_CHARS_MAX} characters")]
    Name,
    /// It has neither an end nor says that it has none yet.
    #[error("it has neither end_time nor in_progress")]
    End,
    /// A subsegment that comes alone does not say whose.
    #[error("a subsegment that comes alone must have parent_id")]
    Parent,
}

/// What a library sends: a segment, or a subsegment that comes alone.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Document {
    /// Its trace.
    pub trace_id: TraceId,
    /// What it is part of; a subsegment that comes alone must have it.
    #[serde(default)]
    pub parent_id: Option<SegmentId>,
    /// `subsegment` for one that comes alone.
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub kind: Option<String>,
    /// What it tells.
    #[serde(flatten)]
    pub segment: Segment,
}

/// What segments and subsegments have alike.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "as the document has them")]
pub struct Segment {
    /// Its id.
    pub id: SegmentId,
    /// The logical name of the service, or of the call.
    pub name: String,
    /// When it began, in microseconds since the epoch.
    #[serde(rename = "start_time", deserialize_with = "moment")]
    pub start_us: u64,
    /// When it ended.
    #[serde(default, rename = "end_time", deserialize_with = "moment_or_none")]
    pub end_us: Option<u64>,
    /// It has not ended; the whole one will follow.
    #[serde(default, deserialize_with = "or_default")]
    pub in_progress: bool,
    /// `aws` for a call to an AWS service, `remote` for one to another.
    #[serde(default, deserialize_with = "or_default")]
    pub namespace: Option<String>,
    /// The kind of AWS resource that it ran on.
    #[serde(default, deserialize_with = "or_default")]
    pub origin: Option<String>,
    /// The ARN of that resource.
    #[serde(default, deserialize_with = "or_default")]
    pub resource_arn: Option<String>,
    /// Who sent the request.
    #[serde(default, deserialize_with = "or_default")]
    pub user: Option<String>,
    /// The request was wrong.
    #[serde(default, deserialize_with = "or_default")]
    pub error: bool,
    /// The request was one too many.
    #[serde(default, deserialize_with = "or_default")]
    pub throttle: bool,
    /// The server failed.
    #[serde(default, deserialize_with = "or_default")]
    pub fault: bool,
    /// Why it failed.
    #[serde(default, deserialize_with = "or_default")]
    pub cause: Option<Cause>,
    /// An HTTP request and its answer.
    #[serde(default, deserialize_with = "or_default")]
    pub http: Http,
    /// A query.
    #[serde(default, deserialize_with = "or_default")]
    pub sql: Map<String, Value>,
    /// The AWS resource, or what was called.
    #[serde(default, deserialize_with = "or_default")]
    pub aws: Map<String, Value>,
    /// What X-Ray would index.
    #[serde(default, deserialize_with = "or_default")]
    pub annotations: Map<String, Value>,
    /// By namespace, what it would not.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: Map<String, Value>,
    /// Its parts; none where it is null.
    #[serde(default, deserialize_with = "null_or")]
    pub subsegments: Vec<Segment>,
}

/// Both halves of an HTTP call.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Http {
    /// `method`, `url`, `user_agent`, `client_ip`, `x_forwarded_for`, `traced`.
    #[serde(default, deserialize_with = "or_default")]
    pub request: Map<String, Value>,
    /// `status`, `content_length`.
    #[serde(default, deserialize_with = "or_default")]
    pub response: Map<String, Value>,
}

/// Why something failed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Cause {
    /// The id of an exception that another segment tells.
    Elsewhere(String),
    /// The exceptions themselves.
    Here {
        /// Each, from the last to the first cause.
        #[serde(default, deserialize_with = "or_default")]
        exceptions: Vec<Exception>,
        /// In words.
        #[serde(default, deserialize_with = "or_default")]
        message: Option<String>,
    },
}

/// An exception.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Exception {
    /// Its id.
    #[serde(default, deserialize_with = "or_default")]
    pub id: Option<String>,
    /// Its class.
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub kind: Option<String>,
    /// Its message.
    #[serde(default, deserialize_with = "or_default")]
    pub message: Option<String>,
    /// It came from the service that was called.
    #[serde(default, deserialize_with = "or_default")]
    pub remote: bool,
    /// The id of the exception that caused it.
    #[serde(default, deserialize_with = "or_default")]
    pub cause: Option<String>,
    /// Where it was thrown, the innermost frame first.
    #[serde(default, deserialize_with = "or_default")]
    pub stack: Vec<StackFrame>,
}

/// A frame of a stack.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct StackFrame {
    /// The file.
    #[serde(default, deserialize_with = "or_default")]
    pub path: String,
    /// The line in it.
    #[serde(default, deserialize_with = "or_default")]
    pub line: i64,
    /// The function.
    #[serde(default, deserialize_with = "or_default")]
    pub label: String,
}

impl Document {
    /// Reads a document.
    pub fn parse(text: &[u8]) -> Result<Self, DocumentError> {
        let document: Self = serde_json::from_slice(text)?;
        if document.is_subsegment() && document.parent_id.is_none() {
            return Err(DocumentError::Parent);
        }
        document.segment.check()?;
        Ok(document)
    }

    /// Whether it is part of a segment that comes apart from it.
    pub fn is_subsegment(&self) -> bool {
        self.kind.as_deref() == Some("subsegment")
    }
}

impl Segment {
    fn check(&self) -> Result<(), DocumentError> {
        if !(1..=NAME_CHARS_MAX).contains(&self.name.chars().count()) {
            return Err(DocumentError::Name);
        }
        if self.end_us.is_none() && !self.in_progress {
            return Err(DocumentError::End);
        }
        self.subsegments.iter().try_for_each(Self::check)
    }

    /// How many segments it is, with all its parts.
    pub fn count(&self) -> usize {
        1 + self.subsegments.iter().map(Self::count).sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
