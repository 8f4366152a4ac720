//! Extensions that fail, and what becomes of them when something else does.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use protocol::link::environment::FunctionErrorCause::{Crashed, Init, TimedOut};
use serde_json::{Value, json};

use crate::extensions::{RECORDER, all, recorded, records, shim_with};
use crate::harness::{Shim, fresh_folder};
use crate::link::invoke;

#[tokio::test]
async fn a_time_out_resets_extensions_too_and_gives_them_other_identifiers() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut gateway = shim.ready(recorded(&shim, "")).await;
    let outcome = gateway.run_with(invoke(500), r#"{"do":"hang"}"#).await;
    outcome.failed_with(TimedOut, "Sandbox.Timedout");
    assert!(outcome.answered_after < Duration::from_millis(1_900), "{outcome:?}");
    assert_eq!(all(&shim, "event")[1]["shutdownReason"], "timeout");
    gateway.run_with(invoke(20_000), "{}").await.succeeded();
    let registered: Vec<Value> =
        records(&shim).into_iter().filter(|record| record.get("registered").is_some()).collect();
    assert_eq!(registered.len(), 2);
    assert_ne!(registered[0]["identifier"], registered[1]["identifier"]);
}

#[tokio::test]
async fn a_runtime_s_crash_is_told_as_a_failure() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut gateway = shim.ready(recorded(&shim, "")).await;
    gateway.run(&json!({"do": "exit", "status": 7})).await.failed_with(Crashed, "Runtime.ExitError");
    assert_eq!(all(&shim, "event")[1]["shutdownReason"], "failure");
    gateway.run_with(invoke(20_000), "{}").await.succeeded();
}

#[tokio::test]
async fn an_extension_that_fails_fails_the_invocation() {
    for (what, error_type, message) in [
        ("crash", "Extension.Crash", "exit status 4"),
        ("exit error", "Extension.ExitError", "exit status 17"),
    ] {
        let shim = shim_with(&[("recorder", RECORDER)]).await;
        let mut gateway = shim.ready(recorded(&shim, what)).await;
        let sent = invoke(20_000);
        let outcome = gateway.run_with(sent, &json!({"do": "sleep", "seconds": 10}).to_string()).await;
        outcome.failed_with(Crashed, error_type);
        let expected = format!("RequestId: {} Error: {message}", outcome.request);
        assert_eq!(outcome.json(), json!({"errorType": error_type, "errorMessage": expected}));
        assert!(
            outcome.tail.ends_with(&format!("Status: error\tError Type: {error_type}\n")),
            "{}",
            outcome.tail
        );
    }
}

