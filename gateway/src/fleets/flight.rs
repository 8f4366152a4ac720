//! One invocation between its caller and its environment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::placement::{InvocationKey, Tenant};
use domain::{AttemptId, RequestId, TimeBudget};
use protocol::link::assignment::Revision;
use protocol::link::environment::{
    FunctionError, FunctionErrorCause, Invoke, Report, ResponseHead, ResponseMode,
};
use tokio::sync::mpsc;

use super::flow::Flow;
use super::refusal::Blocked;
use crate::limits;
use crate::metrics::{FunctionSeries, Outcome};
use crate::payload_budget::Reservation;
use crate::traces::Segments;

/// What a caller is told, in this order.
#[derive(Debug)]
pub(crate) enum Progress {
    /// An environment took it; from here on it runs there or nowhere. Whoever takes parts says so there.
    HandedOver(Arc<Flow>),
    /// The answer begins.
    Head(ResponseHead),
    /// Bytes of the answer.
    Part(Bytes),
    /// The answer is complete.
    End(Ended),
    /// The environment is done with it; the log tail, where it was asked for.
    Finished(Bytes),
    /// The environment was lost, and the invocation may have run.
    Lost,
    /// No environment can start.
    Obstructed(Blocked),
    /// The function was deleted.
    Deleted,
}

/// How an answer ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// All of it was there.
    Whole,
    /// It had begun as a success and failed half-way; the error as the caller of Invoke reads it.
    HalfWay(FunctionError, Bytes),
}

/// What goes with every attempt.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) request_id: RequestId,
    pub(crate) budget: TimeBudget,
    pub(crate) invoked_arn: String,
    pub(crate) client_context: Option<String>,
    pub(crate) trace: String,
    pub(crate) tenant_id: Option<String>,
    /// The same, where environments are one tenant's.
    pub(crate) tenant: Option<Tenant>,
    pub(crate) wants_log_tail: bool,
    pub(crate) response_mode: ResponseMode,
    /// The platform's segments, where it traces the invocation.
    pub(crate) segments: Option<Arc<Segments>>,
}

/// The request's payload, which counts as in flight until an environment has it.
#[derive(Debug)]
pub(crate) struct Payload {
    pub(crate) bytes: Bytes,
    _reservation: Reservation,
}

impl Payload {
    pub(crate) fn new(bytes: Bytes, reservation: Reservation) -> Self {
        Self { bytes, _reservation: reservation }
    }
}

/// An invocation that was taken on. Lives until its environment is done with it, whether or not anybody waits.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) key: InvocationKey,
    pub(crate) arrived: Instant,
    order: Order,
    payload: Mutex<Option<Payload>>,
    progress: mpsc::Sender<Progress>,
    series: Arc<FunctionSeries>,
}

impl Flight {
    pub(crate) fn new(
        key: InvocationKey,
        order: Order,
        payload: Payload,
        series: Arc<FunctionSeries>,
    ) -> (Arc<Self>, mpsc::Receiver<Progress>) {
        let (progress, receiver) = mpsc::channel(limits::PROGRESS_QUEUE);
        let payload = Mutex::new(Some(payload));
        (Arc::new(Self { key, arrived: Instant::now(), order, payload, progress, series }), receiver)
    }

    /// The first frame of an attempt, header and body.
    pub(crate) fn invoke(&self, attempt: AttemptId, revision: Revision) -> (Invoke, Bytes) {
        let order = self.order.clone();
        let invoke = Invoke {
            request_id: order.request_id,
            attempt,
            revision,
            budget: order.budget,
            invoked_arn: order.invoked_arn,
            client_context: order.client_context,
            identity: None,
            trace: Some(order.trace),
            tenant_id: order.tenant_id,
            wants_log_tail: order.wants_log_tail,
            response_mode: order.response_mode,
        };
        let payload = self.payload.lock().unwrap_or_else(PoisonError::into_inner);
        (invoke, payload.as_ref().map(|payload| payload.bytes.clone()).unwrap_or_default())
    }

    /// Whose environment it needs.
    pub(crate) fn tenant(&self) -> Option<Tenant> {
        self.order.tenant.clone()
    }

    pub(crate) fn request_id(&self) -> RequestId {
        self.order.request_id
    }

    /// Longest that an environment may have it, before its link counts as dead.
    pub(crate) fn overdue(&self) -> Duration {
        let init = Duration::from_secs(domain::limits::INIT_SECONDS_MAX);
        self.order.budget.as_duration() + init + limits::OVERDUE_MARGIN
    }

    /// Whether its caller reads the answer as it comes.
    pub(crate) fn is_streamed(&self) -> bool {
        self.order.response_mode == ResponseMode::Streaming
    }

    /// An environment took it.
    pub(crate) fn accepted(&self, flow: &Arc<Flow>) {
        drop(self.payload.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.series.waited(self.arrived.elapsed());
        self.tell(Progress::HandedOver(Arc::clone(flow)));
    }

    /// A part of the answer. Waits while the caller has not read what came before; a caller that is gone reads
    /// nothing and keeps nobody waiting: then it is false. A streamed answer has a window that leaves room here.
    pub(crate) async fn part(&self, progress: Progress) -> bool {
        self.progress.send(progress).await.is_ok()
    }

    /// The answer is complete.
    pub(crate) async fn answered(&self, error: Option<FunctionError>, ended: Ended) {
        if let (Some(error), Some(segments)) = (&error, &self.order.segments) {
            segments.failed(error);
        }
        self.series.ended(match error.map(|error| error.cause) {
            None => Outcome::Success,
            Some(FunctionErrorCause::Handler | FunctionErrorCause::Init) => Outcome::FunctionError,
            Some(FunctionErrorCause::TimedOut) => Outcome::Timeout,
            Some(FunctionErrorCause::Crashed) => Outcome::Crash,
        });
        self.part(Progress::End(ended)).await;
    }

    /// Why the handler failed.
    pub(crate) fn caused(&self, cause: Bytes) {
        if let Some(segments) = &self.order.segments {
            segments.caused(cause);
        }
    }

    /// The environment is done with it.
    pub(crate) async fn finished(&self, attempt: AttemptId, report: &Report, log_tail: Bytes) {
        self.series.reported(report);
        if let Some(segments) = &self.order.segments {
            segments.finished(attempt, report);
        }
        self.part(Progress::Finished(log_tail)).await;
    }

    pub(crate) fn lost(&self) {
        self.series.ended(Outcome::PlatformError);
        self.tell(Progress::Lost);
    }

    pub(crate) fn obstructed(&self, blocked: Blocked) {
        self.tell(Progress::Obstructed(blocked));
    }

    pub(crate) fn deleted(&self) {
        self.tell(Progress::Deleted);
    }

    /// Tells without waiting. Where the queue is full, or the caller gone, it is told by the queue's end.
    fn tell(&self, progress: Progress) {
        drop(self.progress.try_send(progress));
    }
}
