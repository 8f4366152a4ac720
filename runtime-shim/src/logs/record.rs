//! One record of a log, as it was read.

use domain::log_format::Level;

/// A record, which ends with a line feed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    /// All of it.
    pub line: &'a [u8],
    /// Its last line feed is not its writer's.
    pub ended: bool,
    /// When it was written, where its writer told, in milliseconds since the epoch.
    pub time_millis: Option<u64>,
    /// The level of the whole, where this is a piece of something longer.
    pub level: Option<Level>,
}

impl<'a> Record<'a> {
    /// One that its writer ended.
    pub(super) fn whole(line: &'a [u8]) -> Self {
        Self { line, ended: false, time_millis: None, level: None }
    }

    /// Without a line feed that its writer did not write: extensions get what was written, as on AWS.
    pub(super) fn as_written(&self) -> &'a [u8] {
        if self.ended { self.line.strip_suffix(b"\n").unwrap_or(self.line) } else { self.line }
    }
}
