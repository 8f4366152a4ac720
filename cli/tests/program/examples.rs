//! The examples, on a machine where Node.js cannot be had or takes its time: the others are served meanwhile.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Local, folder, interpreter_s_start, manifest, run_once, wait_for};

/// From the program's start to the first answer, without the interpreter's own. The promise is less; tests share
/// their machine.
const FIRST_ANSWER: Duration = Duration::from_secs(3);

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// The examples with an npm of one's own, no Node.js, and only the client for Python in the cache.
fn started(npm: &str) -> (Local, PathBuf) {
    let fetches = folder(&[("f.yaml", &manifest("f", "def handler(e, c): return 1", ""))]);
    run_once(&fetches, "f");
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache/kubelambda");
    let own = folder(&[("npm", npm), ("node", "#!/bin/sh\nexit 1\n"), ("cache/kubelambda/n", "")]);
    for name in ["npm", "node"] {
        fs::set_permissions(own.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    for entry in fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.to_str().unwrap().contains("/python") {
            symlink(&entry, own.join("cache/kubelambda").join(entry.file_name().unwrap())).unwrap();
        }
    }
    let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
    let cache = own.join("cache");
    let variables = [("PATH", path.as_str()), ("XDG_CACHE_HOME", cache.to_str().unwrap())];
    (Local::start_with(&examples(), &[], &variables), own)
}

fn hello_answers_at_once(local: &Local) {
    let answer = local.invoke("hello", r#"{"name": "Ada"}"#);
    let first = local.started.elapsed();
    assert_eq!((answer.status, answer.json()["greeting"].as_str()), (200, Some("Hello, Ada!")), "{answer:?}");
    let interpreter = interpreter_s_start();
    assert!(first < FIRST_ANSWER + interpreter, "{first:?}, {interpreter:?}");
    assert!(local.said()[0].starts_with("Lambda API on http://"));
}

#[test]
fn others_are_served_while_a_runtime_is_fetched() {
    let (mut local, own) = started(
        "#!/bin/sh\nsleep 1000 &\necho $! > \"${0%npm}pid.partial\"\n\
        mv \"${0%npm}pid.partial\" \"${0%npm}pid\"\nwait\n",
    );
    hello_answers_at_once(&local);
    let pid = wait_for("the fetch", || fs::read_to_string(own.join("pid")).ok());
    let memory = format!("/proc/{}/statm", pid.trim());
    let is_alive = || fs::read_to_string(&memory).is_ok_and(|pages| !pages.starts_with("0 "));
    assert!(is_alive());
    // A caller waits for it, and the end waits for neither.
    let address = local.address.clone();
    let caller = std::thread::spawn(move || {
        let path = "/2015-03-31/functions/word-count/invocations";
        drop(std::panic::catch_unwind(|| crate::harness::post(&address, path, "{}", &[])));
    });
    assert!(local.end(Signal::INT).success());
    wait_for("the end of the fetch", || (!is_alive()).then_some(()));
    drop(caller.join());
}

#[test]
fn a_runtime_that_cannot_be_fetched_is_told_to_its_callers_and_once() {
    let (local, _) = started("#!/bin/sh\necho there is no network >&2\nexit 1\n");
    hello_answers_at_once(&local);
    for _ in 0..2 {
        let answer = local.invoke("word-count", "{}");
        assert!(answer.status >= 400 && answer.body.contains("there is no network"), "{answer:?}");
    }
    let count = |words: &str| local.said().iter().filter(|line| line.contains(words)).count();
    assert_eq!((count("Fetching"), count("there is no network")), (1, 1));
}
