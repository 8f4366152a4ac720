//! `spec.loggingConfig`: how a function's log is written, and what of it, as AWS names it.

use domain::log_format::{self, Logging};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the function's log is written, and what of it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!(has(self.applicationLogLevel) || has(self.systemLogLevel)) || (has(self.logFormat) && self.logFormat == 'JSON')")
    .message("spec.loggingConfig: applicationLogLevel and systemLogLevel need logFormat JSON"))]
pub struct LoggingConfig {
    /// `Text`, or `JSON`: one object per record, which levels can filter.
    #[serde(default)]
    pub log_format: LogFormat,
    /// The lowest level of the function's own records that is kept; INFO where it is not set. Only with JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_log_level: Option<ApplicationLogLevel>,
    /// The lowest level of the platform's records that is kept; INFO where it is not set. Only with JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_log_level: Option<SystemLogLevel>,
    /// The log group's name that the function reads; `/aws/lambda/` and its name where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^[.\-_/#A-Za-z0-9]+$"))]
    pub log_group: Option<String>,
    /// False takes the log stream's name from the function, and nothing else: the container's log goes on, for
    /// `kubectl logs`. AWS's client for Node.js does not run without that name, so `nodejs…` runtimes keep it.
    #[serde(default = "default_enabled")]
    pub enabled: bool,
}

/// The form of log records.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Plain text.
    #[default]
    Text,
    /// One JSON object per record.
    #[serde(rename = "JSON")]
    Json,
}

/// Levels of the function's own records.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "named as everywhere")]
pub enum ApplicationLogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

/// Levels of the platform's records.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "named as everywhere")]
pub enum SystemLogLevel {
    Debug,
    Info,
    Warn,
}

impl From<&LoggingConfig> for Logging {
    fn from(config: &LoggingConfig) -> Self {
        Self {
            format: match config.log_format {
                LogFormat::Text => log_format::LogFormat::Text,
                LogFormat::Json => log_format::LogFormat::Json,
            },
            application_level: config.application_log_level.unwrap_or(ApplicationLogLevel::Info).into(),
            system_level: config.system_log_level.unwrap_or(SystemLogLevel::Info).into(),
            enabled: config.enabled,
        }
    }
}

impl From<ApplicationLogLevel> for log_format::Level {
    fn from(level: ApplicationLogLevel) -> Self {
        match level {
            ApplicationLogLevel::Trace => Self::Trace,
            ApplicationLogLevel::Debug => Self::Debug,
            ApplicationLogLevel::Info => Self::Info,
            ApplicationLogLevel::Warn => Self::Warn,
            ApplicationLogLevel::Error => Self::Error,
            ApplicationLogLevel::Fatal => Self::Fatal,
        }
    }
}

impl From<SystemLogLevel> for log_format::Level {
    fn from(level: SystemLogLevel) -> Self {
        match level {
            SystemLogLevel::Debug => Self::Debug,
            SystemLogLevel::Info => Self::Info,
            SystemLogLevel::Warn => Self::Warn,
        }
    }
}

fn default_enabled() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn logging(config: serde_json::Value) -> Logging {
        Logging::from(&serde_json::from_value::<LoggingConfig>(config).unwrap())
    }

    #[test]
    fn defaults_are_aws_s() {
        assert_eq!(logging(json!({})), Logging::default());
        let json = logging(json!({"logFormat": "JSON", "systemLogLevel": "WARN", "enabled": false}));
        let expected = Logging {
            format: log_format::LogFormat::Json,
            system_level: log_format::Level::Warn,
            enabled: false,
            ..Logging::default()
        };
        assert_eq!(json, expected);
    }
}
