use domain::log_lines::Ending;

use super::*;

#[test]
fn records_have_the_service_s_fields_in_its_order() {
    let request_id = "11111111-2222-4333-8444-555555555555".parse().unwrap();
    let metrics = Metrics {
        duration_ms: 2.03,
        billed_duration_ms: Some(82),
        memory_size_mb: Some(128),
        max_memory_used_mb: Some(37),
        init_duration_ms: Some(79.22),
        ..Metrics::default()
    };
    let report = Platform::Report(ReportRecord {
        request_id,
        metrics,
        spans: Vec::new(),
        status: "success",
        error_type: None,
        tracing: None,
    });
    assert_eq!(
        report.to_json("2026-01-02T03:04:05.678Z"),
        r#"{"time":"2026-01-02T03:04:05.678Z","type":"platform.report","record":{"requestId":"11111111-2222-4333-8444-555555555555","metrics":{"durationMs":2.03,"billedDurationMs":82,"memorySizeMB":128,"maxMemoryUsedMB":37,"initDurationMs":79.22},"status":"success"}}"#
    );
    assert_eq!(report.level(), Some(Level::Info));
    let ending = Ending::Error { error_type: "Runtime.ExitError".into() };
    let failed = Platform::InitReport(InitReport { phase: (&ending).into(), metrics: Metrics::default() });
    assert_eq!(
        failed.to_json("t"),
        r#"{"time":"t","type":"platform.initReport","record":{"initializationType":"on-demand","phase":"init","status":"error","errorType":"Runtime.ExitError","metrics":{"durationMs":0.0}}}"#
    );
    assert_eq!(failed.level(), Some(Level::Warn));
    assert_eq!(Platform::End(request_id).level(), None);
}

#[test]
fn the_sandbox_s_own_failure_is_no_error_of_the_function_s() {
    // The schema: "Status: Enum, with values success, failure, error, timeout"; AWS's source tells a type that begins
    // with "Sandbox." as a failure, and any other as an error.
    let told = |error_type: &str| InitPhaseRecord::from(&Ending::Error { error_type: error_type.into() });
    assert_eq!((told("Sandbox.Failure").status, told("Runtime.ExitError").status), ("failure", "error"));
    assert_eq!(told("Sandbox.Failure").error_type.as_deref(), Some("Sandbox.Failure"));
}
