//! The platform's own segments of one invocation, as X-Ray shows them for Lambda.
//!
//! ```text
//! AWS::Lambda                 arrival → answer, by the gateway's clock            kind SERVER
//! └─ AWS::Lambda::Function    init or hand-over → done, by the environment's      kind INTERNAL
//!    ├─ Initialization        only after an init phase
//!    ├─ Invocation
//!    ├─ Overhead
//!    └─ what the function sends
//! ```
//!
//! An init phase that was over before the request came is told as it was, but the function's own segment begins
//! with the hand-over: it is how long the function took for this request.
//!
//! An error that the handler told of is one of the function's segment, as on AWS; what ends a function (a time-out, an
//! exit, a failed init phase) and what keeps it from running (a throttle) is one of `AWS::Lambda` too.
//!
//! An invocation that no environment took has the first only. Two clocks may differ, and are told as they are:
//! what a function sends has its environment's clock too.

use std::sync::Arc;

use bytes::Bytes;
use domain::{AttemptId, RequestId, TracingMode};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use protocol::lambda_api::trace::TraceHeader;
use protocol::link::environment::{FunctionError, Interval, Report, Timeline};
use protocol::xray::{SegmentId, TraceId};

use super::arrival::Arrival;
use super::attributes::Attributes;
use super::failing::Failing;
use super::queue::{Queue, Traces};
use super::room::Owner;
use super::scope::Scope;
use crate::catalog::{FunctionEntry, Resolved};
use crate::chance::{self, NoRandomBytes};

/// Status of an answer from which on the platform has failed.
const FAILED: u16 = 500;
/// Status of an answer to an invocation that was not let in.
const THROTTLED: u16 = 429;

/// The platform's segments of one invocation that is sampled.
#[derive(Debug)]
pub(crate) struct Segments {
    queue: Arc<Queue>,
    owner: Owner,
    name: String,
    request_id: RequestId,
    invoked_arn: String,
    trace: TraceId,
    parent: Option<SegmentId>,
    service: SegmentId,
    function: SegmentId,
    /// Of `Initialization` and `Overhead`; that of `Invocation` is the attempt's.
    parts: [SegmentId; 2],
    arrived: Arrival,
    failing: Failing,
}

impl Traces {
    /// Decides on the trace of an invocation: the header for the runtime, and the platform's segments where it is
    /// sampled and somebody collects them.
    pub(crate) fn begin(
        &self,
        resolved: &Resolved,
        header: TraceHeader,
        request_id: RequestId,
        arrived: Arrival,
    ) -> Result<(TraceHeader, Option<Arc<Segments>>), NoRandomBytes> {
        let function = &resolved.function;
        let Some(trace) = header.trace_id().filter(|_| function.tracing == TracingMode::Active) else {
            return Ok((header, None));
        };
        if !is_sampled(function, &header) {
            return Ok((header.decided(false, None), None));
        }
        let (service, function_id) = (chance::segment_id()?, chance::segment_id()?);
        let parts = [chance::segment_id()?, chance::segment_id()?];
        let begun = self.queue().zip(function.fleet.traces().owner()).map(|(queue, owner)| {
            queue.begun();
            Arc::new(Segments {
                queue: Arc::clone(queue),
                owner,
                name: function.name.to_string(),
                request_id,
                invoked_arn: resolved.invoked_arn.clone(),
                trace,
                parent: header.upstream().parent,
                service,
                function: function_id,
                parts,
                arrived,
                failing: Failing::default(),
            })
        });
        Ok((header.decided(true, Some(function_id)), begun))
    }
}

fn is_sampled(function: &FunctionEntry, header: &TraceHeader) -> bool {
    let decide = || function.fleet.traces().sampler.samples(chance::epoch_seconds(), chance::jitter());
    header.upstream().sampled.unwrap_or_else(decide)
}

impl Segments {
    /// The function failed.
    pub(crate) fn failed(&self, error: &FunctionError) {
        self.failing.failed(error);
    }

    /// Why the handler failed, as its runtime tells X-Ray.
    pub(crate) fn caused(&self, cause: Bytes) {
        self.failing.caused(cause);
    }

