//! A real shim as a child process, assigned by the test in the operator's place, with a runtime client of a few
//! lines of Python.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::log_stream::LogStreamId;
use protocol::link::assignment::{Assignment, Code, Idle, Revision};
use protocol::link::environment::{FromEnvironment, Phase, ToEnvironment};
use protocol::link::frame::{FRAME_BYTES_MAX, Frame, read_frame, write_frame};
use protocol::link::handshake::{Role, accept_environment, read_opening};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::gateway::{ACCOUNT, link_key, ticket};

/// A runtime client: what the payload asks for, it does.
const RUNTIME: &str = r#"
import base64, http.client, json, os, sys, time
host = os.environ["AWS_LAMBDA_RUNTIME_API"]
def stream(connection, path, asked):
    connection.putrequest("POST", path + "/response")
    for name, value in [("Lambda-Runtime-Function-Response-Mode", "streaming"), ("Content-Type", "text/plain"),
            ("Transfer-Encoding", "chunked"),
            ("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")]:
        connection.putheader(name, value)
    connection.endheaders()
    for number, part in enumerate(asked["stream"]):
        part = b"p" * part if isinstance(part, int) else part.encode()
        connection.send(b"%x\r\n%s\r\n" % (len(part), part))
        while number == 0 and "gate" in asked and not os.path.exists(asked["gate"]): time.sleep(0.005)
    if asked.get("end") == "break": connection.sock.shutdown(1)
    elif asked.get("end") == "error":
        body = base64.b64encode(json.dumps({"errorMessage": "no", "errorType": "Oops"}).encode())
        connection.send(b"0\r\nLambda-Runtime-Function-Error-Type: Oops\r\n"
                        b"Lambda-Runtime-Function-Error-Body: " + body + b"\r\n\r\n")
    else: connection.send(b"0\r\n\r\n")
    status = connection.getresponse().status
    if "mark" in asked: open(asked["mark"], "w").write(str(status))
if os.environ.get("FAIL_INIT"): sys.exit(7)
while True:
    connection = http.client.HTTPConnection(host)
    connection.request("GET", "/2018-06-01/runtime/invocation/next")
    event = connection.getresponse()
    body = event.read()
    header = event.headers.get
    path = "/2018-06-01/runtime/invocation/" + header("Lambda-Runtime-Aws-Request-Id")
    asked = json.loads(body)
    asked = asked if isinstance(asked, dict) else {}
    print("asked for", sorted(asked), flush=True)
    if "sleep" in asked: time.sleep(asked["sleep"])
    if "exit" in asked: os._exit(asked["exit"])
    if "stream" in asked:
        stream(connection, path, asked)
        continue
    answer, result = "/response", body
    if "error" in asked:
        answer, result = "/error", json.dumps({"errorMessage": asked["error"], "errorType": "Oops"})
    if "headers" in asked:
        result = json.dumps({name.lower(): value for name, value in event.headers.items()})
    if "big" in asked: result = json.dumps("x" * (asked["big"] - 2))
    told = {"Content-Type": "application/json"}
    if "cause" in asked: told["Lambda-Runtime-Function-XRay-Error-Cause"] = json.dumps(asked["cause"])
    connection.request("POST", path + answer, result, told)
    connection.getresponse().read()
"#;

static NUMBERS: AtomicU32 = AtomicU32::new(0);

/// The shim's program: `KUBELAMBDA_SHIM`, or built here.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(program) = std::env::var_os("KUBELAMBDA_SHIM") {
            return program.into();
        }
        let build = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "runtime-shim"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(build.success(), "the shim cannot be built, and KUBELAMBDA_SHIM names none");
        let tests = std::env::current_exe().unwrap();
        let program = tests.ancestors().nth(2).unwrap().join("runtime-shim");
        assert!(program.exists(), "no shim at {}", program.display());
        program
    })
}

