//! The platform's records of init phases and invocations: for the log, and for extensions that subscribed.

use domain::environment::{InitOutcome, State};
use domain::log_lines::{self, Ending, InitPhase, ReportLine, SampledTrace};
use domain::log_stream::log_stream_name;
use protocol::extensions_api::Tracing;
use protocol::lambda_api::trace::{Sampled, sampled};
use protocol::telemetry::{
    InitPhaseRecord, InitReport, InitStart, Instance, Metrics, Platform, ReportRecord, RuntimeDone, Span,
    Start,
};

use super::Actor;
use super::invocation::Invocation;
use crate::clock::{self, Instant};

/// Bytes of a megabyte, as `memorySize` counts.
const MB_BYTES: u64 = 1024 * 1024;

impl Actor {
    pub(super) fn record_init_start(&mut self, phase: InitPhase) {
        let Some(assigned) = &self.assigned else { return };
        let assignment = &assigned.assignment;
        let version = &assignment.revision.version;
        let group = (assignment.log_group.as_str(), &assignment.function_name);
        let runtime = assignment.runtime_version.as_ref();
        let line = runtime.filter(|_| phase == InitPhase::Init);
        let line = line.map(|runtime| log_lines::init_start(runtime, &assignment.region));
        let make = || {
            Platform::InitStart(InitStart {
                initialization_type: "on-demand",
                phase: name_of(phase),
                runtime_version: runtime.map(|runtime| runtime.version.clone()),
                runtime_version_arn: runtime.map(|runtime| runtime.arn(&assignment.region)),
                instance: Some(Instance {
                    function_name: assignment.function_name.to_string(),
                    function_version: version.clone(),
                    instance_id: log_stream_name(assigned.day, group, version, &assignment.log_stream_id),
                    instance_max_memory: u64::from(assignment.memory_mb) * MB_BYTES,
                }),
            })
        };
        self.logs.record(make, line.as_deref());
        // Recorded: a cold start's tail begins with what the function's init phase wrote.
        if line.is_some() && !assignment.logging.is_json() {
            self.logs.clear_tail();
        }
    }

    /// The runtime asked for its first event, or the init phase failed without it.
    pub(super) fn record_init_runtime_done(&mut self, ending: &Ending) {
        if !std::mem::replace(&mut self.init.runtime_done, true) {
            let phase = self.init.phase;
            self.logs.record(|| Platform::InitRuntimeDone(phase_record(phase, ending)), None);
        }
    }

    pub(super) fn record_init_report(&mut self, phase: InitPhase, duration_ms: f64, outcome: &InitOutcome) {
        let ending = outcome.ending();
        self.record_init_runtime_done(&ending);
        let line = log_lines::init_report(phase, duration_ms, &ending);
        let metrics = Metrics { duration_ms: rounded(duration_ms, 3), ..Metrics::default() };
        let make = || Platform::InitReport(InitReport { phase: phase_record(phase, &ending), metrics });
        self.logs.record(make, line.as_deref());
    }

    pub(super) fn record_start(&mut self) {
        let Some(invocation) = &self.invocation else { return };
        let assigned = self.assigned.as_ref();
        let version = assigned.map_or("$LATEST", |assigned| assigned.assignment.revision.version.as_str());
        let invoke = &invocation.invoke;
        let make = || {
            Platform::Start(Start {
                request_id: invoke.request_id,
                function_arn: Some(invoke.invoked_arn.clone()),
                version: version.to_owned(),
                tenant_id: invoke.tenant_id.clone(),
                tracing: tracing(invocation),
            })
        };
        self.logs.record(make, Some(&log_lines::start(invoke.request_id, version)));
    }

    /// The runtime is done with the invocation, or will never be.
    pub(super) fn record_runtime_done(&mut self, ending: &Ending) {
        let Some(invocation) = &mut self.invocation else { return };
        if invocation.marks.runtime_done.is_some() {
            return;
        }
        invocation.marks.runtime_done = Some(clock::now());
        let invocation = &*invocation;
        let ended = invocation.marks.ended.unwrap_or_else(clock::now);
        let make = || {
            let told = InitPhaseRecord::from(ending);
            Platform::RuntimeDone(RuntimeDone {
                request_id: invocation.invoke.request_id,
                status: told.status,
                error_type: told.error_type,
                spans: spans(invocation),
                metrics: Metrics {
                    // Other than in the report it may be longer than the time-out, as recorded.
                    duration_ms: rounded(clock::millis(ended.duration_since(invocation.started)), 3),
                    produced_bytes: Some(invocation.marks.produced_bytes),
                    ..Metrics::default()
                },
                tracing: tracing(invocation),
            })
        };
        self.logs.record(make, None);
    }

