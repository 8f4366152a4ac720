//! GetFunctionConfiguration: a function's settings, from the snapshot that invokes use.

use std::sync::Arc;

use crate::support::client::{get, invoke};
use crate::support::gateway::{ACCOUNT, Running, function, options};
use gateway::catalog::DeclaredFunction;
use protocol::lambda_api::configuration::{FunctionSettings, FunctionState};
use serde_json::Value;

async fn running() -> Running {
    let settings = FunctionSettings { runtime: Some("python3.13".into()), ..FunctionSettings::default() };
    let f = DeclaredFunction { settings: Arc::new(settings), ..function("f", 1) };
    let state = FunctionState::Failed { code: "InvalidRuntime", reason: "no such Runtime".into() };
    Running::start(options(), vec![f, DeclaredFunction { state, ..function("old", 1) }]).await
}

fn path(function: &str) -> String {
    format!("/2015-03-31/functions/{function}/configuration")
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_told_by_every_form_of_the_name() {
    let running = running().await;
    let arn = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:f");
    for (asked, shown) in [
        (path("f"), arn.clone()),
        (path(&arn), arn.clone()),
        (path("f:%24LATEST"), format!("{arn}:$LATEST")),
        (format!("{}?Qualifier=%24LATEST", path("f")), format!("{arn}:$LATEST")),
    ] {
        let answer = get(running.api, &asked).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        assert_eq!(answer.header("x-amzn-requestid").map(str::len), Some(36));
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (body["FunctionArn"].as_str(), &body["FunctionName"]),
            (Some(shown.as_str()), &"f".into())
        );
        assert_eq!((&body["Timeout"], &body["MemorySize"]), (&3.into(), &128.into()));
        assert_eq!((&body["Version"], &body["Runtime"]), (&"$LATEST".into(), &"python3.13".into()));
    }
    let failed: Value = serde_json::from_slice(&get(running.api, &path("old")).await.body).unwrap();
    assert_eq!((&failed["State"], &failed["StateReason"]), (&"Failed".into(), &"no such Runtime".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_those_of_an_invoke() {
    let running = running().await;
    for name in ["absent", "f:7", "f:live", "a%20b", "999999999999:function:f"] {
        let asked = get(running.api, &path(name)).await;
        let invoked = invoke(running.api, name, "{}").await;
        // Only Invoke names the version that it means where none was written.
        let text = invoked.text().replace(":$LATEST", "");
        assert_eq!(
            (asked.status, asked.text(), asked.header("x-amzn-errortype")),
            (invoked.status, text, invoked.header("x-amzn-errortype")),
            "{name}"
        );
    }
    let mismatch = get(running.api, &format!("{}?Qualifier=8", path("f:7"))).await;
    assert_eq!(mismatch.header("x-amzn-errortype"), Some("InvalidParameterValueException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_once_the_snapshot_has_it() {
    let running = running().await;
    running.declare(|declared| declared.functions[0].timeout_seconds = 60);
    for _ in 0..500 {
        let body: Value = serde_json::from_slice(&get(running.api, &path("f")).await.body).unwrap();
        if body["Timeout"] == 60 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the new time-out is not told");
}
