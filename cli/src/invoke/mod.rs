//! `kubelambda invoke`: a test event to any endpoint, and what came of it.
//!
//! The answer goes to standard output as it came; log, duration, remaining time and memory to standard error.

mod client;
mod report;

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use client::Answer;
use domain::limits::REQUEST_PAYLOAD_BYTES_MAX;
use report::Report;

use crate::command_line::InvokeArguments;
use crate::{output, templates};

/// The function failed.
const EXIT_FUNCTION_ERROR: u8 = 1;
/// The endpoint refused the invocation (`EX_UNAVAILABLE`).
const EXIT_REFUSED: u8 = 69;

/// What helps whoever named a function that is not there.
const WHERE_FUNCTIONS_ARE_LISTED: &str = "`kubelambda local` lists its functions when it starts; in a cluster \
                                          `kubectl get functions -A` does.";

/// Carries out the command.
pub(crate) async fn run(arguments: &InvokeArguments) -> anyhow::Result<ExitCode> {
    let event = event(arguments)?;
    let client_context = match &arguments.client_context {
        Some(path) => Some(STANDARD.encode(read(path)?)),
        None => None,
    };
    let endpoint = &arguments.endpoint;
    let answer = endpoint.invoke(arguments, event, client_context).await?;
    if answer.status != 200 {
        output::note(format_args!("The endpoint answered {}: {}", answer.status, answer.said()));
        if answer.knows_no_such_function() {
            output::note(WHERE_FUNCTIONS_ARE_LISTED);
        }
        return Ok(ExitCode::from(EXIT_REFUSED));
    }
    output::result_bytes(&answer.payload);
    let log = answer.log_tail();
    let report = log.lines().rev().find_map(Report::parse);
    if arguments.tail || answer.function_error.is_some() {
        output::note(format_args!("--- log\n{}", log.trim_end()));
    }
    // Only the endpoint knows the time-out; one that does not tell it leaves the remaining time open.
    let timeout_ms = match &report {
        Some(_) => endpoint.timeout_seconds(&arguments.name).await.map(|seconds| seconds * 1_000.0),
        None => None,
    };
    output::note("---");
    for line in summary(&answer, report.as_ref(), timeout_ms) {
        output::note(line);
    }
    Ok(if answer.function_error.is_some() { ExitCode::from(EXIT_FUNCTION_ERROR) } else { ExitCode::SUCCESS })
}

fn event(arguments: &InvokeArguments) -> anyhow::Result<Vec<u8>> {
    let event = match (&arguments.event, &arguments.template) {
        (Some(path), _) => read(path)?,
        (None, Some(name)) => templates::find(name).unwrap_or_default().as_bytes().to_vec(),
        (None, None) => b"{}".to_vec(),
    };
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&event) {
        bail!("the event is no JSON: {error}");
    }
    Ok(event)
}

/// A file, or standard input for `-`; of at most what an endpoint accepts.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = REQUEST_PAYLOAD_BYTES_MAX as u64 + 1;
    let done = if path == Path::new("-") {
        output::waits_for_input("the event");
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    // Whoever writes JSON there means it.
    let is_json = path.to_string_lossy().starts_with(['{', '[']);
    let hint = if is_json { " (JSON itself goes in on standard input, which is `-`)" } else { "" };
    done.with_context(|| format!("{} cannot be read as a file{hint}", path.display()))?;
    if bytes.len() > REQUEST_PAYLOAD_BYTES_MAX {
        bail!("{} has more than {REQUEST_PAYLOAD_BYTES_MAX} bytes", path.display());
    }
    Ok(bytes)
}

fn summary(answer: &Answer, report: Option<&Report>, timeout_ms: Option<f64>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| lines.push(format!("{:<16}{value}", format!("{name}:")));
    match &answer.function_error {
        None => line("Result", "success".to_owned()),
        Some(kind) => line("Result", format!("function error ({kind}): {}", answer.said())),
    }
    line("Request id", answer.request_id.clone().unwrap_or_else(|| "unknown".to_owned()));
    let Some(report) = report else { return lines };
    let init =
        report.init_ms.map(|init| format!(" (and {init:.2} ms init: a cold start)")).unwrap_or_default();
    line("Duration", format!("{:.2} ms, billed {} ms{init}", report.duration_ms, report.billed_ms));
    line(
        "Remaining time",
        match timeout_ms {
            Some(timeout) => format!("{:.0} of {timeout:.0} ms", (timeout - report.duration_ms).max(0.0)),
            None => "unknown: the endpoint does not tell the function's time-out".to_owned(),
        },
    );
    line("Memory", format!("{} of {} MB", report.max_memory_used_mb, report.memory_mb));
    lines
}
