//! The shutdown phase: what each kind of extension is worth.
//!
//! The guide, "Lambda execution environment lifecycle": "0 ms – A function with no registered extensions; 500 ms – A
//! function with a registered internal extension; 2,000 ms – A function with one or more registered external
//! extensions. If the runtime or an extension does not respond to the Shutdown event within the limit, Lambda ends
//! the process using a SIGKILL signal."

use std::time::{Duration, Instant};

use protocol::link::assignment::Assignment;
use serde_json::{Value, json};

use crate::extensions::{RECORDER, all, recorded, shim_with};
use crate::harness::{Shim, assignment, wait_for};

/// An internal extension, as AWS's Go client registers one: it asks for no event and waits for one in a thread.
const INTERNAL: &str = r#"
import threading
def extension(method, path, body=None, **headers):
    connection = http.client.HTTPConnection(API)
    connection.request(method, "/2020-01-01/extension/" + path, body, headers)
    answer = connection.getresponse()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
status, found, body = extension("POST", "register", json.dumps({"events": json.loads(os.environ["EVENTS"])}), **{"Lambda-Extension-Name": "inner"})
identifier = found["lambda-extension-identifier"]
told = []
def wait():
    while True:
        answer = extension("GET", "event/next", **{"Lambda-Extension-Identifier": identifier})
        told.append([answer[0], json.loads(answer[2])])
        open(os.environ["TOLD"], "w").write(json.dumps(told))
threading.Thread(target=wait, daemon=True).start()
"#;

/// On SIGTERM writes down when, and then takes its time.
const SLOW_END: &str = r#"
def ended(*_):
    open(os.environ["ENDED"], "w").write(str(time.time()))
    time.sleep(1000)
signal.signal(signal.SIGTERM, ended)
"#;

fn with(mut assignment: Assignment, shim: &Shim, code: &[&str]) -> Assignment {
    let file = |name: &str| shim.path(name);
    for (name, value) in [
        ("RAW_CODE", code.concat()),
        ("EVENTS", "null".to_owned()),
        ("TOLD", file("told")),
        ("ENDED", file("ended")),
    ] {
        assignment.variables.insert(name.into(), value);
    }
    assignment
}

/// Ends an idle environment; how long that took, and when its runtime was asked to end, if it was.
async fn end(shim: &mut Shim) -> (Duration, Option<f64>) {
    let begun = Instant::now();
    shim.signal(rustix::process::Signal::TERM);
    assert_eq!(shim.exited().await.code(), Some(0));
    let asked = std::fs::read_to_string(shim.path("ended")).ok();
    (begun.elapsed(), asked.map(|text| text.parse().unwrap()))
}

#[tokio::test]
async fn without_extensions_the_runtime_is_killed_at_once_and_not_asked() {
    let mut shim = Shim::start().await;
    let mut gateway = shim.ready(with(assignment(), &shim, &[SLOW_END])).await;
    gateway.run(&json!({})).await.succeeded();
    let (took, asked) = end(&mut shim).await;
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert_eq!(asked, None, "SIGTERM came");
}

#[tokio::test]
async fn with_an_internal_extension_the_runtime_is_asked_and_has_half_a_second() {
    let mut shim = Shim::start().await;
    let mut gateway = shim.ready(with(assignment(), &shim, &[INTERNAL, SLOW_END])).await;
    gateway.run(&json!({})).await.succeeded();
    let (took, asked) = end(&mut shim).await;
    assert!(asked.is_some(), "no SIGTERM came");
    assert!((Duration::from_millis(490)..Duration::from_millis(1_900)).contains(&took), "{took:?}");
    assert!(!std::path::Path::new(&shim.path("told")).exists(), "it asked for no event");
}

