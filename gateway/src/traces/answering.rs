//! From the moment a request came to the one at which its answer is complete.

use std::sync::Arc;

use super::segments::Segments;

/// A request that is being answered; dropped when it has been, or when its caller went away.
#[derive(Debug)]
pub(crate) struct Answering {
    segments: Option<Arc<Segments>>,
    status: Option<u16>,
    failure: Option<String>,
}

impl Answering {
    pub(crate) fn new(segments: Option<Arc<Segments>>) -> Self {
        Self { segments, status: None, failure: None }
    }

    /// With this status, and where it tells of an error, with this one.
    pub(crate) fn with(&mut self, status: u16, failure: Option<&str>) {
        self.status = Some(status);
        self.failure = failure.map(str::to_owned);
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(segments) = &self.segments {
            segments.answered(self.status, self.failure.as_deref());
        }
    }
}
