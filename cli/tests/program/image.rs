//! The entry point of a Lambda image, called as AWS's emulator is.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{Local, folder, manifest, post, program_called, run, run_once};

const CODE: &str = "import os, time\ndef handler(event, context):\n    time.sleep(event.get('sleep', 0))\n    \
    print('the function says', event.get('say'))\n    \
    return [context.function_name, context.get_remaining_time_in_millis() > 1000, os.getcwd(), os.environ['_HANDLER'], context.tenant_id]";

#[test]
fn an_image_s_function_is_served_in_the_emulator_s_place() {
    let folder = folder(&[("app.py", CODE), ("f.yaml", &manifest("f", CODE, ""))]);
    // An image has the runtime client.
    run_once(&folder, "f");
    let called = folder.join("aws-lambda-rie");
    symlink(env!("CARGO_BIN_EXE_kubelambda"), &called).unwrap();
    let client =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache/kubelambda/python3.11/awslambdaric-4.2.2");
    let mut command = program_called(
        called.to_str().unwrap(),
        &[
            "--runtime-interface-emulator-address",
            "127.0.0.1:0",
            "python3",
            "-m",
            "awslambdaric",
            "app.handler",
        ],
    );
    command.current_dir(&folder).env("PYTHONPATH", client).env("AWS_LAMBDA_FUNCTION_TIMEOUT", "2");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut image = Local::watch(command);
    let address = image.url_after("http://");
    let path = "/2015-03-31/functions/function/invocations";
    let answer = post(&address, path, "{}", &[]).json();
    assert_eq!(answer, json!(["test_function", true, folder, "app.handler", null]));
    let of_a_tenant = post(&address, path, "{}", &[("x-amz-tenant-id", "blue")]).json();
    assert_eq!(of_a_tenant, json!(["test_function", true, folder, "app.handler", "blue"]));
    // Guide, Invoke: "Event – Invoke the function asynchronously"; "The API response only includes a status code."
    let event = post(&address, path, "{\"say\": \"asynchronously\"}", &[("X-Amz-Invocation-Type", "Event")]);
    assert_eq!((event.status, event.body.as_str()), (202, ""));
    image.wait_for_line("the function says asynchronously");
    let late = post(&address, path, "{\"sleep\": 60}", &[]);
    assert_eq!(late.header("x-amz-function-error"), Some("Unhandled"));
    assert!(late.body.contains("Task timed out after 2.00 seconds"), "{late:?}");
    assert!(image.end(Signal::TERM).success());
}

#[test]
fn an_image_without_a_command_is_told_what_is_missing() {
    let (output, said) = run(&["emulate", "--listen", "127.0.0.1:0"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("there is no /var/task/bootstrap"), "{said}");
}
