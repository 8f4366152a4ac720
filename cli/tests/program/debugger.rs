//! A debugger at a function: Node.js's own, from attaching to the answer.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use crate::harness::{Local, folder, manifest, post, wait_for};
use crate::node::node_from_the_image;

/// The function's time-out, which passes while it stands still.
const TIMEOUT: Duration = Duration::from_secs(1);
const CODE: &str = "exports.handler = async (event) => {\n  const name = event.name;\n  return {name};\n};";

/// `node inspect`, as one types into it.
struct Debugger {
    child: Child,
    input: ChildStdin,
    said: Arc<Mutex<String>>,
}

impl Debugger {
    fn attach(node: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(node);
        command.arg("inspect").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let said = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&said);
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self { child, input, said }
    }

    fn wait_for(&self, words: &str) {
        wait_for(words, || self.said.lock().unwrap().contains(words).then_some(()));
    }

    fn types(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }
}

impl Drop for Debugger {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_debugger_stops_in_the_handler_past_the_deadline_and_the_answer_arrives() {
    let node = node_from_the_image();
    let manifest = manifest("f", CODE, "").replace("python3.11", "nodejs22.x").replace("app.py", "app.js");
    let manifest = manifest.replace("timeout: 20", &format!("timeout: {}", TIMEOUT.as_secs()));
    let folder = folder(&[("f.yaml", &manifest)]);
    let inspect = [("NODE_OPTIONS", "--inspect=127.0.0.1:0")];
    let local = Local::start_with(&folder, &["--debug"], &inspect);
    assert_eq!(local.invoke("f", r#"{"name": "first"}"#).json(), json!({"name": "first"}));
    let runtime = local.url_after("f runs as process ");
    let runtime = runtime.split(':').next().unwrap();
    let attach = local.wait_for_line("to attach: ");
    assert!(attach.contains(&format!("node inspect -p {runtime} ")), "{attach}");

    let inspector = local.url_after("Debugger listening on ws://");
    let mut debugger = Debugger::attach(&node, &[&inspector]);
    debugger.wait_for("debug>");
    debugger.types("sb('app.js', 2)");
    debugger.wait_for("> 2 ");
    let address = local.address.clone();
    let path = "/2015-03-31/functions/f/invocations";
    let answer = std::thread::spawn(move || post(&address, path, r#"{"name": "stopped"}"#, &[]));
    debugger.wait_for("break in");
    std::thread::sleep(TIMEOUT + TIMEOUT);
    assert!(!answer.is_finished());
    debugger.types("exec('event.name')");
    debugger.wait_for("'stopped'");
    debugger.types("cont");
    assert_eq!(answer.join().unwrap().json(), json!({"name": "stopped"}));
}