#[tokio::test]
async fn an_internal_extension_is_told_of_invocations_and_never_of_the_end() {
    let mut shim = Shim::start().await;
    let quick_end =
        "signal.signal(signal.SIGTERM, lambda *_: (open(os.environ['ENDED'], 'w').write('0'), os._exit(0)))";
    let mut assignment = with(assignment(), &shim, &[INTERNAL, quick_end]);
    assignment.variables.insert("EVENTS".into(), r#"["INVOKE"]"#.into());
    let mut gateway = shim.ready(assignment).await;
    let outcome = gateway.run(&json!({})).await;
    outcome.succeeded();
    let line = "EXTENSION\tName: inner\tState: Ready\tEvents: [INVOKE]\n";
    assert!(outcome.tail.contains(line), "{}", outcome.tail);
    let (took, asked) = end(&mut shim).await;
    assert_eq!(asked, Some(0.0));
    // Not waited for beyond its exit.
    assert!(took < Duration::from_millis(500), "{took:?}");
    let told: Vec<(u16, Value)> =
        serde_json::from_str(&std::fs::read_to_string(shim.path("told")).unwrap()).unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    let (status, event) = &told[0];
    assert_eq!((*status, &event["eventType"]), (200, &json!("INVOKE")));
    assert_eq!(event["requestId"], json!(outcome.request));
}

#[tokio::test]
async fn with_an_external_extension_the_runtime_has_its_share_and_the_extension_the_rest() {
    let mut shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut gateway = shim.ready(with(recorded(&shim, "linger"), &shim, &[SLOW_END])).await;
    gateway.run(&json!({})).await.succeeded();
    let (took, asked) = end(&mut shim).await;
    let asked = asked.expect("no SIGTERM came");
    assert!((Duration::from_millis(1_900)..Duration::from_secs(4)).contains(&took), "{took:?}");
    let record = crate::extensions::records(&shim).pop().unwrap();
    let (event, at) = (&record["event"], record["at"].as_f64().unwrap());
    assert_eq!(event["eventType"], "SHUTDOWN");
    // Told once the runtime's 300 ms are over, and of an end 2,000 ms after the beginning.
    assert!((0.28..1.5).contains(&(at - asked)), "{asked} {at}");
    let left = event["deadlineMs"].as_f64().unwrap() / 1_000.0 - asked;
    assert!((1.8..2.1).contains(&left), "{left}");
    // An event of the end has no identifier.
    assert_eq!(record["identifier"], Value::Null);
}

#[tokio::test]
async fn a_runtime_that_ends_when_asked_leaves_its_share_to_extensions() {
    let mut shim = shim_with(&[("recorder", RECORDER)]).await;
    // Python's default: SIGTERM ends it.
    let mut gateway = shim.ready(with(recorded(&shim, ""), &shim, &[])).await;
    gateway.run(&json!({})).await.succeeded();
    let (took, _) = end(&mut shim).await;
    assert!(took < Duration::from_millis(1_900), "{took:?}");
    assert_eq!(all(&shim, "done").len(), 1);
}

#[tokio::test]
async fn an_eleventh_extension_is_refused() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut gateway = shim.ready(recorded(&shim, "many")).await;
    gateway.run(&json!({})).await.succeeded();
    let body =
        json!({"errorMessage": "Extension limit (10) reached", "errorType": "Extension.TooManyExtensions"});
    // The external one is the first of the ten.
    assert_eq!(all(&shim, "many")[0], json!([9, 403, format!("{body}\n")]));
}

#[tokio::test]
async fn a_reset_ends_an_internal_extension_and_it_registers_anew() {
    let shim = Shim::start().await;
    let mut assignment = with(assignment(), &shim, &[INTERNAL]);
    assignment.variables.insert("EVENTS".into(), r#"["INVOKE"]"#.into());
    let mut gateway = shim.ready(assignment).await;
    let identifier = json!({"run": "answer = identifier"});
    let first = gateway.run(&identifier).await.json();
    gateway.run(&json!({"do": "exit", "status": 3})).await;
    let second = gateway.run_with(crate::link::invoke(20_000), &identifier.to_string()).await.json();
    assert!(first.is_string() && second.is_string() && first != second, "{first} {second}");
    let told = || std::fs::read_to_string(shim.path("told")).ok().filter(|text| text.contains("INVOKE"));
    wait_for("the second life's event", told).await;
}
