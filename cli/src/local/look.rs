//! What there is to serve and to tell after the folder was looked at.

use std::path::PathBuf;

use super::snapshot::Snapshot;
use crate::project::Problem;

/// What a look found.
#[derive(Debug)]
pub(crate) struct Look {
    /// What is to be served, if it is not what was served before.
    pub changed: Option<Snapshot>,
    /// Files and folders that were saved, or are gone.
    pub saved: Vec<PathBuf>,
    /// What is wrong, as far as it was not told before.
    pub problems: Vec<Problem>,
    /// What is worth knowing, likewise.
    pub notes: Vec<String>,
}
