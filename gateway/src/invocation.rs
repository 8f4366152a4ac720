//! The life of one invocation, from a request to its answer.
//!
//! A caller that goes away while it waits gives up its place; one that goes away later changes nothing: the
//! function runs on, and its slot is kept until the environment is done.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use domain::placement::{InvocationKey, Throttled};
use domain::{FunctionReference, RequestId};
use protocol::lambda_api::ServiceError;
use protocol::lambda_api::invoke::{InvocationType, InvokeOptions, LogType};
use protocol::link::control::Obstacle;
use protocol::link::environment::ResponseHead;
use tokio::sync::mpsc;

use crate::catalog::{FunctionEntry, NotResolved, Resolved, Unavailable};
use crate::chance::NoRandomBytes;
use crate::fleets::{Flight, NotAdmitted, Order, Payload, Progress, Ticket};
use crate::gateway::Gateway;
use crate::metrics::{FunctionLabels, FunctionSeries, Outcome};

/// What a caller asks for, read and checked.
#[derive(Debug)]
pub struct Request {
    pub(crate) id: RequestId,
    pub(crate) target: FunctionReference,
    pub(crate) options: InvokeOptions,
    pub(crate) payload: Payload,
}

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

impl Gateway {
    /// Runs one invocation.
    pub async fn invoke(&self, request: Request) -> Result<Answer, InvokeError> {
        let Request { id: request_id, target, options, payload } = request;
        let Resolved { function, invoked_arn } = self.resolve(target)?;
        if let Some(unavailable) = &function.unavailable {
            return Err(InvokeError::Unavailable(unavailable.clone()));
        }
        if options.invocation_type == InvocationType::DryRun {
            return Ok(Answer::DryRun);
        }
        let order = Order {
            request_id,
            budget: function.budget,
            invoked_arn,
            client_context: options.client_context,
            trace: options.trace.as_str().to_owned(),
            tenant_id: options.tenant_id,
            wants_log_tail: options.log_type == LogType::Tail,
        };
        let series = self.series_of(&function);
        let ran = self.run(&function, order, payload, &series).await;
        if let Err(error) = &ran
            && let Some(outcome) = outcome(error)
        {
            series.ended(outcome);
        }
        ran.map(Answer::Ran)
    }

    async fn run(
        &self,
        function: &Arc<FunctionEntry>,
        order: Order,
        payload: Payload,
        series: &Arc<FunctionSeries>,
    ) -> Result<Ran, InvokeError> {
        let (request_id, arn) = (order.request_id, order.invoked_arn.clone());
        let wants_log_tail = order.wants_log_tail;
        let key = InvocationKey(self.next_invocation());
        let (flight, progress) = Flight::new(key, order, payload, Arc::clone(series));
        let ticket = function.fleet.admit(&flight).map_err(|refused| not_admitted(refused, &arn))?;
        drop(flight);
        let mut listener = Listener { progress, request_id, arn };
        listener.hand_over(&ticket, self.environment_wait()).await?;
        let ran = listener.answer(wants_log_tail, function.revision.version.clone()).await?;
        Ok(Ran { payload: self.payload_budget().count(ran.payload), ..ran })
    }

    fn series_of(&self, function: &FunctionEntry) -> Arc<FunctionSeries> {
        self.function_metrics().of(&FunctionLabels {
            namespace: function.revision.namespace.clone(),
            function: function.name.to_string(),
            version: function.revision.version.clone(),
        })
    }
}

/// The caller's end of a flight.
struct Listener {
    progress: mpsc::Receiver<Progress>,
    request_id: RequestId,
    arn: String,
}

impl Listener {
    /// Waits until an environment has the invocation, at most `wait`.
    async fn hand_over(&mut self, ticket: &Ticket, wait: Duration) -> Result<(), InvokeError> {
        let first = match tokio::time::timeout(wait, self.progress.recv()).await {
            Ok(first) => first,
            Err(_) if ticket.cancel() => return Err(InvokeError::WaitedTooLong(wait)),
            // It is on its way to an environment, whose link has a bound of its own.
            Err(_) => self.progress.recv().await,
        };
        match first {
            Some(Progress::HandedOver) => Ok(()),
            other => Err(self.failure(other)),
        }
    }

    async fn answer(&mut self, wants_log_tail: bool, version: String) -> Result<Ran, InvokeError> {
        let (mut head, mut parts, mut complete): (Option<ResponseHead>, Vec<Bytes>, bool) =
            (None, Vec::new(), false);
        let mut log_tail = None;
        while !complete || (wants_log_tail && log_tail.is_none()) {
            match self.progress.recv().await {
                Some(Progress::Head(first)) => head = Some(first),
                Some(Progress::Part(part)) => parts.push(part),
                Some(Progress::End) => complete = true,
                Some(Progress::Finished(tail)) => log_tail = Some(tail),
                // The answer is there, the log is lost: the answer is worth more.
                None if complete => break,
                other => return Err(self.failure(other)),
            }
        }
        let is_error = head.is_some_and(|head| head.function_error.is_some());
        let log_tail = log_tail.filter(|_| wants_log_tail);
        Ok(Ran { version, is_error, log_tail, payload: joined(parts) })
    }

    fn failure(&self, progress: Option<Progress>) -> InvokeError {
        match progress {
            Some(Progress::Obstructed(blocked)) => {
                InvokeError::Obstructed { reason: blocked.reason, message: blocked.message }
            }
            Some(Progress::Deleted) => InvokeError::Deleted { arn: self.arn.clone() },
            _ => InvokeError::Lost { request_id: self.request_id },
        }
    }
}

fn joined(mut parts: Vec<Bytes>) -> Bytes {
    if parts.len() < 2 {
        return parts.pop().unwrap_or_default();
    }
    let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    for part in &parts {
        whole.extend_from_slice(part);
    }
    whole.freeze()
}

fn not_admitted(refused: NotAdmitted, arn: &str) -> InvokeError {
    match refused {
        NotAdmitted::Throttled(Throttled::Closed) => InvokeError::Deleted { arn: arn.to_owned() },
        NotAdmitted::Throttled(throttled) => InvokeError::Throttled(throttled),
        NotAdmitted::Blocked(blocked) => {
            InvokeError::Obstructed { reason: blocked.reason, message: blocked.message }
        }
    }
}

/// How an error counts; `None` where the flight has counted it, or nothing was to run.
fn outcome(error: &InvokeError) -> Option<Outcome> {
    match error {
        InvokeError::Throttled(_) | InvokeError::TooManyBytes => Some(Outcome::Throttle),
        InvokeError::Obstructed { reason: Obstacle::Refused | Obstacle::Unschedulable, .. } => {
            Some(Outcome::Throttle)
        }
        InvokeError::WaitedTooLong(_) | InvokeError::Obstructed { .. } => Some(Outcome::PlatformError),
        _ => None,
    }
}
