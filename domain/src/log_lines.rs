//! The lines that the platform writes into a function's log, in plain text.
//!
//! Layouts are those of CloudWatch: tools cut `REPORT` apart at its tabs, so the trailing one is kept.

use crate::extensions::Extension;
use crate::{Region, RequestId, RuntimeVersion};

/// How an invocation ended, for `REPORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The runtime answered and asked for the next event. A handler's error is a success in this sense.
    Success,
    /// The time-out passed.
    TimedOut,
    /// Something else ended it.
    Error {
        /// Such as `Runtime.ExitError`.
        error_type: String,
    },
}

/// When an init phase ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitPhase {
    /// Before any invocation.
    Init,
    /// Repeated inside an invocation.
    Invoke,
}

/// What `REPORT` says.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportLine {
    /// Whose.
    pub request: RequestId,
    /// Duration in milliseconds.
    pub duration_ms: f64,
    /// Duration of the init phase in milliseconds, on the first invocation after it.
    pub init_ms: Option<f64>,
    /// `memorySize` in MB.
    pub memory_mb: u32,
    /// Most memory used at once, in MB.
    pub max_memory_used_mb: u64,
    /// How it ended.
    pub ending: Ending,
    /// Its trace, where that is sampled.
    pub trace: Option<SampledTrace>,
}

/// Where the segments of a sampled invocation are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampledTrace {
    /// The trace's id, such as `1-5e72ab6d-…`.
    pub trace_id: String,
    /// The id of the function's segment.
    pub segment_id: String,
}

impl ReportLine {
    /// What is billed: the whole milliseconds that duration and init phase together began.
    pub fn billed_ms(&self) -> u64 {
        let billed = (self.duration_ms + self.init_ms.unwrap_or(0.0)).ceil();
        // Durations are positive and far below 2^53, so nothing is lost.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let billed = billed.max(1.0) as u64;
        billed
    }

    /// The line, and of a sampled invocation a second one, which belongs to the same event.
    pub fn to_line(&self) -> String {
        let Self { request, duration_ms, init_ms, memory_mb, max_memory_used_mb, ending, trace } = self;
        let billed = self.billed_ms();
        let init = init_ms.map(|init| format!("Init Duration: {init:.2} ms\t")).unwrap_or_default();
        let status = status(ending).unwrap_or_default();
        let trace = trace.as_ref().map(|SampledTrace { trace_id, segment_id }| {
            format!("XRAY TraceId: {trace_id}\tSegmentId: {segment_id}\tSampled: true\t\n")
        });
        let trace = trace.unwrap_or_default();
        format!(
            "REPORT RequestId: {request}\tDuration: {duration_ms:.2} ms\tBilled Duration: {billed} ms\tMemory Size: {memory_mb} MB\tMax Memory Used: {max_memory_used_mb} MB\t{init}{status}\n{trace}"
        )
    }
}

/// The line before the init phase of a managed runtime. No recording has it for one repeated inside an invocation.
pub fn init_start(runtime: &RuntimeVersion, region: &Region) -> String {
    format!("INIT_START Runtime Version: {}\tRuntime Version ARN: {}\n", runtime.version, runtime.arn(region))
}

/// The line before an invocation's own.
pub fn start(request: RequestId, version: &str) -> String {
    format!("START RequestId: {request} Version: {version}\n")
}

/// The line after an invocation's own.
pub fn end(request: RequestId) -> String {
    format!("END RequestId: {request}\n")
}

/// The line about an init phase that did not succeed. The guide: "If the Init phase is successful, Lambda doesn't
/// emit the INIT_REPORT log", which a recording shows for one inside an invocation, too.
pub fn init_report(phase: InitPhase, duration_ms: f64, ending: &Ending) -> Option<String> {
    let status = status(ending)?;
    let name = match phase {
        InitPhase::Init => "init",
        InitPhase::Invoke => "invoke",
    };
    Some(format!("INIT_REPORT Init Duration: {duration_ms:.2} ms\tPhase: {name}\t{status}\n"))
}

