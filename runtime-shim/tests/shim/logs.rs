//! The log: its lines, their order, and the tail that a caller may ask for.

use serde_json::json;

use crate::harness::{Shim, assignment, assignment_with};
use crate::link::invoke;

#[tokio::test]
async fn a_cold_invocation_s_tail_begins_with_the_init_phase_s_lines() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment_with("RAW_INIT", "print")).await;
    let outcome = gateway.run(&json!({"print": "one\ntwo\n"})).await;
    let (id, report) = (outcome.request, &outcome.report);
    let (duration, billed) = (report.duration_ms, report.billed_duration_ms);
    let (init, used) = (report.init_duration_ms.unwrap(), report.max_memory_used_mb);
    assert_eq!(
        outcome.tail,
        format!(
            "init line\nSTART RequestId: {id} Version: $LATEST\none\ntwo\nEND RequestId: {id}\nREPORT RequestId: {id}\tDuration: {duration:.2} ms\tBilled Duration: {billed} ms\tMemory Size: 256 MB\tMax Memory Used: {used} MB\tInit Duration: {init:.2} ms\t\n"
        )
    );
    assert_eq!(outcome.tail, shim.log_with("REPORT").await);
    assert!((4..256).contains(&used), "{used}");
    assert!((2_000..=3_000).contains(&report.remaining_ms));
    let warm = gateway.run(&json!({})).await;
    assert_eq!(warm.report.init_duration_ms, None);
    assert!(warm.tail.ends_with(" MB\t\n") && !warm.tail.contains("init line"), "{}", warm.tail);
}

/// Recorded: the line is the log's first, and a cold start's tail begins after it.
#[tokio::test]
async fn a_managed_runtime_s_version_is_told_before_its_init_phase() {
    use domain::log_format::{LogFormat, Logging};
    let id = "0a".repeat(32);
    let arn = format!("arn:aws:lambda:eu-central-1::runtime:{id}");
    let mut assignment = assignment_with("RAW_INIT", "print");
    assignment.runtime_version = Some(domain::RuntimeVersion { version: "python:3.13.v45".into(), id });
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment.clone()).await;
    let outcome = gateway.run(&json!({})).await;
    let line = format!("INIT_START Runtime Version: python:3.13.v45\tRuntime Version ARN: {arn}\n");
    assert!(outcome.tail.starts_with("init line\nSTART "), "{}", outcome.tail);
    assert_eq!(shim.log_with("REPORT").await, line + &outcome.tail);

    assignment.logging = Logging { format: LogFormat::Json, ..Logging::default() };
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment).await;
    gateway.run(&json!({})).await;
    let log = shim.log_with("platform.report").await;
    // INFO where it names a version, hence in a log of the default level.
    let first: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(first["type"], "platform.initStart");
    let record = &first["record"];
    assert_eq!(
        (&record["runtimeVersion"], &record["runtimeVersionArn"]),
        (&json!("python:3.13.v45"), &json!(arn))
    );
}

#[tokio::test]
async fn a_line_that_has_not_ended_joins_the_next_invocation_s_first() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let first = gateway.run(&json!({"print": "whole\nhalf"})).await;
    assert!(first.tail.contains("whole\nEND ") && !first.tail.contains("half"), "{}", first.tail);
    let second = gateway.run(&json!({"print": " and half\n"})).await;
    assert!(second.tail.contains("half and half\n"), "{}", second.tail);
    let last = gateway.run(&json!({"print": "cut off", "do": "exit"})).await;
    assert!(last.tail.contains("cut off\nRequestId: "), "{}", last.tail);
}

#[tokio::test]
async fn a_tail_is_the_last_4096_bytes_and_only_for_who_asks() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let outcome = gateway
        .run(&json!({"print": "x".repeat(99).as_str().to_owned() + "\n" + &"y\n".repeat(5_000)}))
        .await;
    assert_eq!(outcome.tail.len(), 4_096);
    assert!(outcome.tail.starts_with(['y', '\n']) && outcome.tail.ends_with("\t\n"));
    let mut silent = invoke(3_000);
    silent.wants_log_tail = false;
    let outcome = gateway.run_with(silent, r#"{"print":"unasked\n"}"#).await;
    assert_eq!(outcome.tail, "");
    let outcome = gateway.run(&json!({})).await;
    assert!(outcome.tail.starts_with("START ") && !outcome.tail.contains("unasked"), "{}", outcome.tail);
}

#[tokio::test]
async fn json_logs_hold_the_platform_s_records_and_what_the_levels_leave() {
    use domain::log_format::{Level, LogFormat, Logging};
    let shim = Shim::start().await;
    let mut assignment = assignment();
    let (format, application_level) = (LogFormat::Json, Level::Warn);
    assignment.logging = Logging { format, application_level, system_level: Level::Debug, enabled: true };
    let mut gateway = shim.ready(assignment).await;
    let printed =
        "{\"level\":\"ERROR\",\"message\":\"kept\"}\n{\"level\":\"DEBUG\",\"message\":\"left out\"}\nplain\n";
    let outcome = gateway.run(&json!({"print": printed})).await;
    let log = shim.log_with("platform.report").await;
    let records: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = records.iter().map(|record| record["type"].as_str().unwrap_or("function")).collect();
    let expected = [
        "platform.initStart",
        "platform.initRuntimeDone",
        "platform.initReport",
        "platform.start",
        "function",
        "platform.runtimeDone",
        "platform.report",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(records[4]["message"], "kept");
    assert_eq!(records[3]["record"]["requestId"], json!(outcome.request));
    assert_eq!(records[0]["record"]["instanceMaxMemory"], 256 * 1024 * 1024);
    // The tail is taken before levels are looked at.
    assert!(outcome.tail.contains("left out") && outcome.tail.contains("plain\n"), "{}", outcome.tail);
    let failed = gateway.run(&json!({"do": "exit", "status": 3})).await;
    let report = failed.tail.lines().last().unwrap();
    let report: serde_json::Value = serde_json::from_str(report).unwrap();
    assert_eq!(
        (&report["record"]["status"], &report["record"]["errorType"]),
        (&json!("error"), &json!("Runtime.ExitError"))
    );
}

/// A record over a line's bound is written in pieces, of which none is left out that the record is not.
#[tokio::test]
async fn a_long_json_record_keeps_its_level() {
    use domain::log_format::{Level, LogFormat, Logging};
    let shim = Shim::start().await;
    let mut assignment = assignment();
    let (format, application_level) = (LogFormat::Json, Level::Error);
    assignment.logging = Logging { format, application_level, system_level: Level::Warn, enabled: true };
    let mut gateway = shim.ready(assignment).await;
    let code = r#"
import struct
log = int(os.environ["_LAMBDA_TELEMETRY_LOG_FD"])
def record(level, letter, length):
    return b'{"level":"%s","message":"%s"}' % (level, letter * length)
for level, line, framed in ((b"ERROR", b"q", b"j"), (b"WARN", b"z", b"k")):
    os.write(1, record(level, line, 300_000) + b"\n")
    message = record(level, framed, 1_200_000)
    message = struct.pack(">IIQ", 0xA55A0002, len(message), 1) + message
    while message:
        message = message[os.write(log, message):]
print('{"level":"ERROR","message":"last"}', flush=True)
answer = True
"#;
    gateway.run_with(invoke(20_000), &json!({"run": code}).to_string()).await.succeeded();
    let log = shim.log_with("last").await;
    let count = |letter: char| log.matches(letter).count();
    assert_eq!(['q', 'j', 'z', 'k'].map(count), [300_000, 1_200_000, 0, 0]);
    assert!(!log.contains("dropped"));
}
