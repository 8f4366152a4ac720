//! What a hostile function or peer tries.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use bytes::Bytes;
use protocol::link::environment::ToEnvironment;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Shim, assignment, fresh_folder, program, wait_for};
use crate::link::invoke;

/// A user that owns nothing, for tests that run as root, whom nothing is hidden from.
const NOBODY: u32 = 65_534;

#[tokio::test]
async fn a_function_cannot_look_into_the_shim() {
    let folder = fresh_folder();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let copy = folder.join("shim");
    std::fs::copy(program(), &copy).unwrap();
    let mut command = Shim::command_of(&copy, &folder);
    if rustix::process::getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let shim = Shim::run(command, folder).await;
    let found = shim.path("found");
    let mut given = assignment();
    // A control first: what belongs to the function itself can be read in the same way.
    let script = format!(
        "p=$PPID; for f in /proc/self/environ /proc/$p/environ /proc/$p/maps /proc/$p/mem; do \
         head -c 1 $f >/dev/null 2>&1 && echo \"$f read\" || echo \"$f refused\"; done > {found}.partial; \
         mv {found}.partial {found}; exec sleep 1000"
    );
    given.command = ["/bin/sh", "-c", &script].map(str::to_owned).into();
    shim.operator().await.assign(given, Bytes::new()).await;
    let text = wait_for("what the function found", || std::fs::read_to_string(&found).ok()).await;
    let verdicts: Vec<_> = text.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(verdicts, ["read", "refused", "refused", "refused"], "{text}");
}

#[tokio::test]
async fn a_gateway_that_reads_nothing_is_cut_and_the_environment_serves_on() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let mut deaf = shim.gateway().await;
    let event = json!({"do": "size", "bytes": 6_000_000}).to_string();
    for _ in 0..8 {
        let asked = invoke(20_000);
        deaf.send(ToEnvironment::Invoke(Box::new(asked)), event.clone().into()).await;
        gateway.until_phase(protocol::link::environment::Phase::Busy).await;
        gateway.until_free().await;
        if shim.diagnostics().contains("its peer does not read") {
            break;
        }
    }
    assert!(shim.diagnostics().contains("its peer does not read"));
    gateway.run(&json!({})).await.succeeded();
}

#[tokio::test]
async fn strangers_that_say_nothing_or_too_much_do_not_keep_a_gateway_out() {
    let shim = Shim::start().await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(&shim.link).await.unwrap());
    }
    let mut loud = TcpStream::connect(&shim.link).await.unwrap();
    loud.write_all(&[0xff; 64]).await.unwrap();
    // Cut without an answer to what it sent: only the shim's own opening comes.
    let mut opening = Vec::new();
    drop(loud.read_to_end(&mut opening).await);
    shim.ready(assignment()).await.run(&json!({})).await.succeeded();
}

#[tokio::test]
async fn memory_for_large_payloads_is_given_back() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let payload = json!({"pad": "x".repeat(6_000_000)}).to_string();
    let mut after_one = 0;
    for number in 0..10 {
        let outcome = gateway.run_with(invoke(20_000), &payload).await;
        assert_eq!(outcome.succeeded().body.len(), payload.len());
        if number == 0 {
            after_one = shim.resident_kib();
        }
    }
    let (after_all, peak) = (shim.resident_kib(), shim.memory_kib("VmHWM:"));
    eprintln!(
        "resident after one large payload {after_one} KiB, after ten {after_all} KiB; at most {peak} KiB"
    );
    assert!(after_all < after_one + 1_024, "grew from {after_one} to {after_all} KiB");
}
