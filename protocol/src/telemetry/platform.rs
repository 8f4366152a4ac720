//! The platform's records, keys in the order in which the service writes them.
//!
//! Sources: AWS's developer guide, "Lambda Telemetry API Event schema reference"; recorded events of the service.

mod records;
mod schema;

use domain::RequestId;
use domain::log_format::Level;
use serde::Serialize;

use super::event;
pub use records::{
    InitPhaseRecord, InitReport, InitStart, Instance, Metrics, ReportRecord, RuntimeDone, Span, Start,
};

/// A record of the platform.
#[derive(Debug, Clone, PartialEq)]
pub enum Platform {
    /// The init phase begins.
    InitStart(InitStart),
    /// The runtime asked for its first event, or failed.
    InitRuntimeDone(InitPhaseRecord),
    /// The init phase is over.
    InitReport(InitReport),
    /// An invocation begins.
    Start(Start),
    /// The runtime is done with it, or failed.
    RuntimeDone(RuntimeDone),
    /// It is over. Only the Logs API tells of it.
    End(RequestId),
    /// What it took.
    Report(ReportRecord),
    /// Something went wrong. Only the Logs API tells of it: the Telemetry API's schema does not have it.
    Fault(String),
    /// An extension, at the end of the init phase.
    Extension {
        /// Its name.
        name: String,
        /// Its state.
        state: String,
        /// What it asked for.
        events: Vec<String>,
        /// What it failed with.
        error_type: Option<String>,
    },
    /// An extension subscribed.
    Subscription {
        /// To the Logs API; otherwise to the Telemetry API.
        logs: bool,
        /// The extension's name.
        name: String,
        /// `Subscribed` or `Already subscribed`.
        state: &'static str,
        /// To what.
        types: Vec<&'static str>,
    },
    /// A subscriber does not keep up.
    LogsDropped {
        /// Events.
        records: u64,
        /// Their bytes.
        bytes: u64,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtensionRecord<'a> {
    name: &'a str,
    state: &'a str,
    events: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<&'a str>,
}

#[derive(Serialize)]
struct SubscriptionRecord<'a> {
    name: &'a str,
    state: &'a str,
    types: &'a [&'static str],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DroppedRecord {
    dropped_bytes: u64,
    dropped_records: u64,
    reason: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EndRecord {
    request_id: RequestId,
}

impl Platform {
    /// The record's type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InitStart(_) => "platform.initStart",
            Self::InitRuntimeDone(_) => "platform.initRuntimeDone",
            Self::InitReport(_) => "platform.initReport",
            Self::Start(_) => "platform.start",
            Self::RuntimeDone(_) => "platform.runtimeDone",
            Self::End(_) => "platform.end",
            Self::Report(_) => "platform.report",
            Self::Fault(_) => "platform.fault",
            Self::Extension { .. } => "platform.extension",
            Self::Subscription { logs: true, .. } => "platform.logsSubscription",
            Self::Subscription { logs: false, .. } => "platform.telemetrySubscription",
            Self::LogsDropped { .. } => "platform.logsDropped",
        }
    }

    /// The level at which the system log has it; none where it has no such record.
    pub fn level(&self) -> Option<Level> {
        let of = |status: &str| if status == "success" { Level::Debug } else { Level::Warn };
        match self {
            // Where it names no version, it is of interest to few.
            Self::InitStart(record) if record.runtime_version.is_some() => Some(Level::Info),
            Self::InitStart(_) => Some(Level::Debug),
            Self::InitRuntimeDone(InitPhaseRecord { status, .. })
            | Self::InitReport(InitReport { phase: InitPhaseRecord { status, .. }, .. })
            | Self::RuntimeDone(RuntimeDone { status, .. }) => Some(of(status)),
            Self::Start(_) | Self::Subscription { .. } | Self::Extension { error_type: None, .. } => {
                Some(Level::Info)
            }
            Self::Report(record) if record.status == "success" => Some(Level::Info),
            Self::Report(_) | Self::Extension { .. } | Self::LogsDropped { .. } => Some(Level::Warn),
            Self::End(_) | Self::Fault(_) => None,
        }
    }

    /// The event, as JSON without a line feed.
    pub fn to_json(&self, time: &str) -> String {
        let kind = self.kind();
        match self {
            Self::InitStart(record) => event(time, kind, record),
            Self::InitRuntimeDone(record) => event(time, kind, record),
            Self::InitReport(record) => event(time, kind, record),
            Self::Start(record) => event(time, kind, record),
            Self::RuntimeDone(record) => event(time, kind, record),
            Self::Report(record) => event(time, kind, record),
            Self::End(request) => event(time, kind, &EndRecord { request_id: *request }),
            Self::Fault(text) => event(time, kind, text.as_str()),
            Self::Extension { name, state, events, error_type } => {
                let error_type = error_type.as_deref();
                event(time, kind, &ExtensionRecord { name, state, events, error_type })
            }
            Self::Subscription { name, state, types, .. } => {
                event(time, kind, &SubscriptionRecord { name, state, types })
            }
            Self::LogsDropped { records, bytes } => {
                let reason =
                    "Consumer seems to have fallen behind as it has not acknowledged receipt of logs.";
                event(time, kind, &DroppedRecord { dropped_bytes: *bytes, dropped_records: *records, reason })
            }
        }
    }
}

#[cfg(test)]
mod tests;