    /// An invocation is cut short. As AWS's source has it, extensions are told before they are asked to end.
    pub(super) fn record_cut_short(&mut self) {
        if let State::Reset { attempt: Some(_), ending } = self.environment.state() {
            let ending = ending.clone();
            self.logs.drain();
            self.record_runtime_done(&ending);
        }
    }

    /// The last records of an invocation.
    pub(super) fn record_report(&mut self, invocation: &Invocation, line: &ReportLine) {
        let request = invocation.invoke.request_id;
        self.logs.record(|| Platform::End(request), Some(&log_lines::end(request)));
        let told = InitPhaseRecord::from(&line.ending);
        let overhead = self.extension_overhead(invocation, &line.ending);
        // Recorded: 576.96 of a text log's function where its init phase took 576.959, 463.512 in a JSON log.
        let decimals = self
            .assigned
            .as_ref()
            .map_or(2, |assigned| if assigned.assignment.logging.is_json() { 3 } else { 2 });
        let make = || {
            Platform::Report(ReportRecord {
                request_id: request,
                metrics: Metrics {
                    duration_ms: rounded(line.duration_ms, 3),
                    produced_bytes: None,
                    billed_duration_ms: Some(line.billed_ms()),
                    memory_size_mb: Some(line.memory_mb),
                    max_memory_used_mb: Some(line.max_memory_used_mb),
                    init_duration_ms: line.init_ms.map(|init| rounded(init, decimals)),
                },
                spans: overhead,
                status: told.status,
                error_type: told.error_type,
                tracing: tracing(invocation),
            })
        };
        self.logs.record(make, Some(&line.to_line()));
    }

    /// How long extensions took after the runtime was done; nothing where there are none or where it was not.
    fn extension_overhead(&self, invocation: &Invocation, ending: &Ending) -> Vec<Span> {
        let done = invocation.marks.runtime_done.filter(|_| !self.extensions.known.is_empty());
        let done = done.filter(|_| *ending == Ending::Success);
        done.map(|from| span("extensionOverhead", from, clock::now())).into_iter().collect()
    }
}

fn name_of(phase: InitPhase) -> &'static str {
    match phase {
        InitPhase::Init => "init",
        InitPhase::Invoke => "invoke",
    }
}

fn phase_record(phase: InitPhase, ending: &Ending) -> InitPhaseRecord {
    InitPhaseRecord { phase: name_of(phase), ..ending.into() }
}

/// Records name the trace only where it is sampled. All of an invocation are about one span, which is below the
/// header's parent (the guide, "Converting Lambda Telemetry API Event objects to OpenTelemetry Spans").
fn tracing(invocation: &Invocation) -> Option<Tracing> {
    let (invoke, header) = (&invocation.invoke, invocation.invoke.trace.as_deref()?);
    sampled(header)?;
    Some(Tracing { span_id: Some(invoke.attempt.invocation_segment()), ..Tracing::of(header) })
}

/// Where the segments of a sampled invocation are found.
pub(super) fn sampled_trace(invocation: &Invocation) -> Option<SampledTrace> {
    let Sampled { root, parent } = sampled(invocation.invoke.trace.as_deref()?)?;
    Some(SampledTrace { trace_id: root.to_owned(), segment_id: parent?.to_owned() })
}

/// The parts of an invocation that are known. Recorded: one that ended with an error has none, like one without a
/// response.
fn spans(invocation: &Invocation) -> Vec<Span> {
    let marks = &invocation.marks;
    if !marks.responded {
        return Vec::new();
    }
    let points = [marks.handed_over, marks.answer_begun, marks.answered, marks.runtime_done];
    let names = ["responseLatency", "responseDuration", "runtimeOverhead"];
    let pairs = points.windows(2).zip(names).filter_map(|(pair, name)| match pair {
        [Some(from), Some(to)] => Some((name, *from, *to)),
        _ => None,
    });
    pairs.map(|(name, from, to)| span(name, from, to)).collect()
}

/// A part of an invocation that has ended, told by the wall clock.
fn span(name: &'static str, from: Instant, to: Instant) -> Span {
    let ago = u64::try_from(from.elapsed().as_millis()).unwrap_or_default();
    let start = clock::iso(clock::epoch_millis().saturating_sub(ago));
    Span { name, start, duration_ms: rounded(clock::millis(to.saturating_duration_since(from)), 3) }
}

/// A figure with so many decimals, as the service writes it.
fn rounded(value: f64, decimals: i32) -> f64 {
    let factor = 10_f64.powi(decimals);
    (value * factor).round() / factor
}