pub struct Shim {
    process: Child,
    pub link: SocketAddr,
    folder: PathBuf,
}

impl Shim {
    /// A path that only this shim's function and its test use.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Starts a shim and assigns it to `revision`; it may still initialise.
    pub async fn start(pod: &str, revision: &Revision, variables: &[(&str, &str)]) -> Self {
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("gateway-{}-{number}", std::process::id()));
        std::fs::create_dir_all(folder.join("tmp")).unwrap();
        let addresses = folder.join("addresses");
        let process = Command::new(program())
            .env("KUBELAMBDA_TICKET", ticket(pod).to_text())
            .env("KUBELAMBDA_PUBLIC_KEY", link_key().public_key().to_text())
            .env("KUBELAMBDA_LISTEN", "127.0.0.1:0")
            .env("KUBELAMBDA_RUNTIME_API", "127.0.0.1:0")
            .env("KUBELAMBDA_TASK_ROOT", folder.join("task"))
            .env("KUBELAMBDA_TEMPORARY", folder.join("tmp"))
            .env("KUBELAMBDA_ADDRESSES_FILE", &addresses)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("diagnostics")).unwrap())
            .spawn()
            .unwrap();
        let link = address(&addresses).await;
        let shim = Self { process, link, folder };
        shim.assign(pod, revision, variables).await;
        shim
    }

    async fn assign(&self, pod: &str, revision: &Revision, variables: &[(&str, &str)]) {
        let mut stream = TcpStream::connect(self.link).await.unwrap();
        let opening = read_opening(&mut stream).await.unwrap();
        let expected = Some(("default", pod));
        accept_environment(&mut stream, &link_key(), Role::Operator, opening, expected, 0).await.unwrap();
        let assignment = assignment(revision, &self.folder.join("task"), variables);
        let frame = Frame::bare(ToEnvironment::Assign(Box::new(assignment)));
        write_frame(&mut stream, &frame).await.unwrap();
        loop {
            let said = read_frame::<FromEnvironment, _>(&mut stream, FRAME_BYTES_MAX).await.unwrap();
            if matches!(&said.header, FromEnvironment::State(state) if state.phase != Phase::Generic) {
                return;
            }
        }
    }

    /// Kills the shim, and after it the function, which a pod's end would end too: nobody else would here.
    pub fn kill(&mut self) {
        let id = self.process.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        drop(self.process.kill());
        for child in children.split_whitespace().filter_map(|child| Pid::from_raw(child.parse().ok()?)) {
            kill_process(child, Signal::KILL).ok();
        }
    }
}

impl Drop for Shim {
    fn drop(&mut self) {
        self.kill();
        drop(self.process.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

async fn address(file: &Path) -> SocketAddr {
    for _ in 0..1_000 {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if let Some(link) = text.lines().find_map(|line| line.strip_prefix("link=")) {
            return link.parse().unwrap();
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("the shim did not write its addresses");
}

fn assignment(revision: &Revision, task_root: &Path, variables: &[(&str, &str)]) -> Assignment {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Assignment {
        revision: revision.clone(),
        function_name: "f".parse().unwrap(),
        account: ACCOUNT.parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        handler: Some("a.b".into()),
        code: Code::Inline { files: BTreeMap::from([("runtime.py".into(), RUNTIME.into())]) },
        command: vec!["/usr/bin/env".into(), "python3".into(), "runtime.py".into()],
        working_directory: task_root.to_string_lossy().into_owned(),
        variables: variables.iter().map(own).collect(),
        execution_environment: "AWS_Lambda_python3.13".into(),
        memory_mb: 512,
        timeout_seconds: 3,
        ephemeral_storage_mb: 512,
        log_group: "/aws/lambda/f".into(),
        log_stream_id: LogStreamId::from_random_bytes([1; 16]),
        idle: Idle::Run,
        logging: domain::log_format::Logging::default(),
        runtime_version: None,
        isolates_tenants: false,
    }
}
