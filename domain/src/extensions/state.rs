//! Where an extension is in its life.

/// Where an extension is, by the names that its author reads in error messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its process runs.
    Started,
    /// It has registered.
    Registered,
    /// It waits for an event.
    Ready,
    /// It was handed an event.
    Running,
    /// It told that it cannot initialize.
    InitError,
    /// It told that it exits.
    ExitError,
    /// It is gone.
    Exited,
    /// Its process could not be started.
    LaunchError,
}

impl State {
    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "Started",
            Self::Registered => "Registered",
            Self::Ready => "Ready",
            Self::Running => "Running",
            Self::InitError => "InitError",
            Self::ExitError => "ExitError",
            Self::Exited => "Exited",
            Self::LaunchError => "LaunchError",
        }
    }

    /// The type of the error that an extension told of before its process ended.
    pub(super) fn told_error(self) -> Option<&'static str> {
        match self {
            Self::InitError => Some("Extension.InitError"),
            Self::ExitError => Some("Extension.ExitError"),
            _ => None,
        }
    }
}
