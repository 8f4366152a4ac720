//! How an invocation ends for its caller: with an answer, or with the reason why there is none.

use std::time::Duration;

use bytes::Bytes;
use domain::RequestId;
use domain::placement::Throttled;
use protocol::lambda_api::ServiceError;
use protocol::link::control::Obstacle;

use crate::catalog::{NotResolved, Unavailable};
use crate::chance::NoRandomBytes;

/// What a caller gets.
#[derive(Debug)]
pub enum Answer {
    /// It may invoke, and nothing ran.
    DryRun,
    /// The function answered, with a result or an error of its own.
    Ran(Ran),
}

/// The answer of a function.
#[derive(Debug)]
pub struct Ran {
    /// The version that ran.
    pub version: String,
    /// Whether the payload tells of a function error.
    pub is_error: bool,
    /// The log tail, where it was asked for.
    pub log_tail: Option<Bytes>,
    /// The payload.
    pub payload: Bytes,
}

/// Why an invocation has no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The request breaks a rule of the API.
    #[error(transparent)]
    Request(#[from] ServiceError),
    /// The function's environments serve everybody, and the caller names a tenant.
    #[error("the function has no tenants")]
    HasNoTenants,
    /// The function isolates its tenants, and the caller names none.
    #[error("the function needs a tenant id")]
    NeedsTenant,
    /// There is no such function here.
    #[error(transparent)]
    Target(#[from] NotResolved),
    /// The function cannot be invoked as it is declared.
    #[error("the function cannot be invoked: {0:?}")]
    Unavailable(Unavailable),
    /// It was not let in.
    #[error("throttled: {0:?}")]
    Throttled(Throttled),
    /// Too many payload bytes are in flight.
    #[error("too many payload bytes are in flight")]
    TooManyBytes,
    /// No environment was there in time.
    #[error("no environment within {0:?}")]
    WaitedTooLong(Duration),
    /// No environment can start.
    #[error("no environment can start: {message}")]
    Obstructed {
        /// What kind of obstacle.
        reason: Obstacle,
        /// The cluster's own words.
        message: String,
    },
    /// The function was deleted while the invocation waited.
    #[error("the function was deleted")]
    Deleted {
        /// Its ARN.
        arn: String,
    },
    /// The environment was lost, and the function may have run.
    #[error("the environment was lost")]
    Lost {
        /// Whose.
        request_id: RequestId,
    },
    /// The body did not come in time.
    #[error("the body did not come in time")]
    BodyTimedOut,
    /// The body broke off.
    #[error("the body broke off")]
    BodyBroken,
    /// The system gave no random bytes.
    #[error(transparent)]
    NoRandomBytes(#[from] NoRandomBytes),
}
