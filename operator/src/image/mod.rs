//! What an image says of itself, and where that is read: its registry.
//!
//! The shim replaces the image's command, so the image's own must be known, and a version runs the image that
//! its tag meant when the Function was applied, not what it means later. Both are read from the registry once
//! per generation, with the Function's pull secrets.

pub mod configuration;
pub mod credentials;
pub mod reference;
pub mod registry;
pub mod transport;

/// What an image's configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageFacts {
    /// The reference by which pods pull it: by digest.
    pub reference: String,
    /// ENTRYPOINT.
    pub entry_point: Vec<String>,
    /// CMD.
    pub command: Vec<String>,
    /// WORKDIR.
    pub working_directory: Option<String>,
}

/// How far the reading of one generation's image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageProgress {
    /// The registry has not answered yet.
    Asking,
    /// It is read.
    Known(ImageFacts),
    /// There is no such image, in the registry's words.
    Missing(String),
    /// It cannot be read: no answer, no permission, an answer that makes no sense.
    Unreadable(String),
}
