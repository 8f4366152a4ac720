//! Environments end when they are idle, with the program, and even after it was killed.

use std::fs;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Local, folder, manifest, wait_for};

const CODE: &str =
    "import os\ndef handler(event, context):\n    return [os.getpid(), os.getppid(), os.environ['TMPDIR']]";

/// An environment with a runtime that waits, stopped as it is between invocations.
fn serving(arguments: &[&str]) -> (Local, u64, u64, PathBuf) {
    let folder = folder(&[("f.yaml", &manifest("f", CODE, ""))]);
    let local = Local::start(&folder, arguments);
    let answer = local.invoke("f", "{}").json();
    let number = |index: usize| answer[index].as_u64().unwrap();
    let temporary = PathBuf::from(answer[2].as_str().unwrap());
    (local, number(0), number(1), temporary)
}

fn is_alive(pid: u64) -> bool {
    // A process that ended and was not waited for yet has no memory any more.
    fs::read_to_string(format!("/proc/{pid}/statm")).is_ok_and(|pages| !pages.starts_with("0 "))
}

#[test]
fn nothing_is_left_after_the_end() {
    let (mut local, runtime, shim, temporary) = serving(&[]);
    assert!(is_alive(runtime) && is_alive(shim) && temporary.is_dir());
    assert!(local.end(Signal::INT).success());
    assert!(!is_alive(runtime) && !is_alive(shim));
    assert!(!temporary.parent().unwrap().parent().unwrap().exists());
}

#[test]
fn an_invocation_that_runs_does_not_hold_up_the_end() {
    let code = "import os, time\ndef handler(event, context):\n    \
        open(event['mark'] + '.partial', 'w').write(str(os.getpid()))\n    \
        os.rename(event['mark'] + '.partial', event['mark'])\n    time.sleep(1000)";
    let folder = folder(&[("f.yaml", &manifest("f", code, "").replace("timeout: 20", "timeout: 900"))]);
    let mut local = Local::start(&folder, &[]);
    let mark = folder.join("mark");
    let event = serde_json::json!({"mark": mark}).to_string();
    let address = local.address.clone();
    // The caller is cut off.
    let caller = std::thread::spawn(move || {
        std::panic::catch_unwind(|| {
            crate::harness::post(&address, "/2015-03-31/functions/f/invocations", &event, &[])
        })
    });
    let runtime: u64 = wait_for("the handler", || fs::read_to_string(&mark).ok()).parse().unwrap();
    assert!(local.end(Signal::TERM).success());
    assert!(!is_alive(runtime));
    drop(caller.join());
}

#[test]
fn a_killed_program_takes_its_environments_with_it() {
    let (mut local, runtime, shim, temporary) = serving(&[]);
    assert!(!local.end(Signal::KILL).success());
    wait_for("the shim's end", || (!is_alive(shim)).then_some(()));
    wait_for("the runtime's end", || (!is_alive(runtime)).then_some(()));
    fs::remove_dir_all(temporary.parent().unwrap().parent().unwrap()).unwrap();
}

#[test]
fn a_killed_shim_takes_its_processes_with_it_and_another_serves_the_next() {
    // The kernel tells a stopped process of its group's end by a signal; these do not listen.
    let code = "import os, signal, subprocess\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n\
        child = subprocess.Popen(['sleep', '1000'])\n\
        def handler(event, context):\n    return [child.pid, os.getppid()]";
    let local = Local::start(&folder(&[("f.yaml", &manifest("f", code, ""))]), &[]);
    let [child, shim] = [0, 1].map(|index| local.invoke("f", "{}").json()[index].as_u64().unwrap());
    kill_process(Pid::from_raw(i32::try_from(shim).unwrap()).unwrap(), Signal::KILL).unwrap();
    wait_for("the end of the function's child", || (!is_alive(child)).then_some(()));
    let other = wait_for("another environment", || {
        let answer = local.invoke("f", "{}");
        (answer.status == 200).then(|| answer.json()[0].as_u64().unwrap())
    });
    assert!(is_alive(other));
}

#[test]
fn an_idle_environment_ends_and_another_serves_the_next() {
    let (local, runtime, shim, _) = serving(&["--idle-timeout", "1"]);
    wait_for("the idle environment's end", || (!is_alive(shim) && !is_alive(runtime)).then_some(()));
    let next = local.invoke("f", "{}").json();
    assert_ne!(next[0].as_u64().unwrap(), runtime);
    assert!(is_alive(u64::from(local.pid())));
}
