//! Init phases that fail or take too long, and how they are repeated inside an invocation.

use protocol::link::environment::FunctionErrorCause::{Init, TimedOut};
use protocol::link::environment::{InitResult, Phase};
use serde_json::json;

use crate::failures::payload;
use crate::harness::{Shim, assignment, assignment_with};
use crate::link::{Link, invoke};

/// A shim whose init phase has failed, as the operator is told.
async fn failed_init(shim: &Shim, how: &str) -> (Link, InitResult) {
    let mut operator = shim.operator().await;
    operator.assign(assignment_with("RAW_INIT", how), bytes::Bytes::new()).await;
    let state = operator.until_free().await;
    (shim.gateway().await, state.init.unwrap())
}

#[tokio::test]
async fn an_error_of_the_init_phase_reaches_the_caller_word_for_word() {
    let shim = Shim::start().await;
    let (mut gateway, init) = failed_init(&shim, "error").await;
    let body =
        r#"{"errorMessage": "no such module", "errorType": "Runtime.ImportModuleError", "requestId": ""}"#;
    let error_type = "Runtime.ImportModuleError";
    assert_eq!(init, InitResult::Failed { error_type: error_type.into(), message: body.into() });
    let reported = shim.log_with("Phase: init\tStatus: error\tError Type: Runtime.ImportModuleError\n").await;
    assert!(reported.contains("init error status 202\nINIT_REPORT Init Duration: "), "{reported}");
    let outcome = gateway.run(&json!({})).await;
    outcome.failed_with(Init, error_type);
    assert_eq!(String::from_utf8_lossy(&outcome.body), body);
    let again = "Phase: invoke\tStatus: error\tError Type: Runtime.ImportModuleError\nSTART RequestId: ";
    assert!(outcome.tail.contains(again), "{}", outcome.tail);
    gateway.run(&json!({})).await.failed_with(Init, error_type);
}

#[tokio::test]
async fn an_exit_in_the_init_phase_is_repeated_and_told() {
    let shim = Shim::start().await;
    let (mut gateway, init) = failed_init(&shim, "exit5").await;
    let message = "Runtime exited with error: exit status 5";
    assert_eq!(init, InitResult::Failed { error_type: "Runtime.ExitError".into(), message: message.into() });
    let outcome = gateway.run(&json!({})).await;
    outcome.failed_with(Init, "Runtime.ExitError");
    assert_eq!(String::from_utf8_lossy(&outcome.body), payload("Runtime.ExitError", &outcome, message));
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_an_invalid_entrypoint() {
    let shim = Shim::start().await;
    for (command, message) in
        [("/no/such/program", "no such file or directory"), ("nosuchprogram", "not found in $PATH")]
    {
        let shim = if command.starts_with('/') { &shim } else { &Shim::start().await };
        let mut assignment = assignment();
        assignment.command = vec![command.into()];
        let mut operator = shim.operator().await;
        operator.assign(assignment, bytes::Bytes::new()).await;
        let state = operator.until_free().await;
        let Some(InitResult::Failed { error_type, message: told }) = state.init else { panic!("{state:?}") };
        assert_eq!(error_type, "Runtime.InvalidEntrypoint");
        assert!(told.contains(message), "{told}");
        let outcome = shim.gateway().await.run(&json!({})).await;
        outcome.failed_with(Init, "Runtime.InvalidEntrypoint");
        assert!(outcome.json()["errorMessage"].as_str().unwrap().contains(message), "{outcome:?}");
    }
}

#[tokio::test]
async fn an_init_phase_that_takes_too_long_is_repeated_inside_the_invocation() {
    let shim = Shim::start_with(&[("KUBELAMBDA_INIT_LIMIT_MILLIS", "300")]).await;
    let go = shim.path("go");
    let hangs_until_then = format!("while not os.path.exists({go:?}): time.sleep(0.01)");
    let mut operator = shim.operator().await;
    operator.assign(assignment_with("RAW_CODE", &hangs_until_then), bytes::Bytes::new()).await;
    let state = operator.until_free().await;
    assert_eq!(state.init, Some(InitResult::TimedOut));
    shim.log_with("Phase: init\tStatus: timeout\n").await;
    std::fs::write(&go, "").unwrap();
    let mut gateway = shim.gateway().await;
    let outcome = gateway.run_with(invoke(20_000), r#"{"next":1}"#).await;
    assert_eq!(outcome.succeeded().json(), json!({"next": 1}));
}

#[tokio::test]
async fn a_repeated_init_phase_uses_up_the_function_s_time() {
    let shim = Shim::start_with(&[("KUBELAMBDA_INIT_LIMIT_MILLIS", "300")]).await;
    let (mut gateway, _) = failed_init(&shim, "hang").await;
    let outcome = gateway.run_with(invoke(500), "{}").await;
    outcome.failed_with(TimedOut, "Sandbox.Timedout");
    assert!(outcome.tail.contains("Phase: invoke\tStatus: timeout\nSTART "), "{}", outcome.tail);
    gateway.until_phase(Phase::Free).await;
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_told_and_the_log_names_what_was_to_be_started() {
    let shim = Shim::start().await;
    let mut given = assignment();
    given.working_directory = "/no/such/folder".into();
    given.command = vec!["/bin/sh".into(), "-c".into(), "exit".into()];
    let mut operator = shim.operator().await;
    operator.assign(given, bytes::Bytes::new()).await;
    let state = operator.until_free().await;
    let message = "chdir /no/such/folder: no such file or directory";
    let expected =
        InitResult::Failed { error_type: "Runtime.InvalidWorkingDir".into(), message: message.into() };
    assert_eq!(state.init, Some(expected));
    let line = format!(
        "IMAGE\tLaunch error: {message}\tEntrypoint: [/bin/sh]\tCmd: [-c,exit]\tWorkingDir: [/no/such/folder]\n"
    );
    let log = shim.log_with("INIT_REPORT").await;
    assert!(log.starts_with(&line), "{log}");
    let outcome = shim.gateway().await.run(&json!({})).await;
    outcome.failed_with(Init, "Runtime.InvalidWorkingDir");
    assert_eq!(
        String::from_utf8_lossy(&outcome.body),
        payload("Runtime.InvalidWorkingDir", &outcome, message)
    );
}
