//! The shim's real program as a child process, and this test as its gateways and its operator.
//!
//! Waits are for conditions, each with the same generous bound; nothing sleeps for a fixed time and hopes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use protocol::link::assignment::Assignment;
use protocol::link::handshake::Role;
use protocol::link::trust::{LinkKey, TicketClaims};

pub use crate::assignments::{assignment, assignment_with, python, revision};
use crate::link::Link;

/// Bound of every wait, in seconds.
pub const WAIT_SECONDS_MAX: u64 = 30;
const SECRET: [u8; 32] = [42; 32];
static NUMBERS: AtomicU32 = AtomicU32::new(0);

/// The key of the installation that the tests stand for.
pub fn key() -> LinkKey {
    LinkKey::from_secret(&SECRET).unwrap()
}

/// One running shim with a folder of its own.
pub struct Shim {
    pub process: Child,
    pub folder: PathBuf,
    pub link: String,
    pub runtime_api: String,
}

impl Shim {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a shim with further settings.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let folder = fresh_folder();
        let mut command = Self::command(&folder);
        command.envs(settings.iter().copied());
        Self::run(command, folder).await
    }

    /// Starts a shim as PID 1 of a PID namespace, as in a pod.
    pub async fn start_as_pid_one(settings: &[(&str, &str)]) -> Self {
        let folder = fresh_folder();
        let mut command = Self::command_of("unshare", &folder);
        // --mount-proc: /proc shows that namespace; --kill-child: nothing stays when the test ends.
        command.args(["--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"]);
        command.arg(program()).envs(settings.iter().copied());
        Self::run(command, folder).await
    }

    pub async fn run(mut command: Command, folder: PathBuf) -> Self {
        let addresses = folder.join("addresses");
        let process = command.spawn().expect("the shim, or unshare, cannot be started");
        let text = wait_for("the shim's addresses", || fs::read_to_string(&addresses).ok()).await;
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().strip_prefix('=').unwrap().to_owned()
        };
        Self { process, folder: folder.clone(), link: value("link"), runtime_api: value("runtime_api") }
    }

    /// The program with the settings that it needs.
    pub fn command(folder: &Path) -> Command {
        Self::command_of(program(), folder)
    }

    /// The same of a copy of the program, or of what runs it.
    pub fn command_of(program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
        let claims = TicketClaims {
            namespace: "default".into(),
            pod: "pod".into(),
            pool: "pool".into(),
            expires_epoch_seconds: u64::MAX,
        };
        let mut command = Command::new(program);
        command
            .env("KUBELAMBDA_TICKET", key().issue(claims).to_text())
            .env("KUBELAMBDA_PUBLIC_KEY", key().public_key().to_text())
            .env("KUBELAMBDA_LISTEN", "127.0.0.1:0")
            .env("KUBELAMBDA_RUNTIME_API", "127.0.0.1:0")
            .env("KUBELAMBDA_TASK_ROOT", folder.join("task"))
            .env("KUBELAMBDA_TEMPORARY", folder.join("tmp"))
            // What the tests themselves are run with is no part of an image.
            .env_remove("KUBECONFIG")
            .env("KUBELAMBDA_ADDRESSES_FILE", folder.join("addresses"))
            .stdin(Stdio::null())
            .stdout(File::create(folder.join("log")).unwrap())
            .stderr(File::create(folder.join("diagnostics")).unwrap());
        command
    }

    pub async fn gateway(&self) -> Link {
        Link::dial(&self.link, Role::Gateway, &key()).await.unwrap()
    }

    pub async fn operator(&self) -> Link {
        Link::dial(&self.link, Role::Operator, &key()).await.unwrap()
    }

    /// A gateway's link to a shim that has been assigned and has ended its init phase.
    pub async fn ready(&self, assignment: Assignment) -> Link {
        let mut operator = self.operator().await;
        operator.assign(assignment, Bytes::new()).await;
        operator.until_free().await;
        let mut gateway = self.gateway().await;
        gateway.until_free().await;
        gateway
    }

    /// The log so far; what is no text in it is replaced.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).unwrap()).into_owned()
    }

    pub fn diagnostics(&self) -> String {
        fs::read_to_string(self.folder.join("diagnostics")).unwrap()
    }

    /// The log, once it holds `text`.
    pub async fn log_with(&self, text: &str) -> String {
        let holds = || Some(self.log()).filter(|log| log.contains(text));
        wait_for(&format!("'{text}' in the log"), holds).await
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Memory that the shim itself holds.
    pub fn resident_kib(&self) -> u64 {
        self.memory_kib("VmRSS:")
    }

    /// A field of the shim's `status`.
    pub fn memory_kib(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Time that the shim has spent on a processor, user and system together.
    pub fn processor_time(&self) -> Duration {
        let spent = fs::read_to_string(format!("/proc/{}/schedstat", self.process.id())).unwrap();
        Duration::from_nanos(spent.split(' ').next().unwrap().parse().unwrap())
    }

    pub async fn exited(&mut self) -> ExitStatus {
        let process = &mut self.process;
        wait_for("the shim's exit", || process.try_wait().unwrap()).await
    }
}

impl Drop for Shim {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (log, diagnostics) = (self.log(), self.diagnostics());
            eprintln!("--- log\n{log}\n--- diagnostics\n{diagnostics}");
        }
        // First politely: a shim that is killed leaves its function behind.
        if let Ok(None) = self.process.try_wait() {
            self.signal(rustix::process::Signal::TERM);
            let until = Instant::now() + Duration::from_millis(300);
            while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        drop(self.process.kill());
        drop(self.process.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The program under test: this build's, or the one that the variable names (such as the static one).
pub fn program() -> std::ffi::OsString {
    std::env::var_os("RUNTIME_SHIM").unwrap_or_else(|| env!("CARGO_BIN_EXE_runtime-shim").into())
}

/// Waits until `look` finds something.
pub async fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(WAIT_SECONDS_MAX);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub fn fresh_folder() -> PathBuf {
    let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("kubelambda-shim-{}-{number}", std::process::id()));
    fs::create_dir_all(folder.join("task")).unwrap();
    fs::create_dir_all(folder.join("tmp")).unwrap();
    folder
}
