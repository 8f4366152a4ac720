//! The records of init phases and invocations, field by field.

use domain::RequestId;
use domain::log_lines::Ending;
use serde::Serialize;

use crate::extensions_api::Tracing;

/// `platform.initStart`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of the schema")]
pub struct InitStart {
    pub initialization_type: &'static str,
    pub phase: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_version_arn: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Instance>,
}

/// What `platform.initStart` tells of the environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of the schema")]
pub struct Instance {
    pub function_name: String,
    pub function_version: String,
    pub instance_id: String,
    pub instance_max_memory: u64,
}

/// `platform.initRuntimeDone`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of the schema")]
pub struct InitPhaseRecord {
    pub initialization_type: &'static str,
    pub phase: &'static str,
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
}

/// `platform.initReport`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of the schema")]
pub struct InitReport {
    #[serde(flatten)]
    pub phase: InitPhaseRecord,
    pub metrics: Metrics,
}

/// `platform.start`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of the schema")]
pub struct Start {
    pub request_id: RequestId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_arn: Option<String>,
    pub version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracing: Option<Tracing>,
}

/// `platform.runtimeDone`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of the schema")]
pub struct RuntimeDone {
    pub request_id: RequestId,
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    pub metrics: Metrics,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracing: Option<Tracing>,
}

/// `platform.report`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of the schema")]
pub struct ReportRecord {
    pub request_id: RequestId,
    pub metrics: Metrics,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracing: Option<Tracing>,
}

/// Figures; those that a record does not have are left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of the schema")]
pub struct Metrics {
    pub duration_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub produced_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billed_duration_ms: Option<u64>,
    #[serde(rename = "memorySizeMB", skip_serializing_if = "Option::is_none")]
    pub memory_size_mb: Option<u32>,
    #[serde(rename = "maxMemoryUsedMB", skip_serializing_if = "Option::is_none")]
    pub max_memory_used_mb: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_duration_ms: Option<f64>,
}

/// A part of an invocation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of the schema")]
pub struct Span {
    pub name: &'static str,
    pub start: String,
    pub duration_ms: f64,
}

/// An ending as records tell it: status, and error type.
impl From<&Ending> for InitPhaseRecord {
    fn from(ending: &Ending) -> Self {
        let (status, error_type) = match ending {
            Ending::Success => ("success", None),
            Ending::TimedOut => ("timeout", None),
            // AWS's source tells the sandbox's own failures from what function and runtime did.
            Ending::Error { error_type } if error_type.starts_with("Sandbox.") => {
                ("failure", Some(error_type.clone()))
            }
            Ending::Error { error_type } => ("error", Some(error_type.clone())),
        };
        Self { initialization_type: "on-demand", phase: "init", status, error_type }
    }
}
