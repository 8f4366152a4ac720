//! Messages between a gateway or the operator and a shim.
//!
//! The life of one invocation on the wire:
//!
//! ```text
//! gateway → shim   Invoke + payload
//! shim → gateway   Refused                      nothing was handed to a runtime: place it elsewhere
//!               or Accepted                     from here on it is never tried again elsewhere
//!                  Response + bytes …           the last one has `last: true`; the caller may be answered
//! gateway → shim   More                         only while a response is streamed: room for further parts
//! shim → gateway   Finished + log tail          the environment is done with it
//! ```
//!
//! A `State` goes to every linked peer whenever it changes, so several gateways need no shared lock: the shim
//! takes one invocation at a time and answers `Refused` to the second.

use domain::{AttemptId, RequestId, TimeBudget};
use serde::{Deserialize, Serialize};

use super::assignment::{Assignment, Revision};
pub use super::response::{
    FunctionError, FunctionErrorCause, ResponseHead, ResponseMode, ResponsePart, STREAM_PART_BYTES_MAX,
    STREAM_WINDOW_PARTS,
};
pub use super::state::{EnvironmentState, InitResult, Phase};
pub use super::timeline::{InitInterval, Interval, Timeline};

/// From a gateway or the operator to a shim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum ToEnvironment {
    /// From the operator, at most once in a pod's life; the body is the zip archive, if any.
    Assign(Box<Assignment>),
    /// From a gateway; the body is the payload.
    Invoke(Box<Invoke>),
    /// From a gateway: how long its oldest invocation without an environment has waited, in milliseconds, or
    /// `None` when nothing waits. A freed shim grants itself to the peer with the oldest.
    Waiting {
        /// Age of the oldest waiter.
        oldest_ms: Option<u64>,
    },
    /// From a gateway: there is room for further parts of a streamed response.
    More {
        /// Which attempt's.
        attempt: AttemptId,
        /// How many parts.
        parts: u32,
    },
    /// From the operator: take no further invocation; the pod will be deleted once the phase is `Drained`.
    Drain,
    /// Passed over; what a newer peer may send.
    #[serde(other)]
    Unknown,
}

/// One attempt to run an invocation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoke {
    /// The invocation's identity; the same over retries.
    pub request_id: RequestId,
    /// This attempt's identity.
    pub attempt: AttemptId,
    /// The revision that the gateway means; a shim that is another refuses.
    pub revision: Revision,
    /// Milliseconds that the function may take, from hand-over to the runtime.
    pub budget: TimeBudget,
    /// The ARN as the caller wrote it, completed.
    pub invoked_arn: String,
    /// Decoded client context, handed over byte for byte.
    #[serde(default)]
    pub client_context: Option<String>,
    /// Who calls, where the gateway knows.
    #[serde(default)]
    pub identity: Option<CognitoIdentity>,
    /// `X-Amzn-Trace-Id` for the runtime. Where the platform traces the function itself and the trace is
    /// sampled, its `Parent` is the function's segment.
    #[serde(default)]
    pub trace: Option<String>,
    /// Tenant id.
    #[serde(default)]
    pub tenant_id: Option<String>,
    /// Send the log tail with `Finished`.
    #[serde(default)]
    pub wants_log_tail: bool,
    /// How the answer is to come.
    #[serde(default)]
    pub response_mode: ResponseMode,
}

/// The caller's Cognito identity, as a function's context shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CognitoIdentity {
    /// Identity id.
    #[serde(rename = "cognitoIdentityId")]
    pub identity_id: String,
    /// Identity pool id.
    #[serde(rename = "cognitoIdentityPoolId")]
    pub pool_id: String,
}

/// From a shim to a gateway or the operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum FromEnvironment {
    /// First after the handshake, then on every change, to every peer.
    State(EnvironmentState),
    /// The shim turned free and reserves itself for this peer, for [`GRANT_MILLIS`].
    Granted,
    /// The attempt was not handed to a runtime and never will be.
    Refused {
        /// Which attempt.
        attempt: AttemptId,
        /// Why.
        reason: Refusal,
    },
    /// The attempt belongs to this environment.
    Accepted {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// A part of the answer; the body is a part of the payload.
    Response(ResponsePart),
    /// The attempt is over; the body is the log tail, if it was wanted.
    Finished {
        /// Which attempt.
        attempt: AttemptId,
        /// What it took.
        report: Report,
    },
    /// The function sent a segment to its X-Ray daemon; the body is the document, at most
    /// [`SEGMENT_BYTES_MAX`]. It goes to the gateway whose invocation runs, else to the one whose invocation
    /// ran last.
    Segment,
    /// Why a handler failed, as its runtime told X-Ray; the body is the cause, as
    /// [`crate::runtime_api::error_cause`] passes it on. Only where the trace is sampled, after the answer.
    ErrorCause {
        /// Which attempt's.
        attempt: AttemptId,
    },
    /// Passed over; what a newer shim may send.
    #[serde(other)]
    Unknown,
}

/// How long a shim keeps itself for the peer that it granted itself to, in milliseconds.
pub const GRANT_MILLIS: u64 = 100;

/// Largest segment document on the link, in bytes; as large as X-Ray takes.
pub const SEGMENT_BYTES_MAX: usize = 64 * 1024;

/// Why an attempt was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Refusal {
    /// Another invocation runs, or another peer holds the grant.
    Busy,
    /// The environment takes no further invocation.
    Draining,
    /// The environment is not yet assigned, or its init phase runs.
    NotReady,
    /// The environment belongs to another revision.
    OtherRevision,
    /// The environment belongs to another tenant, or to one and the invocation to none.
    OtherTenant,
    /// Only a gateway may invoke.
    NotAllowed,
}

/// What `REPORT` says, and what metrics are made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Duration in milliseconds.
    pub duration_ms: f64,
    /// Billed duration in milliseconds.
    pub billed_duration_ms: u64,
    /// Most memory that the function's processes held at once, in MB.
    pub max_memory_used_mb: u64,
    /// Duration of the init phase in milliseconds, on the first invocation after it.
    #[serde(default)]
    pub init_duration_ms: Option<f64>,
    /// What was left of the time budget when the response was complete, in milliseconds.
    pub remaining_ms: u64,
    /// When it all was; a shim of an earlier version does not say.
    #[serde(default)]
    pub timeline: Option<Timeline>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_a_newer_peer_is_passed_over() {
        let read: ToEnvironment = serde_json::from_str(r#"{"type":"snapshot","depth":3}"#).unwrap();
        assert_eq!(read, ToEnvironment::Unknown);
        let read: FromEnvironment = serde_json::from_str(r#"{"type":"metered"}"#).unwrap();
        assert_eq!(read, FromEnvironment::Unknown);
    }

    #[test]
    fn a_state_without_later_fields_is_read() {
        let read: FromEnvironment = serde_json::from_str(r#"{"type":"state","phase":"free"}"#).unwrap();
        let FromEnvironment::State(state) = read else { panic!("{read:?}") };
        assert_eq!(state.phase, Phase::Free);
    }
}