#[tokio::test]
async fn an_extension_that_fails_in_the_init_phase_fails_it() {
    for (what, error_type, state) in
        [("exit", "Extension.Crash", "Exited"), ("init error", "Extension.InitError", "InitError")]
    {
        let shim = shim_with(&[("recorder", RECORDER)]).await;
        let mut operator = shim.operator().await;
        operator.assign(recorded(&shim, what), bytes::Bytes::new()).await;
        operator.until_free().await;
        let outcome = shim.gateway().await.run_with(invoke(20_000), "{}").await;
        outcome.failed_with(Init, error_type);
        let log = shim.log_with("REPORT RequestId").await;
        assert!(log.contains(&format!("EXTENSION\tName: recorder\tState: {state}\tEvents: [")), "{log}");
        assert!(log.contains(&format!("\tPhase: init\tStatus: error\tError Type: {error_type}\n")), "{log}");
        // Told again it is accepted again, and nothing else is.
        for told in all(&shim, "init_error") {
            let refused = json!({
                "errorMessage": format!("State transition from InitError to Ready failed for extension {}. Error: State transition is not allowed", told["identifier"].as_str().unwrap()),
                "errorType": "Extension.InvalidExtensionState",
            });
            let ok = "{\"status\":\"OK\"}\n";
            assert_eq!(told["answers"], json!([[202, ok], [202, ok], [403, format!("{refused}\n")]]));
        }
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_started_is_told() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let file = shim.path("opt/extensions/zero");
    std::fs::write(&file, "#!/bin/none\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut operator = shim.operator().await;
    operator.assign(recorded(&shim, ""), bytes::Bytes::new()).await;
    operator.until_free().await;
    let outcome = shim.gateway().await.run_with(invoke(20_000), "{}").await;
    outcome.failed_with(Init, "Extension.LaunchError");
    assert!(
        outcome.json()["errorMessage"].as_str().unwrap().ends_with("/zero: permission denied"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn the_eleventh_file_fails_the_init_phase_and_ten_do_not() {
    let names: Vec<String> = (0..11).map(|number| format!("recorder-{number}")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), RECORDER)).collect();
    let shim = shim_with(&files[..10]).await;
    shim.ready(recorded(&shim, "")).await.run_with(invoke(20_000), "{}").await.succeeded();

    let shim = shim_with(&files).await;
    let mut operator = shim.operator().await;
    operator.assign(recorded(&shim, ""), bytes::Bytes::new()).await;
    operator.until_free().await;
    let outcome = shim.gateway().await.run_with(invoke(20_000), "{}").await;
    outcome.failed_with(Init, "Extension.LaunchError");
    let message = outcome.json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(message.ends_with("Error: Extension limit (10) reached"), "{message}");
    assert!(records(&shim).is_empty(), "none was started");
}

#[tokio::test]
async fn an_extension_that_never_registers_uses_up_the_init_phase() {
    let folder = fresh_folder();
    let opt = folder.join("opt/extensions");
    std::fs::create_dir_all(&opt).unwrap();
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDER), opt.join("recorder")).unwrap();
    let mut command = Shim::command(&folder);
    command.env("KUBELAMBDA_EXTENSIONS", &opt).env("KUBELAMBDA_INIT_LIMIT_MILLIS", "600");
    let shim = Shim::run(command, folder).await;
    let mut operator = shim.operator().await;
    operator.assign(recorded(&shim, "hang"), bytes::Bytes::new()).await;
    operator.until_free().await;
    let log = shim.log_with("INIT_REPORT").await;
    assert!(log.contains("State: Started\tEvents: []\n") && log.contains("Status: timeout"), "{log}");
    let outcome = shim.gateway().await.run_with(invoke(700), "{}").await;
    outcome.failed_with(TimedOut, "Sandbox.Timedout");
}

#[tokio::test]
async fn an_extension_that_crashes_after_the_answer_changes_the_report_and_not_the_answer() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut gateway = shim.ready(recorded(&shim, "crash late")).await;
    let outcome = gateway.run_with(invoke(20_000), r#"{"kept":1}"#).await;
    assert_eq!(outcome.succeeded().json(), json!({"kept": 1}));
    assert!(outcome.tail.ends_with("\tStatus: error\tError Type: Extension.Crash\n"), "{}", outcome.tail);
    gateway.run_with(invoke(20_000), "{}").await;
}

/// "The function's timeout setting limits the duration of the entire Invoke phase": extensions' part of it, too.
#[tokio::test]
async fn an_extension_that_takes_longer_than_the_time_out_costs_the_environment_and_not_the_answer() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut gateway = shim.ready(recorded(&shim, "slow")).await;
    let outcome = gateway.run_with(invoke(500), r#"{"kept":1}"#).await;
    assert_eq!(outcome.succeeded().json(), json!({"kept": 1}));
    assert!(outcome.answered_after < Duration::from_millis(450), "{outcome:?}");
    assert!(outcome.tail.ends_with("\tStatus: timeout\n"), "{}", outcome.tail);
    gateway.run_with(invoke(20_000), "{}").await.succeeded();
    assert_eq!(all(&shim, "registered").len(), 2);
}