/// The line about an extension, at the end of the init phase.
pub fn extension(extension: &Extension) -> String {
    let (name, state) = (&extension.name, extension.state.name());
    let events = extension.events.names().join(", ");
    let error =
        extension.error_type.as_ref().map(|error| format!("\tError Type: {error}")).unwrap_or_default();
    format!("EXTENSION\tName: {name}\tState: {state}\tEvents: [{events}]{error}\n")
}

/// The line about a subscription of an extension's to the Logs API, or else to the Telemetry API. In it, other than
/// in the records, streams have capitals.
pub fn subscription(logs: bool, name: &str, state: &str, types: &[&str]) -> String {
    let word = if logs { "LOGS" } else { "TELEMETRY" };
    let types: Vec<_> = types.iter().map(|name| capitalised(name)).collect();
    format!("{word}\tName: {name}\tState: {state}\tTypes: [{}]\n", types.join(", "))
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(characters).collect()
}

fn status(ending: &Ending) -> Option<String> {
    match ending {
        Ending::Success => None,
        Ending::TimedOut => Some("Status: timeout".to_owned()),
        Ending::Error { error_type } => Some(format!("Status: error\tError Type: {error_type}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "11111111-2222-4333-8444-555555555555";

    fn report(init_ms: Option<f64>, ending: Ending) -> ReportLine {
        let request = ID.parse().unwrap();
        ReportLine {
            request,
            duration_ms: 2.03,
            init_ms,
            memory_mb: 128,
            max_memory_used_mb: 37,
            ending,
            trace: None,
        }
    }

    #[test]
    fn a_cold_start_is_reported_and_billed_as_on_aws() {
        let line = report(Some(79.22), Ending::Success).to_line();
        assert_eq!(
            line,
            format!(
                "REPORT RequestId: {ID}\tDuration: 2.03 ms\tBilled Duration: 82 ms\tMemory Size: 128 MB\tMax Memory Used: 37 MB\tInit Duration: 79.22 ms\t\n"
            )
        );
    }

    #[test]
    fn a_sampled_invocation_names_its_trace_in_the_same_event() {
        let trace = SampledTrace { trace_id: "1-2-3".into(), segment_id: "00f067aa0ba902b7".into() };
        let line = ReportLine { trace: Some(trace), ..report(None, Ending::Success) }.to_line();
        assert!(
            line.ends_with("37 MB\t\nXRAY TraceId: 1-2-3\tSegmentId: 00f067aa0ba902b7\tSampled: true\t\n"),
            "{line:?}"
        );
    }

    #[test]
    fn a_status_takes_the_place_of_the_trailing_tab() {
        let line = report(None, Ending::TimedOut).to_line();
        assert!(line.ends_with("Max Memory Used: 37 MB\tStatus: timeout\n"), "{line}");
        let line = report(None, Ending::Error { error_type: "Runtime.OutOfMemory".into() }).to_line();
        assert!(line.ends_with("MB\tStatus: error\tError Type: Runtime.OutOfMemory\n"), "{line}");
    }

    #[test]
    fn an_init_phase_begins_with_the_runtime_s_version() {
        let runtime = RuntimeVersion { version: "python:3.10.v11".into(), id: "0a".repeat(32) };
        // As recorded from AWS, account and all: there is none.
        let expected = "INIT_START Runtime Version: python:3.10.v11\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:";
        let expected = format!("{expected}{}\n", "0a".repeat(32));
        assert_eq!(init_start(&runtime, &"eu-west-1".parse().unwrap()), expected);
    }

    #[test]
    fn an_init_phase_is_reported_only_where_something_is_to_say() {
        assert_eq!(init_report(InitPhase::Init, 1.0, &Ending::Success), None);
        assert_eq!(init_report(InitPhase::Invoke, 1.0, &Ending::Success), None);
        assert_eq!(
            init_report(InitPhase::Init, 10_000.5, &Ending::TimedOut).unwrap(),
            "INIT_REPORT Init Duration: 10000.50 ms\tPhase: init\tStatus: timeout\n"
        );
        let error = Ending::Error { error_type: "Runtime.ExitError".into() };
        assert_eq!(
            init_report(InitPhase::Invoke, 150.79, &error).unwrap(),
            "INIT_REPORT Init Duration: 150.79 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError\n"
        );
    }
}
