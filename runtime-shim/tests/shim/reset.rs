//! After a failure: what is lost, what is kept, and what a runtime finds when it starts.

use protocol::link::environment::FunctionErrorCause::{Crashed, TimedOut};
use protocol::link::environment::InitResult;
use serde_json::json;

use crate::harness::{Shim, assignment, assignment_with};
use crate::link::invoke;

/// The guide: "The Lambda reset does not clear the `/tmp` directory content prior to the next init phase."
#[tokio::test]
async fn a_reset_keeps_tmp_and_nothing_else() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment_with("KEPT", &shim.path("tmp/kept"))).await;
    let count = json!({"run": r#"
file = open(os.environ["KEPT"], "a+")
file.write("x")
file.flush()
counted = globals().get("counted", 0) + 1
answer = [counted, os.path.getsize(os.environ["KEPT"]), os.getpid(), os.getcwd()]
"#})
    .to_string();
    let first = gateway.run_with(invoke(20_000), &count).await.json();
    assert_eq!((&first[0], &first[1], &first[3]), (&json!(1), &json!(1), &json!("/")));
    let second = gateway.run_with(invoke(20_000), &count).await.json();
    assert_eq!((&second[0], &second[1], &second[2]), (&json!(2), &json!(2), &first[2]));
    gateway.run_with(invoke(300), r#"{"do":"hang"}"#).await.failed_with(TimedOut, "Sandbox.Timedout");
    let third = gateway.run_with(invoke(20_000), &count).await.json();
    assert_eq!((&third[0], &third[1], &third[3]), (&json!(1), &json!(3), &json!("/")));
    assert_ne!(third[2], first[2]);
    gateway.run(&json!({"do": "exit", "status": 1})).await.failed_with(Crashed, "Runtime.ExitError");
    let fourth = gateway.run_with(invoke(20_000), &count).await.json();
    assert_eq!((&fourth[0], &fourth[1]), (&json!(1), &json!(4)));
}

#[tokio::test]
async fn a_runtime_starts_with_its_directory_its_descriptors_and_1024_of_them_at_most() {
    let shim = Shim::start().await;
    let mut given = assignment();
    given.working_directory = shim.path("task");
    let mut gateway = shim.ready(given).await;
    let code = r#"
import resource
limit = resource.getrlimit(resource.RLIMIT_NOFILE)
log = int(os.environ["_LAMBDA_TELEMETRY_LOG_FD"])
found = {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in (0, 1, 2, log)}
held = []
try:
    while True:
        held.append(open("/dev/null"))
except OSError as error:
    why = error.errno
files = max(file.fileno() for file in held) + 1
for file in held:
    file.close()
answer = {
    "limit": limit, "directory": os.getcwd(), "in": found[0], "same": found[1] == found[2] == found[log],
    "pipe": found[1].startswith("pipe:"), "error": why, "files": files,
}
"#;
    let found = gateway.run_with(invoke(20_000), &json!({"run": code}).to_string()).await.json();
    let expected = json!({
        "limit": [1024, 1024], "directory": shim.path("task"), "in": "/dev/null", "same": true, "pipe": true,
        "error": 24, "files": 1024,
    });
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_variables_are_aws_s_and_the_function_s_and_no_others() {
    let folder = crate::harness::fresh_folder();
    let mut command = Shim::command(&folder);
    // As in an image that sets nothing: what the shim itself is told begins with its own prefix.
    let settings: Vec<_> =
        command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    command.env_clear().envs(settings);
    command.envs([
        ("KUBERNETES_PORT", "tcp://10.0.0.1:443"),
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("HOSTNAME", "pod"),
    ]);
    let shim = Shim::run(command, folder).await;
    let mut gateway = shim.ready(assignment_with("TABLE", "t")).await;
    let variables = gateway.run(&json!({"do": "environment"})).await.json();
    let mut names: Vec<_> = variables.as_object().unwrap().keys().map(String::as_str).collect();
    // Python's own, where the locale that the guide names does not exist here.
    names.retain(|name| *name != "LC_CTYPE");
    names.sort_unstable();
    let expected = [
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_METADATA_API",
        "AWS_LAMBDA_METADATA_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_XRAY_CONTEXT_MISSING",
        "AWS_XRAY_DAEMON_ADDRESS",
        "HOME",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "PATH",
        "TABLE",
        "TZ",
        "_AWS_XRAY_DAEMON_ADDRESS",
        "_AWS_XRAY_DAEMON_PORT",
        "_HANDLER",
        "_LAMBDA_TELEMETRY_LOG_FD",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn an_init_phase_has_ten_seconds_and_is_then_repeated_inside_the_invocation() {
    let shim = Shim::start().await;
    let marker = shim.path("first");
    let code = format!(
        "if not os.path.exists({marker:?}):\n    open({marker:?}, 'w').close()\n    time.sleep(1000)\nprint('second life', flush=True)"
    );
    let mut operator = shim.operator().await;
    operator.assign(assignment_with("RAW_CODE", &code), bytes::Bytes::new()).await;
    let state = operator.until_free().await;
    assert_eq!(state.init, Some(InitResult::TimedOut));
    let log = shim.log_with("\tPhase: init\tStatus: timeout\n").await;
    let took = log.split("INIT_REPORT Init Duration: ").nth(1).unwrap().split(' ').next().unwrap();
    let took: f64 = took.parse().unwrap();
    assert!((10_000.0..11_000.0).contains(&took), "{took}");
    let outcome = shim.gateway().await.run_with(invoke(20_000), "{}").await;
    outcome.succeeded();
    let lines: Vec<_> = outcome.tail.lines().map(|line| line.split(' ').next().unwrap()).collect();
    // "If the Init phase is successful, Lambda doesn't emit the INIT_REPORT log".
    assert_eq!(lines, ["INIT_REPORT", "second", "START", "END", "REPORT"], "{}", outcome.tail);
    // What was repeated is in the duration, and not told as an init duration of its own.
    assert_eq!(outcome.report.init_duration_ms, None);
}

#[tokio::test]
async fn an_init_phase_that_fails_may_time_out_when_it_is_repeated() {
    let shim = Shim::start().await;
    let marker = shim.path("first");
    let code = format!(
        "if not os.path.exists({marker:?}):\n    open({marker:?}, 'w').close()\n    os._exit(5)\ntime.sleep(1000)"
    );
    let mut operator = shim.operator().await;
    operator.assign(assignment_with("RAW_CODE", &code), bytes::Bytes::new()).await;
    operator.until_free().await;
    let outcome = shim.gateway().await.run_with(invoke(600), "{}").await;
    outcome.failed_with(TimedOut, "Sandbox.Timedout");
    let log = shim.log_with("REPORT RequestId").await;
    let reports: Vec<_> = log.lines().filter(|line| line.starts_with("INIT_REPORT")).collect();
    assert_eq!(reports.len(), 2, "{log}");
    assert!(reports[0].ends_with("\tPhase: init\tStatus: error\tError Type: Runtime.ExitError"), "{log}");
    assert!(reports[1].ends_with("\tPhase: invoke\tStatus: timeout"), "{log}");
    assert!(log.ends_with("\tStatus: timeout\n"), "{log}");
}
