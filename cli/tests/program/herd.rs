//! Many first invocations at once.

use std::fs;
use std::thread::available_parallelism;

use serde_json::json;

use crate::harness::{Local, folder, manifest};

/// Environments that may be in their init phase at once, for each processor.
const STARTING_PER_CORE_MAX: usize = 3;
/// As many as a function has at most.
const ENVIRONMENTS_MAX: usize = 100;

/// An init phase leaves a mark when it begins and one when it ends. A handler waits for the others: each needs an
/// environment of its own.
const CODE: &str = "import os, time
FOLDER = os.environ['FOLDER']
def mark(name, text):
    with open(os.path.join(FOLDER, name), 'a') as file:
        file.write(text)
mark('inits', '+')
time.sleep(0.2)
mark('inits', '-')
def handler(event, context):
    mark('handlers', '.')
    while os.path.getsize(os.path.join(FOLDER, 'handlers')) < event['all']:
        time.sleep(0.05)
    return 'all are here'
";

#[test]
fn of_many_environments_only_a_few_start_at_once_and_all_are_served() {
    let together = available_parallelism().unwrap().get() * STARTING_PER_CORE_MAX;
    let all = (4 * together).min(ENVIRONMENTS_MAX);
    let marks = folder(&[]);
    let more = format!("  environment: {{variables: {{FOLDER: {}}}}}\n", marks.display());
    let manifest = manifest("f", CODE, &more).replace("timeout: 20", "timeout: 120");
    let local = Local::start(&folder(&[("f.yaml", &manifest)]), &[]);
    let event = json!({"all": all}).to_string();
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..all).map(|_| scope.spawn(|| local.invoke("f", &event))).collect();
        for call in calls {
            let answer = call.join().unwrap();
            assert_eq!((answer.status, answer.body.as_str()), (200, "\"all are here\""), "{answer:?}");
        }
    });
    let inits = fs::read_to_string(marks.join("inits")).unwrap();
    let (mut now, mut most) = (0_usize, 0);
    for mark in inits.chars() {
        now = if mark == '+' { now + 1 } else { now - 1 };
        most = most.max(now);
    }
    assert!(most <= together, "{most} at once, {together} may: {inits}");
    assert_eq!(inits.matches('+').count(), all, "{inits}");
}
