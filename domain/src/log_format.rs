//! How a function's log is written, and what of it: `LoggingConfig`, as AWS names it.
//!
//! Source: AWS's developer guide, "Configuring JSON and plain text log formats" and "Log-level filtering".

use serde::{Deserialize, Serialize};

/// The form of the platform's lines, and of the runtime client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum LogFormat {
    /// Plain text.
    #[default]
    Text,
    /// One JSON object per record.
    #[serde(rename = "JSON")]
    Json,
}

/// How much a record matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "named as everywhere")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    /// The level of that name, in any case; none if it is none.
    pub fn of_name(name: &str) -> Option<Self> {
        let levels = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];
        levels.into_iter().find(|level| level.name().eq_ignore_ascii_case(name)).or_else(|| {
            // Python calls them so.
            match name.to_ascii_uppercase().as_str() {
                "WARNING" => Some(Self::Warn),
                "CRITICAL" => Some(Self::Fatal),
                _ => None,
            }
        })
    }

    /// The name, in capitals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

/// What an environment needs to know of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Logging {
    /// The form.
    pub format: LogFormat,
    /// The lowest level of the function's own records that is kept; with JSON only.
    pub application_level: Level,
    /// The lowest level of the platform's records that is kept; with JSON only.
    pub system_level: Level,
    /// The function is told the name of its log stream.
    pub enabled: bool,
}

impl Default for Logging {
    fn default() -> Self {
        let level = Level::Info;
        Self { format: LogFormat::Text, application_level: level, system_level: level, enabled: true }
    }
}

impl Logging {
    /// Records are JSON.
    pub fn is_json(&self) -> bool {
        self.format == LogFormat::Json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_known_by_name() {
        assert!(Level::Trace < Level::Debug && Level::Error < Level::Fatal);
        assert_eq!(Level::of_name("warning"), Some(Level::Warn));
        assert_eq!(Level::of_name("Error"), Some(Level::Error));
        assert_eq!(Level::of_name("loud"), None);
    }
}
