//! `/tmp` on a disk that does not bound it: whoever fills it is told, and not whoever comes next.
//!
//! The guide: "Each execution environment provides between 512 MB and 10,240 MB … of disk space in the /tmp directory."
//! It is on a file system that nobody else writes to while a test runs. Needs `unshare` and user namespaces.

use protocol::link::assignment::Assignment;
use protocol::link::environment::{FunctionErrorCause, InitResult};
use serde_json::{Value, json};

use crate::harness::{Shim, assignment, fresh_folder, program};
use crate::link::Link;

/// Mounts a file system of its own, in a mount namespace of its own, and becomes the shim there.
const ENTER: &str = r#"mount -t tmpfs -o size=64m tmpfs "$1" && exec "$2""#;

/// A shim, and an assignment whose `/tmp` is smaller than the file system that it is on.
async fn shim() -> (Shim, Assignment) {
    let folder = fresh_folder();
    let mut command = Shim::command_of("unshare", &folder);
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", ENTER, "sh"]);
    command.arg(folder.join("tmp")).arg(program());
    let shim = Shim::run(command, folder).await;
    let mut assignment = assignment();
    assignment.ephemeral_storage_mb = 4;
    (shim, assignment)
}

/// Python that writes so many MB at once.
fn write(shim: &Shim, name: &str, megabytes: usize) -> String {
    format!("open('{}', 'wb').write(bytes({megabytes} << 20))", shim.path(&format!("tmp/{name}")))
}

/// What is there, as the next invocation sees it.
async fn listed(shim: &Shim, gateway: &mut Link) -> Value {
    let event = json!({"run": format!("answer = os.listdir('{}')", shim.path("tmp"))});
    gateway.run(&event).await.succeeded().json()
}

#[tokio::test]
async fn who_fills_it_at_once_is_told_and_the_next_is_served() {
    let (shim, assignment) = shim().await;
    let mut gateway = shim.ready(assignment).await;
    let filled = |name: &str| json!({"run": write(&shim, name, 3)});
    gateway.run(&filled("one")).await.succeeded();
    // The same again takes no more than is there.
    gateway.run(&filled("one")).await.succeeded();
    let over = gateway.run(&filled("two")).await;
    over.failed_with(FunctionErrorCause::Crashed, "Sandbox.Failure");
    assert!(over.json()["errorMessage"].as_str().unwrap().ends_with("Error: /tmp holds more than 4 MB"));
    assert_eq!(listed(&shim, &mut gateway).await, json!([]));
    gateway.run(&filled("three")).await.succeeded();
}

#[tokio::test]
async fn what_is_written_after_the_answer_is_not_the_next_invocation_s() {
    let (shim, assignment) = shim().await;
    let mut gateway = shim.ready(assignment).await;
    let event = json!({"run": format!("respond(request, '1'); {}", write(&shim, "late", 8))});
    let outcome = gateway.run(&event).await;
    assert_eq!(outcome.succeeded().json(), json!(1));
    assert!(outcome.tail.ends_with("\tStatus: error\tError Type: Sandbox.Failure\n"), "{}", outcome.tail);
    assert_eq!(listed(&shim, &mut gateway).await, json!([]));
}

#[tokio::test]
async fn what_is_written_in_the_init_phase_is_that_phase_s() {
    let (shim, mut assignment) = shim().await;
    let seen = shim.path("seen");
    let code = format!(
        "if not os.path.exists('{seen}'):\n    open('{seen}', 'w').close()\n    {}",
        write(&shim, "early", 8)
    );
    assignment.variables.insert("RAW_CODE".into(), code);
    let mut operator = shim.operator().await;
    operator.assign(assignment, bytes::Bytes::new()).await;
    let state = operator.until_free().await;
    let message = "/tmp holds more than 4 MB".to_owned();
    let expected = InitResult::Failed { error_type: "Sandbox.Failure".into(), message };
    assert_eq!(state.init, Some(expected));
    assert_eq!(listed(&shim, &mut shim.gateway().await).await, json!([]));
}

#[tokio::test]
async fn a_handler_that_raises_over_its_size_is_told_why() {
    let (shim, assignment) = shim().await;
    let mut gateway = shim.ready(assignment).await;
    let error = r#"respond(request, '{"errorType":"E"}', "error")"#;
    let event = json!({"run": format!("{}; {error}", write(&shim, "file", 8))});
    gateway.run(&event).await.failed_with(FunctionErrorCause::Crashed, "Sandbox.Failure");
    gateway.run(&json!({})).await.succeeded();
}
