//! The life of one invocation, from a request to its answer.
//!
//! A caller that goes away while it waits gives up its place; one that goes away later changes nothing: the
//! function runs on, and its slot is kept until the environment is done.

use std::sync::Arc;

use domain::placement::{InvocationKey, Tenant, Throttled};
use domain::{FunctionReference, RequestId};
use protocol::lambda_api::invoke::{InvocationType, InvokeOptions, LogType};
use protocol::link::control::Obstacle;
use protocol::link::environment::ResponseMode;

use crate::answer::{Answer, InvokeError, Ran};
use crate::catalog::{FunctionEntry, NotResolved, Resolved, Tenancy};
use crate::fleets::{Flight, NotAdmitted, Order, Payload, Ticket};
use crate::gateway::Gateway;
use crate::listener::Listener;
use crate::metrics::{FunctionSeries, Outcome};
use crate::traces::{Answering, Arrival, Segments};

/// What a caller asks for, read and checked.
#[derive(Debug)]
pub struct Request {
    pub(crate) id: RequestId,
    pub(crate) target: FunctionReference,
    pub(crate) options: InvokeOptions,
    pub(crate) payload: Payload,
}

/// A request whose function is known.
#[derive(Debug)]
pub(crate) struct Call {
    id: RequestId,
    pub(crate) resolved: Resolved,
    pub(crate) options: InvokeOptions,
    payload: Payload,
    segments: Option<Arc<Segments>>,
}

impl Gateway {
    /// Finds the function and decides on the trace, which lasts as long as what is returned beside the call.
    pub(crate) fn call(&self, request: Request, arrived: Arrival) -> Result<(Call, Answering), InvokeError> {
        let Request { id, target, mut options, payload } = request;
        let resolved = self.resolve(target).map_err(NotResolved::of_invoke)?;
        match (resolved.function.tenancy, &options.tenant_id) {
            (Tenancy::Shared, Some(_)) => return Err(InvokeError::HasNoTenants),
            (Tenancy::PerTenant, None) => return Err(InvokeError::NeedsTenant),
            _ => {}
        }
        let mut segments = None;
        if options.invocation_type != InvocationType::DryRun {
            (options.trace, segments) = self.traces().begin(&resolved, options.trace, id, arrived)?;
        }
        let answering = Answering::new(segments.clone());
        Ok((Call { id, resolved, options, payload, segments }, answering))
    }

    /// Runs one invocation.
    pub(crate) async fn invoke(&self, call: Call) -> Result<Answer, InvokeError> {
        let function = Arc::clone(&call.resolved.function);
        if let Some(unavailable) = &function.unavailable {
            return Err(InvokeError::Unavailable(unavailable.clone()));
        }
        if call.options.invocation_type == InvocationType::DryRun {
            return Ok(Answer::DryRun);
        }
        let (order, payload) = call.order(ResponseMode::Buffered);
        let series = self.series_of(&function);
        let ran = self.run(&function, order, payload, &series).await;
        count(&series, &ran);
        ran.map(Answer::Ran)
    }

    async fn run(
        &self,
        function: &Arc<FunctionEntry>,
        order: Order,
        payload: Payload,
        series: &Arc<FunctionSeries>,
    ) -> Result<Ran, InvokeError> {
        let wants_log_tail = order.wants_log_tail;
        let (mut listener, _ticket) = self.hand_over(function, order, payload, series).await?;
        let version = function.revision.version.clone();
        listener.answer(wants_log_tail, version, self.payload_budget()).await
    }

    /// Takes an invocation on and waits until an environment has it.
    pub(crate) async fn hand_over(
        &self,
        function: &FunctionEntry,
        order: Order,
        payload: Payload,
        series: &Arc<FunctionSeries>,
    ) -> Result<(Listener, Ticket), InvokeError> {
        let (request_id, arn) = (order.request_id, order.invoked_arn.clone());
        let key = InvocationKey(self.next_invocation());
        let (flight, progress) = Flight::new(key, order, payload, Arc::clone(series));
        let ticket = function.fleet.admit(&flight).map_err(|refused| not_admitted(refused, &arn))?;
        drop(flight);
        let mut listener = Listener::new(progress, request_id, arn);
        listener.hand_over(&ticket, self.environment_wait()).await?;
        Ok((listener, ticket))
    }

    pub(crate) fn series_of(&self, function: &FunctionEntry) -> Arc<FunctionSeries> {
        self.function_metrics().of(&function.labels())
    }
}

impl Call {
    /// What goes with every attempt, and the payload.
    pub(crate) fn order(self, response_mode: ResponseMode) -> (Order, Payload) {
        let Self { id, resolved, options, payload, segments } = self;
        let isolates = resolved.function.tenancy == Tenancy::PerTenant;
        let tenant = options.tenant_id.as_deref().filter(|_| isolates).map(|id| Tenant(id.into()));
        let order = Order {
            request_id: id,
            budget: resolved.function.budget,
            invoked_arn: resolved.invoked_arn,
            client_context: options.client_context,
            trace: options.trace.as_str().to_owned(),
            tenant_id: options.tenant_id,
            tenant,
            wants_log_tail: options.log_type == LogType::Tail,
            response_mode,
            segments,
        };
        (order, payload)
    }
}

/// Counts an invocation that has no answer.
pub(crate) fn count<T>(series: &FunctionSeries, ran: &Result<T, InvokeError>) {
    if let Err(error) = ran
        && let Some(outcome) = outcome(error)
    {
        series.ended(outcome);
    }
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
