//! What a function and its caller see.

use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::harness::{Local, folder, get, interpreter_s_start, manifest, post, run, run_once};

/// The promise is 1 s and the interpreter's start, on a machine of one's own. Tests share theirs and build for
/// debugging.
const FIRST_ANSWER: Duration = Duration::from_secs(3);

const CONTEXT: &str = include_str!("../../../tests/functions/python/conformance.py");

#[test]
fn the_first_answer_comes_within_a_second_and_the_interpreter_s_start() {
    let folder =
        folder(&[("f.yaml", &manifest("hello", "def handler(event, context):\n    return 'hello'", ""))]);
    // Once before: the client is fetched only once.
    run_once(&folder, "hello");
    let interpreter = interpreter_s_start();
    let local = Local::start(&folder, &[]);
    let answer = local.invoke("hello", "{}");
    let first = local.started.elapsed();
    assert_eq!((answer.status, answer.body.as_str()), (200, "\"hello\""), "{answer:?}");
    assert_eq!(answer.header("x-amz-executed-version"), Some("$LATEST"));
    eprintln!("first answer after {first:?}, of which the interpreter takes {interpreter:?}");
    assert!(first < FIRST_ANSWER + interpreter, "{first:?}");
    assert!(!local.said().concat().contains("Fetching"));
}

/// Who runs this test, as the machine lists it.
fn own_name() -> String {
    let told = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(told.stdout).unwrap().trim().to_owned()
}

#[test]
fn every_field_of_the_context_is_there() {
    let manifest = manifest("context", CONTEXT, "  memorySize: 192\n  functionName: My_Context\n");
    let folder = folder(&[("f.yaml", &manifest.replace("app.handler", "app.context"))]);
    let local = Local::start(&folder, &["--region", "eu-west-1"]);
    let client = json!({"custom": {"a": "b"}, "env": {"c": "d"}, "client": {"app_title": "t"}});
    let client = STANDARD.encode(client.to_string());
    for slept in [20, 300] {
        let event = json!({"sleep_ms": slept, "user": true}).to_string();
        let answer = local.invoke_with("My_Context", &event, &[("X-Amz-Client-Context", &client)]);
        let seen = answer.json();
        assert_eq!(seen["function_name"], "My_Context");
        assert_eq!(seen["user"]["name"], own_name());
        assert_eq!(seen["function_version"], "$LATEST");
        assert_eq!(seen["memory_limit_in_mb"], "192");
        assert_eq!(seen["aws_request_id"].as_str(), answer.header("x-amzn-requestid"));
        assert_eq!(seen["log_group_name"], "/aws/lambda/My_Context");
        assert!(seen["log_stream_name"].as_str().unwrap().contains("/[$LATEST]"));
        let arn = seen["invoked_function_arn"].as_str().unwrap();
        assert!(
            arn.starts_with("arn:aws:lambda:eu-west-1:") && arn.ends_with(":function:My_Context"),
            "{arn}"
        );
        assert_eq!(seen["client_context"]["custom"], json!({"a": "b"}));
        let number = |name: &str| seen[name].as_i64().unwrap();
        let (before, after) = (number("remaining_ms_before"), number("remaining_ms_after"));
        assert!((19_000..=20_000).contains(&before) && before - after >= slept, "{before} {after}");
    }
}

#[test]
fn nothing_of_the_platform_is_among_a_function_s_variables() {
    let code =
        "import os\ndef handler(event, context):\n    return [n for n in os.environ if n.startswith('KUBE')]";
    let folder = folder(&[("f.yaml", &manifest("f", code, ""))]);
    assert_eq!(Local::start(&folder, &[]).invoke("f", "{}").body, "[]");
}

#[test]
fn a_timeout_is_answered_as_on_aws_and_the_next_is_served() {
    let code =
        "import time\ndef handler(event, context):\n    time.sleep(event['seconds'])\n    return 'in time'";
    let folder = folder(&[("f.yaml", &manifest("slow", code, "").replace("timeout: 20", "timeout: 1"))]);
    let local = Local::start(&folder, &[]);
    let late = local.invoke_with("slow", r#"{"seconds": 60}"#, &[("X-Amz-Log-Type", "Tail")]);
    assert_eq!((late.status, late.header("x-amz-function-error")), (200, Some("Unhandled")));
    let error = late.json();
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    assert!(error["errorMessage"].as_str().unwrap().ends_with("Task timed out after 1.00 seconds"));
    let log = STANDARD.decode(late.header("x-amz-log-result").unwrap()).unwrap();
    assert!(String::from_utf8(log).unwrap().contains("Status: timeout"));
    assert_eq!(local.invoke("slow", r#"{"seconds": 0}"#).body, "\"in time\"");
}

#[test]
fn a_debugged_function_has_all_the_time() {
    let code = "def handler(event, context):\n    return context.get_remaining_time_in_millis()";
    let folder = folder(&[("f.yaml", &manifest("f", code, "").replace("timeout: 20", "timeout: 1"))]);
    let local = Local::start(&folder, &["--debug"]);
    assert!(local.invoke("f", "{}").json().as_u64().unwrap() > 3_600_000);
}

#[test]
fn two_invocations_run_at_once() {
    // Each leaves a mark and waits for the other's: only two at once can both answer.
    let code = "import os, time\ndef handler(event, context):\n    open(os.path.join(event['folder'], event['own']), 'w')\n    \
        while not os.path.exists(os.path.join(event['folder'], event['other'])):\n        time.sleep(0.005)\n    \
        return context.log_stream_name";
    let folder = folder(&[("f.yaml", &manifest("pair", code, ""))]);
    let local = Local::start(&folder, &[]);
    let event = |own: &str, other: &str| json!({"folder": folder, "own": own, "other": other}).to_string();
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| local.invoke("pair", &event("a", "b")));
        let other = scope.spawn(|| local.invoke("pair", &event("b", "a")));
        (one.join().unwrap(), other.join().unwrap())
    });
    assert!(one.header("x-amz-function-error").is_none() && other.header("x-amz-function-error").is_none());
    assert_ne!(one.body, other.body);
}

