//! Which records each schema has, and which of their fields.
//!
//! Recorded from the service in September 2026 with one subscriber per schema, all of the same environment: the
//! Telemetry API's schemas differ in the fields of `platform.initStart` and `platform.start`, and the Logs API
//! has no figures but those of `platform.report`.

use domain::RequestId;
use serde::Serialize;

use super::{InitStart, Metrics, Platform, ReportRecord, RuntimeDone, Start};
use crate::telemetry::{SchemaVersion, event};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogsRuntimeDone {
    request_id: RequestId,
    status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogsReport {
    request_id: RequestId,
    metrics: Metrics,
}

impl Platform {
    /// The event as a subscriber of `schema` gets it; none if that schema has no such record.
    pub fn to_event(&self, time: &str, schema: SchemaVersion) -> Option<String> {
        if schema.is_of_logs() {
            self.to_logs_event(time, schema)
        } else {
            self.to_telemetry_event(time, schema)
        }
    }

    fn to_telemetry_event(&self, time: &str, schema: SchemaVersion) -> Option<String> {
        match self {
            Self::End(_) | Self::Fault(_) | Self::Subscription { logs: true, .. } => None,
            Self::InitStart(record) if schema < SchemaVersion::V20221213 => {
                let record = InitStart { instance: None, ..record.clone() };
                Some(Self::InitStart(record).to_json(time))
            }
            Self::Start(record) if schema < SchemaVersion::V20250129 => {
                let record = Start { function_arn: None, ..record.clone() };
                Some(Self::Start(record).to_json(time))
            }
            _ => Some(self.to_json(time)),
        }
    }

    fn to_logs_event(&self, time: &str, schema: SchemaVersion) -> Option<String> {
        let kind = self.kind();
        match self {
            Self::InitStart(_)
            | Self::InitRuntimeDone(_)
            | Self::InitReport(_)
            | Self::Subscription { logs: false, .. } => None,
            Self::RuntimeDone(_) if schema < SchemaVersion::V20210318 => None,
            Self::RuntimeDone(RuntimeDone { request_id, status, .. }) => {
                Some(event(time, kind, &LogsRuntimeDone { request_id: *request_id, status }))
            }
            Self::Report(ReportRecord { request_id, metrics, .. }) => {
                Some(event(time, kind, &LogsReport { request_id: *request_id, metrics: metrics.clone() }))
            }
            Self::Start(record) => {
                let record = Start { function_arn: None, tenant_id: None, tracing: None, ..record.clone() };
                Some(Self::Start(record).to_json(time))
            }
            _ => Some(self.to_json(time)),
        }
    }
}
