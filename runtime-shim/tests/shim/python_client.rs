//! AWS's own runtime client for Python, unmodified, from PyPI.
//!
//! `make runtime-clients` installs it once; without it these tests fail and say so.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use protocol::link::assignment::{Assignment, Code};
use protocol::link::environment::FunctionErrorCause::{Handler, Init, TimedOut};
use protocol::link::environment::{InitResult, Phase};
use serde_json::json;

use crate::harness::{Shim, assignment, python};
use crate::link::{Link, invoke};

const HANDLER: &str = r#"
import json, logging, os, sys, time
logging.getLogger().setLevel("INFO")
print("loaded")
count = 0

def handler(event, context):
    global count
    count += 1
    if "fail" in event:
        raise ValueError(event["fail"])
    if "sleep" in event:
        time.sleep(event["sleep"])
    if "exit" in event:
        sys.exit(event["exit"])
    if "bytes" in event:
        return "x" * (event["bytes"] - 2)
    print("printed")
    logging.info("logged")
    return {
        "event": event, "count": count,
        "name": context.function_name, "version": context.function_version,
        "arn": context.invoked_function_arn, "id": context.aws_request_id,
        "memory": context.memory_limit_in_mb, "group": context.log_group_name, "stream": context.log_stream_name,
        "remaining": context.get_remaining_time_in_millis(),
        "custom": context.client_context and context.client_context.custom,
    }
"#;

/// The handler and the client, as a function of a managed runtime is assigned.
pub fn python_function(file: &str, shim: &Shim) -> Assignment {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/runtime-clients/python");
    assert!(
        packages.join("awslambdaric").is_dir(),
        "AWS's Python client is not at {}: run `make runtime-clients`",
        packages.display()
    );
    let variables: BTreeMap<_, _> = [("PYTHONPATH".to_owned(), packages.to_str().unwrap().to_owned())].into();
    Assignment {
        code: Code::Inline { files: [("app.py".to_owned(), file.to_owned())].into() },
        command: [python(), "-m", "awslambdaric", "app.handler"].map(str::to_owned).into(),
        working_directory: shim.path("task"),
        variables,
        ..assignment()
    }
}

async fn ready(shim: &Shim) -> Link {
    shim.ready(python_function(HANDLER, shim)).await
}

#[tokio::test]
async fn a_python_function_reads_its_context_and_stays_warm() {
    let shim = Shim::start().await;
    let mut gateway = ready(&shim).await;
    let mut invocation = invoke(3_000);
    invocation.client_context = Some(r#"{"custom":{"k":"v"},"client":{"installation_id":"i"}}"#.into());
    let outcome = gateway.run_with(invocation.clone(), r#"{"key":"välue"}"#).await;
    let result = outcome.succeeded().json();
    assert_eq!(result["event"], json!({"key": "välue"}));
    assert_eq!(result["id"], invocation.request_id.to_string());
    assert_eq!(result["arn"], invocation.invoked_arn);
    assert_eq!((&result["name"], &result["version"]), (&json!("my_function"), &json!("$LATEST")));
    assert_eq!((&result["memory"], &result["group"]), (&json!("256"), &json!("/aws/lambda/my_function")));
    assert!(result["stream"].as_str().unwrap().ends_with("/[$LATEST]07070707070707070707070707070707"));
    assert_eq!(result["custom"], json!({"k": "v"}));
    let remaining = result["remaining"].as_u64().unwrap();
    assert!((2_000..=3_000).contains(&remaining), "{remaining}");
    let id = outcome.request;
    assert!(outcome.tail.starts_with("loaded\nSTART RequestId: "), "{}", outcome.tail);
    assert!(
        outcome.tail.contains("printed\n[INFO]\t") && outcome.tail.contains(&format!("\t{id}\tlogged\n"))
    );
    assert_eq!(gateway.run(&json!({})).await.json()["count"], 2);
}

#[tokio::test]
async fn a_python_function_s_errors_are_its_own() {
    let shim = Shim::start().await;
    let mut gateway = ready(&shim).await;
    let outcome = gateway.run(&json!({"fail": "boom"})).await;
    outcome.failed_with(Handler, "Runtime.Unknown");
    let error = outcome.json();
    assert_eq!((&error["errorMessage"], &error["errorType"]), (&json!("boom"), &json!("ValueError")));
    assert_eq!(error["requestId"], outcome.request.to_string());
    assert!(outcome.tail.contains("[ERROR] ValueError: boom\nTraceback"), "{}", outcome.tail);
    assert_eq!(gateway.run(&json!({})).await.json()["count"], 2);
    let outcome = gateway.run(&json!({"exit": 4})).await;
    let message = format!("RequestId: {} Error: Runtime exited with error: exit status 4", outcome.request);
    assert_eq!(outcome.json(), json!({"errorType": "Runtime.ExitError", "errorMessage": message}));
    assert_eq!(gateway.run(&json!({})).await.json()["count"], 1);
}

#[tokio::test]
async fn a_python_function_starts_anew_after_a_time_out() {
    let shim = Shim::start().await;
    let mut gateway = ready(&shim).await;
    assert_eq!(gateway.run(&json!({})).await.json()["count"], 1);
    gateway.run_with(invoke(300), r#"{"sleep":100}"#).await.failed_with(TimedOut, "Sandbox.Timedout");
    gateway.until_phase(Phase::Free).await;
    assert_eq!(gateway.run(&json!({})).await.json()["count"], 1);
}

#[tokio::test]
async fn a_python_response_is_bounded_to_the_byte() {
    let shim = Shim::start().await;
    let mut gateway = ready(&shim).await;
    let limit = 6 * 1024 * 1024 + 100;
    let fits = gateway.run_with(invoke(20_000), &json!({"bytes": limit}).to_string()).await;
    assert_eq!(fits.succeeded().body.len(), limit);
    let over = gateway.run_with(invoke(20_000), &json!({"bytes": limit + 1}).to_string()).await;
    assert_eq!(over.json()["errorType"], "Function.ResponseSizeTooLarge", "{over:?}");
    gateway.run(&json!({})).await.succeeded();
}

#[tokio::test]
async fn a_python_module_that_cannot_be_imported_is_told() {
    let shim = Shim::start().await;
    let mut operator = shim.operator().await;
    operator.assign(python_function("import nothing_of_this_name", &shim), Bytes::new()).await;
    let state = operator.until_free().await;
    let Some(InitResult::Failed { error_type, message }) = state.init else { panic!("{state:?}") };
    assert_eq!(error_type, "Runtime.ImportModuleError");
    assert!(message.contains("No module named 'nothing_of_this_name'"), "{message}");
    let outcome = shim.gateway().await.run(&json!({})).await;
    outcome.failed_with(Init, "Runtime.ImportModuleError");
    assert_eq!(outcome.json()["errorType"], "Runtime.ImportModuleError");
    assert_eq!(outcome.json()["requestId"], "");
}
