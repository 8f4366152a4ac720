//! AWS's unmodified Rust crate for extensions, in a program of its own.

use serde_json::json;

use crate::extensions::{recorded, shim_with};
use crate::harness::wait_for;
use crate::link::invoke;

#[tokio::test]
async fn the_unmodified_rust_crate_reads_every_event() {
    // `make runtime-clients` builds it from tests/functions/extension-rust.
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/extension-rust/debug/extension-rust");
    let program = std::env::var("EXTENSION_RUST").unwrap_or_else(|_| built.to_owned());
    assert!(std::path::Path::new(&program).exists(), "{program} is not built: run make runtime-clients");
    let shim = shim_with(&[("crate", &program)]).await;
    let mut assignment = recorded(&shim, "");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assignment.variables.insert("EXTENSION_PORT".into(), port.to_string());
    let mut gateway = shim.ready(assignment).await;
    // The crate names itself after its program, as a file of a layer would be named.
    gateway.run(&json!({"print": "a line\n"})).await.succeeded();
    let failed = gateway.run(&json!({"do": "exit", "status": 3})).await.request;
    let wait = json!({"do": "sleep", "seconds": 2}).to_string();
    gateway.run_with(invoke(20_000), &wait).await.succeeded();
    let written = || std::fs::read_to_string(shim.path("events")).unwrap();
    let wanted = [
        "telemetry PlatformInitStart",
        "telemetry PlatformInitRuntimeDone",
        "telemetry PlatformInitReport",
        "telemetry PlatformTelemetrySubscription",
        "telemetry PlatformExtension",
        "telemetry PlatformStart",
        "telemetry PlatformRuntimeDone",
        "telemetry PlatformReport",
        "telemetry Function(\"a line\\n\")",
        "status: Error, error_type: Some(\"Runtime.ExitError\")",
        "shutdown failure",
        "invoke ",
    ];
    let all_there = || wanted.iter().all(|wanted| written().contains(wanted)).then_some(());
    wait_for("every event", all_there).await;
    assert!(written().contains(&format!("request_id: \"{failed}\"")));
    // The crate asks for more after its last event.
    assert_eq!(written().matches("shutdown ").count(), 1, "{}", written());
}
