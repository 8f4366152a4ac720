use super::*;

fn request() -> RequestId {
    "11111111-2222-4333-8444-555555555555".parse().unwrap()
}

fn check(failure: &Failure, expected: &str) {
    assert_eq!(failure.payload(request()), expected);
}

#[test]
fn payloads_are_those_of_the_service() {
    let id = request();
    check(
        &Failure::TimedOut { after_millis: 3_000 },
        &format!(
            r#"{{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: {id} Error: Task timed out after 3.00 seconds"}}"#
        ),
    );
    check(
        &Failure::Exited(Exit::Status(0)),
        &format!(
            r#"{{"errorType":"Runtime.ExitError","errorMessage":"RequestId: {id} Error: Runtime exited without providing a reason"}}"#
        ),
    );
    check(
        &Failure::Exited(Exit::Signal { number: 11, core_dumped: true }),
        &format!(
            r#"{{"errorType":"Runtime.ExitError","errorMessage":"RequestId: {id} Error: Runtime exited with error: signal: segmentation fault (core dumped)"}}"#
        ),
    );
    check(
        &Failure::ResponseTooLarge,
        r#"{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}"#,
    );
}

#[test]
fn an_extension_s_end_is_told_as_a_crash() {
    for (exit, message) in [
        (Exit::Status(0), "exit code 0"),
        (Exit::Status(3), "exit status 3"),
        (Exit::Signal { number: 9, core_dumped: false }, "signal: killed"),
    ] {
        let crash = exit.of_extension("Extension.Crash");
        assert_eq!((crash.error_type(), crash.to_string().as_str()), ("Extension.Crash", message));
    }
}

#[test]
fn the_author_s_paths_cannot_break_the_payload() {
    let message = "fork/exec /a\"b\\c\n: no such file or directory".to_owned();
    let failure = StartFailure { error_type: "Runtime.InvalidEntrypoint", message };
    let payload = Failure::Exited(Exit::NotStarted(failure)).payload(request());
    assert!(payload.contains(r#"/a\"b\\c\u000a:"#), "{payload}");
}

#[test]
fn the_log_says_what_cloudwatch_would() {
    let id = request();
    let lines = Failure::Exited(Exit::Status(3)).log_lines(id, "");
    let expected =
        format!("RequestId: {id} Error: Runtime exited with error: exit status 3\nRuntime.ExitError\n");
    assert_eq!(lines.as_deref(), Some(expected.as_str()));
    let lines = Failure::TimedOut { after_millis: 1_509 }.log_lines(id, "2026-01-01T00:00:00.000Z");
    let expected = format!("2026-01-01T00:00:00.000Z {id} Task timed out after 1.50 seconds\n\n");
    assert_eq!(lines.as_deref(), Some(expected.as_str()));
}
