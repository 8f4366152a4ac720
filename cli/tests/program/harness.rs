//! A running `kubelambda local`, and an HTTP client in the fewest lines.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long anything may take. The first run fetches the runtime client.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often what is waited for is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// Waits until `look` finds something.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(LOOK);
    }
}

/// A folder of its own for each call.
pub(crate) fn folder(files: &[(&str, &str)]) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("local-{}-{number}", std::process::id()));
    // Another process may have had this number.
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// How long Python takes to start with what its runtime client imports, at this moment.
pub(crate) fn interpreter_s_start() -> Duration {
    let began = Instant::now();
    let interpreter = Command::new("python3").args(["-c", "import json, logging, urllib.request"]).status();
    assert!(interpreter.unwrap().success());
    began.elapsed()
}

/// Runs a function of the folder once: what its runtime needs is in the cache then, however long it took to fetch.
pub(crate) fn run_once(folder: &Path, name: &str) {
    let local = Local::start(folder, &[]);
    wait_for("the runtime client", || (local.invoke(name, "{}").status == 200).then_some(()));
}

/// A manifest of a Python function.
pub(crate) fn manifest(name: &str, code: &str, more: &str) -> String {
    let code: String = code.lines().flat_map(|line| ["        ", line, "\n"]).collect();
    format!(
        "apiVersion: kubelambda.dev/v1alpha1\nkind: Function\nmetadata: {{name: {name}}}\nspec:\n  runtime: python3.11\n  \
         handler: app.handler\n  timeout: 20\n{more}  code:\n    inline:\n      app.py: |\n{code}"
    )
}

/// The program with `arguments`.
pub(crate) fn program(arguments: &[&str]) -> Command {
    program_called(env!("CARGO_BIN_EXE_kubelambda"), arguments)
}

/// The program under another name.
pub(crate) fn program_called(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    // Nothing of a test is where others clean up.
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR")).join("t");
    fs::create_dir_all(&temporary).unwrap();
    command.env("TMPDIR", temporary);
    command
        .env_remove("AWS_REGION")
        .env_remove("AWS_ENDPOINT_URL_LAMBDA")
        .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT");
    command
}

/// What the program printed and how it ended.
pub(crate) fn run(arguments: &[&str], input: &str) -> (Output, String) {
    let mut command = program(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

/// A running `kubelambda local`.
pub(crate) struct Local {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    pub(crate) address: String,
    pub(crate) started: Instant,
}

impl Local {
    /// Starts it on a folder and waits until it serves.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_with(folder, arguments, &[])
    }

    /// Starts it on a folder with further variables.
    pub(crate) fn start_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut all = vec!["local", folder.to_str().unwrap(), "--listen", "127.0.0.1:0"];
        if !arguments.contains(&"--emulator") {
            all.extend(["--emulator", "off"]);
        }
        all.extend(arguments);
        let mut command = program(&all);
        command.envs(variables.iter().copied());
        Self::serving(command)
    }

    /// Starts `kubelambda local`, however it is written, and waits until it serves.
    pub(crate) fn serving(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut local = Self::watch(command);
        local.wait_for_line("Ctrl-C ends");
        local.address = local.url_after("Lambda API on http://");
        local
    }

    /// Starts a program and keeps what it says.
    pub(crate) fn watch(mut command: Command) -> Self {
        let started = Instant::now();
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        keep(child.stdout.take().unwrap(), &said);
        keep(child.stderr.take().unwrap(), &said);
        Self { child, said, address: String::new(), started }
    }

    /// The host and port that follow these words.
    pub(crate) fn url_after(&self, words: &str) -> String {
        let line = self.wait_for_line(words);
        let rest = line.split_once(words).unwrap().1;
        rest.split('/').next().unwrap().to_owned()
    }

    /// The first line with these words, now or later.
    pub(crate) fn wait_for_line(&self, words: &str) -> String {
        wait_for(words, || self.said().into_iter().find(|line| line.contains(words)))
    }

    /// Everything that was printed so far.
    pub(crate) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn invoke(&self, name: &str, event: &str) -> Answer {
        self.invoke_with(name, event, &[])
    }

    pub(crate) fn invoke_with(&self, name: &str, event: &str, headers: &[(&str, &str)]) -> Answer {
        post(&self.address, &format!("/2015-03-31/functions/{name}/invocations"), event, headers)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn end(&mut self, signal: Signal) -> ExitStatus {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.end(Signal::TERM);
        }
        if std::thread::panicking() {
            eprintln!("it said:\n{}", self.said().join("\n"));
        }
    }
}

fn keep(output: impl Read + Send + 'static, said: &Arc<Mutex<Vec<String>>>) {
    let said = Arc::clone(said);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            said.lock().unwrap().push(line);
        }
    });
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

pub(crate) fn get(address: &str, path: &str) -> Answer {
    ask("GET", address, path, "", &[])
}

pub(crate) fn post(address: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    ask("POST", address, path, body, headers)
}

fn ask(method: &str, address: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    let more: String = headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{more}\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Answer { status, headers: lines.filter_map(header).collect(), body: body.to_owned() }
}
