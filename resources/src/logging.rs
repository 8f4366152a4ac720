//! `spec.loggingConfig`: how a function's log is written, and what of it, as AWS names it.

use domain::FunctionName;
use domain::log_format::{self, Logging};
use domain::log_stream::default_log_group;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::function::FunctionSpec;

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

impl FunctionSpec {
    /// What an environment needs to know of the log.
    pub fn logging(&self) -> Logging {
        use log_format::Level;
        let Some(config) = &self.logging_config else { return Logging::default() };
        Logging {
            format: match config.log_format {
                LogFormat::Text => log_format::LogFormat::Text,
                LogFormat::Json => log_format::LogFormat::Json,
            },
            application_level: match config.application_log_level {
                Some(ApplicationLogLevel::Trace) => Level::Trace,
                Some(ApplicationLogLevel::Debug) => Level::Debug,
                Some(ApplicationLogLevel::Info) | None => Level::Info,
                Some(ApplicationLogLevel::Warn) => Level::Warn,
                Some(ApplicationLogLevel::Error) => Level::Error,
                Some(ApplicationLogLevel::Fatal) => Level::Fatal,
            },
            system_level: match config.system_log_level {
                Some(SystemLogLevel::Debug) => Level::Debug,
                Some(SystemLogLevel::Info) | None => Level::Info,
                Some(SystemLogLevel::Warn) => Level::Warn,
            },
            enabled: config.enabled,
        }
    }

    /// The log group of a function of this name.
    pub fn log_group(&self, name: &FunctionName) -> String {
        let own = self.logging_config.as_ref().and_then(|config| config.log_group.clone());
        own.unwrap_or_else(|| default_log_group(name))
    }
}

fn default_enabled() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(logging: &serde_json::Value) -> FunctionSpec {
        let manifest = json!({"runtime": "r", "handler": "a.b", "code": {"inline": {"a": "x"}}, "loggingConfig": logging});
        serde_json::from_value(manifest).unwrap()
    }

    #[test]
    fn defaults_are_aws_s() {
        let name = "f".parse().unwrap();
        assert_eq!(spec(&json!({})).logging(), Logging::default());
        assert_eq!(spec(&json!({})).log_group(&name), "/aws/lambda/f");
        let json = spec(
            &json!({"logFormat": "JSON", "systemLogLevel": "WARN", "logGroup": "own", "enabled": false}),
        );
        assert_eq!((json.logging().system_level, json.logging().enabled), (log_format::Level::Warn, false));
        assert_eq!(json.log_group(&name), "own");
    }
}
