//! Invocations of the type `Event` on the emulator's port: what is accepted is run.

use std::fs;

use serde_json::json;

use crate::harness::{Answer, Local, folder, manifest, post, wait_for};

const PATH: &str = "/2015-03-31/functions/function/invocations";
/// Leaves a mark of its own and waits for another, if one is named.
const CODE: &str = "import os, time\ndef handler(event, context):\n    \
    open(os.path.join(event['folder'], event['own']), 'w').close()\n    \
    while 'until' in event and not os.path.exists(os.path.join(event['folder'], event['until'])):\n        \
    time.sleep(0.005)";
const KIND: (&str, &str) = ("X-Amz-Invocation-Type", "Event");

fn event(address: &str, payload: &str) -> Answer {
    post(address, PATH, payload, &[KIND])
}

#[test]
fn an_event_that_finds_its_function_at_its_cap_is_run_later() {
    let one_at_once = "  scaling: {maxEnvironments: 1}\n";
    let folder = folder(&[("f.yaml", &manifest("f", CODE, one_at_once))]);
    let debug = [("KUBELAMBDA_LOG", "kubelambda=debug")];
    let local = Local::start_with(&folder, &["--emulator", "127.0.0.1:0"], &debug);
    let emulator = local.url_after("also on http://");
    let is_there = |name: &str| folder.join(name).exists().then_some(());
    let first = json!({"folder": folder, "own": "first", "until": "go"}).to_string();
    assert_eq!(event(&emulator, &first).status, 202);
    wait_for("the first event", || is_there("first"));
    let second = json!({"folder": folder, "own": "second"}).to_string();
    assert_eq!(local.invoke("f", &second).status, 429);
    let accepted = event(&emulator, &second);
    assert_eq!((accepted.status, accepted.body.as_str()), (202, ""));
    local.wait_for_line("An event is tried again");
    assert!(is_there("second").is_none());
    fs::write(folder.join("go"), "").unwrap();
    wait_for("the second event", || is_there("second"));
}

#[test]
fn an_event_that_cannot_be_run_is_refused_and_not_accepted() {
    let folder = folder(&[("f.yaml", &manifest("f", CODE, ""))]);
    let local = Local::start(&folder, &["--emulator", "127.0.0.1:0"]);
    let emulator = local.url_after("also on http://");
    let check = |payload: &str, header: (&str, &str), status: u16, error: &str| {
        let answer = post(&emulator, PATH, payload, &[KIND, header]);
        assert_eq!((answer.status, answer.header("x-amzn-errortype")), (status, Some(error)), "{answer:?}");
    };
    let none = ("X-Any", "thing");
    // AWS's model of Invoke: InvalidRequestContentException, "The request body could not be parsed as JSON".
    check("no JSON", none, 400, "InvalidRequestContentException");
    check("{}", ("X-Amz-Client-Context", "no base64"), 400, "InvalidRequestContentException");
    check("{}", ("X-Amz-Log-Type", "tail"), 400, "ValidationException");
    check("{}", ("X-Amz-Tenant-Id", "blue"), 400, "InvalidParameterValueException");
    // Guide, quotas: an asynchronous invocation's payload is 1 MB at most.
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    check(&text(1024 * 1024 + 1), none, 413, "RequestTooLargeException");
    assert_eq!(event(&emulator, &text(1024 * 1024)).status, 202);
}
