//! From generic to serving: assignment, one invocation at a time, grants.

use std::time::Instant;

use bytes::Bytes;
use protocol::link::assignment::Code;
use protocol::link::environment::{FromEnvironment, Phase, Refusal, ToEnvironment};
use protocol::link::handshake::Role;
use protocol::link::trust::LinkKey;
use serde_json::json;
use tokio::net::TcpListener;

use crate::harness::{Shim, assignment, fresh_folder, key, program, wait_for};
use crate::link::{Link, invoke};

#[tokio::test]
async fn a_new_environment_announces_itself_and_refuses_until_it_is_assigned() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let shim = Shim::start_with(&[("KUBELAMBDA_ANNOUNCE", &address)]).await;
    let (stream, _) = listener.accept().await.unwrap();
    let mut operator = Link::accept(stream, Role::Operator, &key()).await.unwrap();
    assert_eq!(operator.until_phase(Phase::Generic).await.revision, None);
    let mut gateway = shim.gateway().await;
    assert_eq!(gateway.refused(invoke(1_000)).await, Refusal::NotReady);
    operator.assign(assignment(), Bytes::new()).await;
    let state = operator.until_phase(Phase::Init).await;
    assert_eq!(state.revision, Some(assignment().revision));
    gateway.until_free().await;
    gateway.run(&json!({})).await.succeeded();
}

#[tokio::test]
async fn a_second_assignment_changes_nothing() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let mut operator = shim.operator().await;
    let mut other = assignment();
    other.command = vec!["/bin/false".into()];
    other.revision.version = "7".into();
    operator.assign(other, Bytes::new()).await;
    wait_for("word of it", || shim.diagnostics().contains("a second assignment").then_some(())).await;
    gateway.run(&json!({})).await.succeeded();
}

#[tokio::test]
async fn each_role_may_do_only_what_is_its_own() {
    let shim = Shim::start().await;
    let mut gateway = shim.gateway().await;
    gateway.assign(assignment(), Bytes::new()).await;
    wait_for("word of it", || shim.diagnostics().contains("an assignment from a Gateway").then_some(()))
        .await;
    let mut operator = shim.operator().await;
    assert_eq!(operator.until_phase(Phase::Generic).await.phase, Phase::Generic);
    assert_eq!(operator.refused(invoke(1_000)).await, Refusal::NotAllowed);
}

#[tokio::test]
async fn a_peer_with_another_key_is_cut() {
    let shim = Shim::start().await;
    let stranger = LinkKey::from_secret(&[9; 32]).unwrap();
    assert!(Link::dial(&shim.link, Role::Operator, &stranger).await.is_err());
    shim.gateway().await.until_phase(Phase::Generic).await;
}

#[tokio::test]
async fn a_second_invocation_is_refused_at_once_whoever_sends_it() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let mut other = shim.gateway().await;
    let file = shim.path("go");
    let first = invoke(20_000);
    let event = json!({"do": "wait for", "file": file}).to_string();
    gateway.send(ToEnvironment::Invoke(Box::new(first.clone())), event.clone().into()).await;
    other.until_phase(Phase::Busy).await;
    assert_eq!(other.refused(invoke(1_000)).await, Refusal::Busy);
    let mut foreign = invoke(1_000);
    foreign.revision.version = "7".into();
    assert_eq!(other.refused(foreign).await, Refusal::OtherRevision);
    std::fs::write(&file, "").unwrap();
    gateway.outcome(&first, Instant::now()).await.unwrap().succeeded();
    other.until_free().await;
    other.run(&json!({})).await.succeeded();
}

#[tokio::test]
async fn a_freed_environment_is_the_longest_waiter_s() {
    let shim = Shim::start().await;
    let mut first = shim.ready(assignment()).await;
    let (mut young, mut old) = (shim.gateway().await, shim.gateway().await);
    let file = shim.path("go");
    let running = invoke(20_000);
    let event = json!({"do": "wait for", "file": file}).to_string();
    first.send(ToEnvironment::Invoke(Box::new(running.clone())), event.into()).await;
    for (link, age) in [(&mut young, 5), (&mut old, 500)] {
        link.until_phase(Phase::Busy).await;
        link.send(ToEnvironment::Waiting { oldest_ms: Some(age) }, Bytes::new()).await;
        // The refusal shows that what was sent before it has been read.
        assert_eq!(link.refused(invoke(1_000)).await, Refusal::Busy);
    }
    std::fs::write(&file, "").unwrap();
    let granted = |frame: protocol::link::frame::Frame<FromEnvironment>| {
        matches!(frame.header, FromEnvironment::Granted).then_some(())
    };
    old.until(granted).await;
    // Unused, the grant passes on to the next, and then to everybody.
    young.until(granted).await;
    first.until_free().await;
    first.run(&json!({})).await.succeeded();
}

