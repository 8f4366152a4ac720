//! What is saved is served, and what is broken is told.

use std::fs;

use crate::harness::{Local, folder, manifest, run, wait_for};

const ANSWERS: &str = "def handler(event, context):\n    return 'old'";

fn answers(local: &Local, name: &str, expected: &str) {
    wait_for(expected, || (local.invoke(name, "{}").body == format!("\"{expected}\"")).then_some(()));
}

#[test]
fn a_saved_manifest_is_served_and_a_broken_one_leaves_the_last_good() {
    let good = manifest("f", ANSWERS, "");
    let folder = folder(&[("f.yaml", &good)]);
    let local = Local::start(&folder, &[]);
    answers(&local, "f", "old");
    fs::write(folder.join("f.yaml"), good.replace("'old'", "'new'")).unwrap();
    local.wait_for_line("Changed: f.yaml. Reloaded: f.");
    answers(&local, "f", "new");

    fs::write(folder.join("f.yaml"), good.replace("timeout: 20", "timeout: 2000")).unwrap();
    let problem = local.wait_for_line("spec.timeout");
    let expected = "f.yaml:7: spec.timeout: should be less than or equal to 900: 2000";
    assert!(problem.ends_with(expected), "{problem}");
    local.wait_for_line("stay as they were");
    answers(&local, "f", "new");

    fs::write(folder.join("g.yaml"), manifest("g", "def handler(e, c): return 'another'", "")).unwrap();
    local.wait_for_line("Changed: g.yaml. New: g.");
    answers(&local, "g", "another");
}

#[test]
fn who_invokes_a_function_whose_manifest_is_wrong_is_told_so() {
    let wrong = manifest("g", ANSWERS, "").replace("timeout: 20", "timeout: 2000");
    let folder = folder(&[("f.yaml", &manifest("f", ANSWERS, "")), ("g.yaml", &wrong)]);
    let local = Local::start(&folder, &[]);
    let answer = local.invoke("g", "{}");
    let problem = "g.yaml:7: spec.timeout: should be less than or equal to 900: 2000";
    assert!(answer.status == 502 && answer.body.contains(problem), "{answer:?}");
    assert_eq!(answer.header("x-amzn-errortype"), Some("InvalidRuntimeException"));
    answers(&local, "f", "old");
    // One that is added, and broken, beside one that is served.
    fs::write(
        folder.join("f.yaml"),
        [&manifest("f", ANSWERS, ""), "---\n", &wrong.replace("{name: g}", "{name: h}")].concat(),
    )
    .unwrap();
    wait_for("h", || local.invoke("h", "{}").body.contains("spec.timeout: should").then_some(()));
    answers(&local, "f", "old");
    fs::write(folder.join("g.yaml"), manifest("g", ANSWERS, "")).unwrap();
    wait_for("g", || (local.invoke("g", "{}").status == 200).then_some(()));
}

#[test]
fn a_folder_that_is_moved_away_is_told_once_and_its_functions_stay() {
    let folder = folder(&[("served/f.yaml", &manifest("f", ANSWERS, ""))]);
    let (served, away) = (folder.join("served"), folder.join("away"));
    let local = Local::start(&served, &[]);
    answers(&local, "f", "old");
    for times in 1..3 {
        fs::rename(&served, &away).unwrap();
        let told = || local.said().iter().filter(|line| line.contains("cannot be read")).count();
        wait_for("the folder's end", || (told() == times).then_some(()));
        answers(&local, "f", "old");
        fs::rename(&away, &served).unwrap();
        let back = || local.said().iter().filter(|line| line.contains("is there again")).count();
        wait_for("the folder's return", || (back() == times).then_some(()));
        assert_eq!(told(), times);
    }
}

#[test]
fn a_folder_without_a_function_that_can_be_served_is_an_error() {
    let two = format!(
        "{}---\n{}",
        manifest("f", "", ""),
        manifest("g", "", "  memory: 1\n").replace("app.handler", "a b")
    );
    let folder = folder(&[("f.yaml", &two.replace("timeout: 20", "timeout: 0"))]);
    let (output, said) = run(&["local", folder.to_str().unwrap(), "--listen", "127.0.0.1:0"], "");
    assert_eq!(output.status.code(), Some(1));
    for part in [
        "document 1: spec.timeout: should be greater than or equal to 1: 0",
        "document 2: spec.memory: is no field of this kind",
        "document 2: spec.handler: should match",
        "declares no function that can be served",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (output, said) = run(&["local", "/nowhere", "--listen", "127.0.0.1:0"], "");
    assert_eq!((output.status.code(), said.contains("/nowhere cannot be read")), (Some(1), true), "{said}");
}