    /// The environment is done, and has told when what was. A shim of an earlier version does not tell.
    pub(crate) fn finished(&self, attempt: AttemptId, report: &Report) {
        let Some(timeline) = &report.timeline else { return };
        let [initialization, overhead] = self.parts;
        let whole =
            Interval { start_us: began_us(timeline, self.arrived.epoch_us()), end_us: timeline.ended_us };
        let after = Interval { start_us: timeline.invocation.end_us, end_us: timeline.ended_us };
        let mut spans = vec![self.function_span(whole, timeline.init.is_some())];
        if let Some(init) = timeline.init {
            let failure = init.failed.then_some("Initialization");
            spans.push(self.part(initialization, "Initialization", init.interval, failure));
        }
        let failure = self.failing.error_type();
        if let Ok(invocation) = attempt.invocation_segment().parse() {
            spans.push(self.part(invocation, "Invocation", timeline.invocation, failure));
        }
        spans.push(self.part(overhead, "Overhead", after, None));
        self.queue.put(self.owner.clone(), Scope::Platform, spans);
    }

    fn function_span(&self, interval: Interval, cold: bool) -> Span {
        let mut attributes = self.attributes("AWS::Lambda::Function");
        attributes.put("faas.coldstart", cold);
        let failure = self.failing.error_type();
        attributes.put_some("error.type", failure);
        let mut span = self.span(self.function, Some(self.service), &self.name, interval, SpanKind::Internal);
        span.attributes = attributes.into_parts().0;
        span.status = failure.map(error);
        span.events = self.failing.exceptions(interval.end_us);
        span
    }

    fn part(&self, id: SegmentId, name: &str, interval: Interval, failure: Option<&str>) -> Span {
        let mut span = self.span(id, Some(self.function), name, interval, SpanKind::Internal);
        span.status = failure.map(error);
        span
    }

    /// The request was answered; without a status, its caller went away before. A time-out, an exit or a failed init
    /// phase failed this segment too; an error that the handler told of is the function's own.
    pub(super) fn answered(&self, status: Option<u16>, failure: Option<&str>) {
        let mut attributes = self.attributes("AWS::Lambda");
        attributes.put("http.request.method", "POST");
        attributes.put_some("http.response.status_code", status.map(i64::from));
        let failed = status.is_none_or(|status| status >= FAILED || status == THROTTLED);
        let failure =
            failure.or_else(|| self.failing.ended_by()).or_else(|| failed.then_some("ClientDisconnected"));
        attributes.put_some("error.type", failure);
        let interval = Interval { start_us: self.arrived.epoch_us(), end_us: chance::epoch_us() };
        let mut span = self.span(self.service, self.parent, &self.name, interval, SpanKind::Server);
        span.attributes = attributes.into_parts().0;
        span.status = failure.map(error);
        self.queue.put(self.owner.clone(), Scope::Platform, vec![span]);
    }

    fn attributes(&self, origin: &str) -> Attributes {
        let mut attributes = Attributes::default();
        attributes.put("aws.xray.origin", origin);
        attributes.put("faas.invocation_id", self.request_id.to_string());
        attributes.put("aws.lambda.invoked_arn", &self.invoked_arn);
        attributes
    }

    fn span(
        &self,
        id: SegmentId,
        parent: Option<SegmentId>,
        name: &str,
        interval: Interval,
        kind: SpanKind,
    ) -> Span {
        Span {
            trace_id: self.trace.bytes().to_vec(),
            span_id: id.bytes().to_vec(),
            parent_span_id: parent.map(|parent| parent.bytes().to_vec()).unwrap_or_default(),
            name: name.to_owned(),
            kind: kind.into(),
            start_time_unix_nano: interval.start_us.saturating_mul(1_000),
            end_time_unix_nano: interval.end_us.max(interval.start_us).saturating_mul(1_000),
            ..Span::default()
        }
    }
}

impl Drop for Segments {
    fn drop(&mut self) {
        self.queue.finished();
    }
}

/// When the function's segment begins: with the init phase only where the request waited for it.
fn began_us(timeline: &Timeline, arrived_us: u64) -> u64 {
    let init = timeline.init.map(|init| init.interval).filter(|init| init.end_us > arrived_us);
    init.map_or(timeline.invocation.start_us, |init| init.start_us)
}

fn error(message: &str) -> Status {
    Status { code: StatusCode::Error.into(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use protocol::link::environment::InitInterval;

    use super::*;

    #[test]
    fn it_begins_with_an_init_phase_that_the_request_waited_for() {
        let interval = Interval { start_us: 100, end_us: 200 };
        let invocation = Interval { start_us: 300, end_us: 400 };
        let cold =
            Timeline { init: Some(InitInterval { interval, failed: false }), invocation, ended_us: 500 };
        assert_eq!(began_us(&cold, 50), 100, "it came before");
        assert_eq!(began_us(&cold, 150), 100, "it came meanwhile");
        assert_eq!(began_us(&cold, 200), 300, "it came when that was over");
        assert_eq!(began_us(&Timeline { init: None, ..cold }, 50), 300);
    }
}
