//! The entry point inside of an image, in the place of AWS's emulator: the image's own entrypoint starts it.
//!
//! The image is the stand-in for AWS's Python image, in mount and process namespaces of its own. Its network is the
//! machine's, so each test has a port of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::harness::{Answer, Local, folder, post};

const CODE: &str = "import os, time
def handler(event, context):
    print('seen', event)
    time.sleep(event.get('sleep', 0))
    if 'fail' in event:
        raise ValueError('as asked')
    if 'exit' in event:
        os._exit(3)
    for mark, other in [event['marks']] if 'marks' in event else []:
        open('/tmp/' + mark, 'w').close()
        while not os.path.exists('/tmp/' + other):
            time.sleep(0.005)
    return {'function': context.function_name, 'version': context.function_version, 'arn': context.invoked_function_arn,
            'memory': context.memory_limit_in_mb, 'of nine seconds': 5000 < context.get_remaining_time_in_millis() <= 9000,
            'handler': os.environ['_HANDLER'], 'folder': os.getcwd(), 'id': context.aws_request_id,
            'settings': [name for name in os.environ if name.startswith('KUBELAMBDA_')],
            'text': event.get('text'), 'own': os.environ.get('OWN'), 'stream': context.log_stream_name}
";
/// Mounts what a container runtime would, and goes into the image.
const ENTER: &str = "mount --rbind /dev \"$1/dev\" && mount -t proc proc \"$1/proc\" && mount -t tmpfs tmpfs \"$1/tmp\" && \
    exec /usr/sbin/chroot \"$1\" /bin/sh -c 'cd /var/task && exec \"$@\"' sh /lambda-entrypoint.sh app.handler";

/// The files of an image's layer, which `make test` builds before.
pub(crate) fn image_layer(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/images").join(name).join("root");
    assert!(root.is_dir(), "{} is not built: run tests/images/build-all", root.display());
    root.canonicalize().unwrap()
}

/// An image with a function, and this program in the emulator's place.
fn image() -> PathBuf {
    let root = folder(&[]).join("image");
    for layer in ["base", "python-3.11"] {
        let from = image_layer(layer).join(".");
        let done = Command::new("cp").args(["-a", "--link"]).arg(&from).arg(&root).status();
        assert!(done.unwrap().success());
    }
    fs::write(root.join("var/task/app.py"), CODE).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_kubelambda"), root.join("usr/local/bin/aws-lambda-rie")).unwrap();
    root
}

/// A container of the image, as far as a test needs one.
struct Container {
    outside: Local,
    address: String,
}

impl Container {
    fn start(root: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "--pid", "--fork", "sh", "-c", ENTER, "sh"]);
        // What AWS's images set.
        let own = [
            ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            ("KUBELAMBDA_EMULATOR_LISTEN", "127.0.0.1:0"),
        ];
        command.arg(root).env_clear().envs(own).envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let outside = Local::watch(command);
        let address = outside.url_after("http://");
        Self { outside, address }
    }

    /// Its first process is told to end; `unshare` itself does not listen.
    fn end(&self) {
        let parent = self.outside.pid();
        let children =
            fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        for child in children.split_whitespace() {
            let child = Pid::from_raw(child.parse().unwrap()).unwrap();
            // One that has ended by itself is not there any more.
            kill_process(child, Signal::TERM).unwrap_or_default();
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.end();
    }
}

fn invoke(address: &str, event: &str) -> Answer {
    post(address, "/2015-03-31/functions/function/invocations", event, &[])
}

#[test]
fn an_image_is_served_with_the_emulator_s_variables() {
    let variables = [
        ("AWS_LAMBDA_FUNCTION_NAME", "Mine"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "7"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_TIMEOUT", "9"),
        ("AWS_REGION", "eu-west-1"),
        ("OWN", "a=b"),
        ("LOG_LEVEL", "debug"),
        ("KUBELAMBDA_LOG", "warn"),
    ];
    let container = Container::start(&image(), &variables);
    let answer = invoke(&container.address, r#"{"text": "ä€😀"}"#);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let mut seen = answer.json();
    assert_eq!(seen["id"].take().as_str(), answer.header("x-amzn-requestid"));
    let arn = seen["arn"].take();
    assert!(arn.as_str().unwrap().starts_with("arn:aws:lambda:eu-west-1:"), "{arn}");
    let stream = seen["stream"].take();
    assert!(stream.as_str().unwrap().contains("/[7]"), "{stream}");
    let expected = json!({"function": "Mine", "version": "7", "arn": null, "memory": "256", "of nine seconds": true,
        "handler": "app.handler", "folder": "/var/task", "id": null, "settings": [], "text": "ä€😀", "own": "a=b", "stream": null});
    assert_eq!(seen, expected);
    assert_eq!(answer.header("x-amz-executed-version"), Some("7"));
    container.outside.wait_for_line("Version: 7");
    container.outside.wait_for_line("seen {'text'");
    container.outside.wait_for_line("REPORT RequestId");
    assert!(!container.outside.said().join("\n").contains("AWS_SECRET"));
    container.end();
    container.outside.wait_for_line("Ending the environments");
}

#[test]
fn failures_in_an_image_are_answered_as_on_aws() {
    let container = Container::start(&image(), &[("AWS_LAMBDA_FUNCTION_TIMEOUT", "1")]);
    let late = invoke(&container.address, r#"{"sleep": 60}"#);
    assert_eq!((late.status, late.header("x-amz-function-error")), (200, Some("Unhandled")));
    assert_eq!(late.json()["errorType"], "Sandbox.Timedout");
    assert!(late.body.contains("Task timed out after 1.00 seconds"), "{late:?}");
    let failed = invoke(&container.address, r#"{"fail": 1}"#);
    assert_eq!(failed.header("x-amz-function-error"), Some("Unhandled"));
    assert_eq!(
        (&failed.json()["errorType"], &failed.json()["errorMessage"]),
        (&json!("ValueError"), &json!("as asked"))
    );
    let exited = invoke(&container.address, r#"{"exit": 1}"#);
    assert_eq!((exited.status, &exited.json()["errorType"]), (200, &json!("Runtime.ExitError")));
    assert_eq!(invoke(&container.address, "{}").json()["function"], "test_function");
}

/// AWS's emulator breaks on a second request; here each has an environment of its own.
#[test]
fn an_image_runs_requests_at_once() {
    let container = Container::start(&image(), &[]);
    let event = |own: &str, other: &str| json!({"marks": [own, other]}).to_string();
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| invoke(&container.address, &event("a", "b")));
        let other = scope.spawn(|| invoke(&container.address, &event("b", "a")));
        (one.join().unwrap(), other.join().unwrap())
    });
    assert!(one.header("x-amz-function-error").is_none() && other.header("x-amz-function-error").is_none());
    assert_ne!(one.json()["stream"], other.json()["stream"]);
}
