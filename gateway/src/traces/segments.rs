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
//! An invocation that no environment took has the first only. Two clocks may differ, and are told as they are:
//! what a function sends has its environment's clock too.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use domain::{AttemptId, RequestId, TracingMode};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use protocol::lambda_api::trace::TraceHeader;
use protocol::link::environment::{FunctionError, Interval, Report};
use protocol::xray::{SegmentId, TraceId};

use super::attributes::Attributes;
use super::batch::Scope;
use super::queue::{Queue, Traces};
use crate::catalog::{FunctionEntry, Resolved};
use crate::chance::{self, NoRandomBytes};

/// Status of an answer from which on the platform has failed.
const FAILED: u16 = 500;
/// Status of an answer to an invocation that was not let in.
const THROTTLED: u16 = 429;

/// When a request came, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival(Instant);

impl Arrival {
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    /// The same moment by the wall clock, in microseconds since the epoch.
    fn epoch_us(self) -> u64 {
        chance::epoch_us().saturating_sub(u64::try_from(self.0.elapsed().as_micros()).unwrap_or_default())
    }
}

/// The platform's segments of one invocation that is sampled.
#[derive(Debug)]
pub(crate) struct Segments {
    queue: Arc<Queue>,
    resource: Arc<Resource>,
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
    failure: OnceLock<String>,
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
        let begun = self.queue().zip(function.fleet.traces().resource()).map(|(queue, resource)| {
            queue.begun();
            Arc::new(Segments {
                queue: Arc::clone(queue),
                resource,
                name: function.name.to_string(),
                request_id,
                invoked_arn: resolved.invoked_arn.clone(),
                trace,
                parent: header.upstream().parent,
                service,
                function: function_id,
                parts,
                arrived,
                failure: OnceLock::new(),
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
        // There is one answer.
        drop(self.failure.set(error.error_type.clone()));
    }

    /// The environment is done, and has told when what was. A shim of an earlier version does not tell.
    pub(crate) fn finished(&self, attempt: AttemptId, report: &Report) {
        let Some(timeline) = &report.timeline else { return };
        let [initialization, overhead] = self.parts;
        let start_us = timeline.init.map_or(timeline.invocation.start_us, |init| init.interval.start_us);
        let whole = Interval { start_us, end_us: timeline.ended_us };
        let after = Interval { start_us: timeline.invocation.end_us, end_us: timeline.ended_us };
        let mut spans = vec![self.function_span(whole, timeline.init.is_some())];
        if let Some(init) = timeline.init {
            let failure = init.failed.then_some("Initialization");
            spans.push(self.part(initialization, "Initialization", init.interval, failure));
        }
        let failure = self.failure.get().map(String::as_str);
        if let Ok(invocation) = attempt.invocation_segment().parse() {
            spans.push(self.part(invocation, "Invocation", timeline.invocation, failure));
        }
        spans.push(self.part(overhead, "Overhead", after, None));
        self.queue.put(Arc::clone(&self.resource), Scope::Platform, spans);
    }

    fn function_span(&self, interval: Interval, cold: bool) -> Span {
        let mut attributes = self.attributes("AWS::Lambda::Function");
        attributes.put("faas.coldstart", cold);
        let failure = self.failure.get().map(String::as_str);
        attributes.put_some("error.type", failure);
        let mut span = self.span(self.function, Some(self.service), &self.name, interval, SpanKind::Internal);
        span.attributes = attributes.into_parts().0;
        span.status = failure.map(error);
        span.events = failure.map(|failure| exception(failure, interval.end_us)).into_iter().collect();
        span
    }

    fn part(&self, id: SegmentId, name: &str, interval: Interval, failure: Option<&str>) -> Span {
        let mut span = self.span(id, Some(self.function), name, interval, SpanKind::Internal);
        span.status = failure.map(error);
        span
    }

    /// The request was answered; without a status, its caller went away before.
    fn answered(&self, status: Option<u16>, failure: Option<&str>) {
        let mut attributes = self.attributes("AWS::Lambda");
        attributes.put("http.request.method", "POST");
        attributes.put_some("http.response.status_code", status.map(i64::from));
        let failed = status.is_none_or(|status| status >= FAILED || status == THROTTLED);
        let failure = failure.or_else(|| failed.then_some("ClientDisconnected"));
        attributes.put_some("error.type", failure);
        let interval = Interval { start_us: self.arrived.epoch_us(), end_us: chance::epoch_us() };
        let mut span = self.span(self.service, self.parent, &self.name, interval, SpanKind::Server);
        span.attributes = attributes.into_parts().0;
        span.status = failure.map(error);
        self.queue.put(Arc::clone(&self.resource), Scope::Platform, vec![span]);
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

fn error(message: &str) -> Status {
    Status { code: StatusCode::Error.into(), message: message.to_owned() }
}

fn exception(class: &str, end_us: u64) -> Event {
    let mut attributes = Attributes::default();
    attributes.put("exception.type", class);
    let attributes = attributes.into_parts().0;
    Event {
        time_unix_nano: end_us.saturating_mul(1_000),
        name: "exception".to_owned(),
        attributes,
        ..Event::default()
    }
}

/// A request that is being answered; dropped when it has been, or when its caller went away.
#[derive(Debug)]
pub(crate) struct Answering {
    segments: Option<Arc<Segments>>,
    status: Option<u16>,
    failure: Option<String>,
}

impl Answering {
    pub(crate) fn new(segments: Option<Arc<Segments>>) -> Self {
        Self { segments, status: None, failure: None }
    }

    /// With this status, and where it tells of an error, with this one.
    pub(crate) fn with(&mut self, status: u16, failure: Option<&str>) {
        self.status = Some(status);
        self.failure = failure.map(str::to_owned);
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(segments) = &self.segments {
            segments.answered(self.status, self.failure.as_deref());
        }
    }
}