#[test]
fn the_emulator_s_path_answers_for_the_first_function() {
    let code = "def handler(event, context):\n    return [event, context.function_name]";
    let folder =
        folder(&[("a.yaml", &manifest("first", code, "")), ("b.yaml", &manifest("second", code, ""))]);
    let local = Local::start(&folder, &["--emulator", "127.0.0.1:0"]);
    let emulator = local.url_after("also on http://");
    let path = "/2015-03-31/functions/function/invocations";
    assert_eq!(post(&emulator, path, "{\"a\": 1}", &[]).json(), json!([{"a": 1}, "first"]));
    assert_eq!(post(&emulator, "/2015-03-31/functions/second/invocations", "{}", &[]).status, 404);
    let unknown = local.invoke("function", "{}");
    assert_eq!(
        (unknown.status, unknown.header("x-amzn-errortype")),
        (404, Some("ResourceNotFoundException"))
    );
}

#[test]
fn a_provided_runtime_runs_its_bootstrap() {
    let script = "#!/bin/bash\\napi=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation\\nwhile true; do\\n\
        event=$(curl -sS -D headers.$$ $api/next)\\nid=$(grep -i aws-request-id headers.$$ | cut -d' ' -f2 | tr -d '\\\\r')\\n\
        curl -sS -d \\\"$event\\\" $api/$id/response\\ndone";
    let text = manifest("own", "", "").replace("python3.11", "provided.al2023");
    let (head, _) = text.split_once("  code:").unwrap();
    let folder = folder(&[("f.yaml", &format!("{head}  code:\n    inline: {{bootstrap: \"{script}\"}}\n"))]);
    let local = Local::start(&folder, &[]);
    assert_eq!(local.invoke("own", "{\"b\": 2}").json(), json!({"b": 2}));
}

#[test]
fn what_cannot_run_here_says_why() {
    let image = "apiVersion: kubelambda.dev/v1alpha1\nkind: Function\nmetadata: {name: i}\nspec: {code: {image: r/i:1}}\n";
    let dotnet = manifest("d", "", "").replace("python3.11", "dotnet8");
    let folder = folder(&[("a.yaml", image), ("b.yaml", &dotnet)]);
    let local = Local::start(&folder, &[]);
    let answer = local.invoke("i", "{}");
    assert!(answer.status >= 400 && answer.body.contains("container image"), "{answer:?}");
    assert!(answer.body.contains("kubelambda emulate"), "{answer:?}");
    let answer = local.invoke("d", "{}");
    assert!(answer.status >= 400 && answer.body.contains("no interpreter for 'dotnet8'"), "{answer:?}");
}

#[test]
fn metrics_are_those_of_a_cluster() {
    let folder = folder(&[("f.yaml", &manifest("f", "def handler(event, context):\n    return 1", ""))]);
    let local = Local::start(&folder, &["--metrics", "127.0.0.1:0"]);
    assert_eq!(local.invoke("f", "{}").body, "1");
    let metrics = get(&local.url_after("Metrics on http://"), "/metrics");
    let wanted = r#"kubelambda_invocations_total{function="f",namespace="default",outcome="success",version="$LATEST"} 1"#;
    assert!(metrics.body.contains(wanted), "{}", metrics.body);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = folder(&[("f.yaml", &manifest("f", "", ""))]);
    let folder = folder.to_str().unwrap();
    let (output, said) = run(&["local", folder, "--listen", &address, "--emulator", "off"], "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        said,
        format!("kubelambda: {address} is taken by another program: choose another with --listen\n")
    );
    let (output, said) = run(&["local", folder, "--listen", "127.0.0.1:0", "--emulator", &address], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(&format!("{address} is taken")), "{said}");
}