#[tokio::test]
async fn what_a_lost_gateway_asked_for_runs_on() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let file = shim.path("go");
    let event = json!({"do": "wait for", "file": file}).to_string();
    gateway.send(ToEnvironment::Invoke(Box::new(invoke(20_000))), event.into()).await;
    let mut other = shim.gateway().await;
    other.until_phase(Phase::Busy).await;
    drop(gateway);
    std::fs::write(&file, "").unwrap();
    other.until_free().await;
    other.run(&json!({})).await.succeeded();
    let both = || (shim.log().matches("REPORT RequestId").count() == 2).then_some(());
    wait_for("both reports", both).await;
}

#[tokio::test]
async fn an_answer_to_an_ended_invocation_goes_nowhere() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let ended = gateway.run_with(invoke(300), r#"{"do":"hang"}"#).await;
    let late = json!({"do": "late", "request": ended.request}).to_string();
    let outcome = gateway.run_with(invoke(3_000), &late).await;
    assert_eq!(outcome.succeeded().json(), json!([410, "InvokeTimeout"]));
    let unknown = json!({"do": "late", "request": "00000000-0000-4000-8000-000000000000"}).to_string();
    let outcome = gateway.run_with(invoke(3_000), &unknown).await;
    assert_eq!(outcome.succeeded().json(), json!([400, "InvalidRequestID"]));
    // The same invocation, tried again: the id is the same, the attempt is not.
    let mut again = invoke(3_000);
    again.request_id = ended.request;
    let outcome = gateway.run_with(again.clone(), r#"{"again":true}"#).await;
    assert_eq!(outcome.succeeded().json(), json!({"again": true}));
}

#[tokio::test]
async fn the_state_is_busy_until_the_runtime_asks_for_more() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let mut other = shim.gateway().await;
    let file = shim.path("go");
    let running = invoke(20_000);
    let event = json!({"do": "answer then wait for", "file": file}).to_string();
    gateway.send(ToEnvironment::Invoke(Box::new(running.clone())), event.into()).await;
    let answered = |frame: protocol::link::frame::Frame<FromEnvironment>| match frame.header {
        FromEnvironment::Response(part) => part.last.then_some(()),
        _ => None,
    };
    gateway.until(answered).await;
    assert_eq!(other.refused(invoke(1_000)).await, Refusal::Busy);
    std::fs::write(&file, "").unwrap();
    let finished = gateway.until(|frame| match frame.header {
        FromEnvironment::Finished { .. } => Some(frame.body),
        _ => None,
    });
    let tail = String::from_utf8(finished.await.to_vec()).unwrap();
    assert!(tail.contains("after the answer\nEND RequestId"), "{tail}");
}

#[tokio::test]
async fn inline_code_is_laid_out_and_a_bad_archive_is_told() {
    let shim = Shim::start().await;
    let mut given = assignment();
    let client = std::fs::read_to_string(given.command.last().unwrap()).unwrap();
    given.code = Code::Inline { files: [("lib/client.py".to_owned(), client)].into() };
    given.working_directory = shim.path("task");
    *given.command.last_mut().unwrap() = "lib/client.py".into();
    shim.ready(given).await.run(&json!({})).await.succeeded();

    let shim = Shim::start().await;
    let mut operator = shim.operator().await;
    let mut given = assignment();
    given.code = Code::Zip;
    operator.assign(given, Bytes::from_static(b"no archive")).await;
    operator.until_free().await;
    let outcome = shim.gateway().await.run(&json!({})).await;
    assert_eq!(outcome.json()["errorType"], "Runtime.InvalidTaskConfig", "{outcome:?}");
}

#[tokio::test]
async fn wrong_settings_and_arguments_exit_with_64() {
    let folder = fresh_folder();
    let status = Shim::command(&folder).env("KUBELAMBDA_LISTEN", "x").status().unwrap();
    assert_eq!(status.code(), Some(64));
    assert!(std::fs::read_to_string(folder.join("diagnostics")).unwrap().contains("KUBELAMBDA_LISTEN"));
    assert_eq!(Shim::command(&folder).arg("unknown").status().unwrap().code(), Some(64));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_shim_installs_itself_and_ends_when_told() {
    let folder = fresh_folder();
    let mut hook = Shim::command(&folder).args(["installed", folder.to_str().unwrap()]).spawn().unwrap();
    let mut installer = Shim::command(&folder).args(["install", folder.to_str().unwrap()]).spawn().unwrap();
    let status = wait_for("the hook's end", || hook.try_wait().unwrap()).await;
    assert!(status.success());
    let copy = std::fs::read(folder.join("runtime-shim")).unwrap();
    assert!(copy == std::fs::read(program()).unwrap());
    let own = format!("sbx_user1051:x:{}:", rustix::process::getuid().as_raw());
    assert!(std::fs::read_to_string(folder.join("passwd")).unwrap().starts_with(&own));
    let pid = rustix::process::Pid::from_raw(i32::try_from(installer.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = wait_for("the installer's end", || installer.try_wait().unwrap()).await;
    assert_eq!(status.code(), Some(0));
    std::fs::remove_dir_all(folder).unwrap();
}
