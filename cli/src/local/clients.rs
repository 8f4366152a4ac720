//! AWS's runtime clients, unmodified, from their registries into a cache, once.
//!
//! Where a machine has no Node.js that is new enough for its client, the interpreter comes the same way.
//!
//! What is fetched appears in the cache whole or not at all: it is installed beside its place, looked at, and then
//! renamed. A lock lets one of several programs that miss it install it, and the others wait. An installation that
//! is no longer wanted ends with all that it started.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, setpriority_process};
use tokio::process::{Child, Command};

use super::interpreters::find_program;
use crate::output;

/// How long an installation may take, in seconds.
const INSTALL_SECONDS_MAX: u64 = 600;
/// How many lines of a failed installation are shown.
const SHOWN_LINES: usize = 6;

/// How often it is looked whether another program has finished its installation, in milliseconds.
const LOCK_LOOK_MILLIS: u64 = 50;
/// How much an installation gives way to functions that run meanwhile: a niceness.
const NICENESS: i32 = 10;

/// A package in its registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    /// What it is, for people.
    pub what: &'static str,
    /// The registry's name for people.
    pub registry: &'static str,
    /// The package.
    pub package: &'static str,
    /// The version, pinned: two machines run the same.
    pub version: &'static str,
    /// A file that is there once it is whole.
    pub proof: &'static str,
    /// Programs that its installation needs; of each, names of which one is enough.
    pub tools: &'static [&'static [&'static str]],
}

/// AWS's client for Python.
pub(crate) const PYTHON: Client = Client {
    what: "AWS's runtime client",
    registry: "PyPI",
    package: "awslambdaric",
    version: "4.2.2",
    proof: "awslambdaric/__main__.py",
    tools: &[],
};
/// AWS's client for Java, with the jars that it needs.
pub(crate) const JAVA: Client = Client {
    what: "AWS's runtime client",
    registry: "Maven Central",
    package: "aws-lambda-java-runtime-interface-client",
    version: "2.9.0",
    proof: "aws-lambda-java-runtime-interface-client-2.9.0.jar",
    tools: &[&["mvn"]],
};
/// AWS's client for Node.js 22 and newer. Its native part and the curl in it are built where it is installed.
pub(crate) const NODE: Client = Client {
    what: "AWS's runtime client",
    registry: "npm",
    package: "aws-lambda-ric",
    version: "4.0.2",
    proof: "node_modules/aws-lambda-ric/rapid-client.node",
    tools: &[&["npm"], &["cmake", "cmake3"], &["make"], &["cc"], &["c++"], &["python3"], &["tar"], &["xz"]],
};
/// AWS's client for older versions of Node.js, whose curl is configured as well.
pub(crate) const NODE_BEFORE_22: Client = Client {
    version: "3.3.0",
    proof: "node_modules/aws-lambda-ric/bin/index.mjs",
    tools: &[
        &["npm"],
        &["cmake", "cmake3"],
        &["make"],
        &["cc"],
        &["c++"],
        &["python3"],
        &["autoreconf"],
        &["automake"],
        &["libtoolize"],
    ],
    ..NODE
};

/// The cache folder: `$XDG_CACHE_HOME/kubelambda` or `~/.cache/kubelambda`.
pub(crate) fn cache_folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    cache.unwrap_or_else(std::env::temp_dir).join("kubelambda")
}

impl Client {
    /// The folder with the client for `interpreter`, installed there if it is missing. `command` is given the
    /// folder to install into and the package's name with its version.
    pub(crate) async fn ready(
        self,
        cache: &Path,
        interpreter: &str,
        command: impl FnOnce(&Path, Self) -> Command,
    ) -> Result<PathBuf, String> {
        let place = cache.join(interpreter).join(format!("{}-{}", self.package, self.version));
        if place.is_dir() {
            return Ok(place);
        }
        self.tools_are_there()?;
        let lock = locked(&place).await;
        let lock = lock.map_err(|error| format!("the cache {} cannot be used: {error}", place.display()))?;
        if !place.is_dir() {
            self.install(&place, command).await?;
        }
        drop(lock);
        Ok(place)
    }

    fn tools_are_there(self) -> Result<(), String> {
        let is_missing = |names: &&&[&str]| names.iter().all(|name| find_program(name).is_none());
        let missing: Vec<_> =
            self.tools.iter().filter(is_missing).filter_map(|names| names.first().copied()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let Self { what, registry, package, version, .. } = self;
        Err(format!(
            "{what} {package} {version} from {registry} needs what is not in PATH: {}",
            missing.join(", ")
        ))
    }

    async fn install(self, place: &Path, command: impl FnOnce(&Path, Self) -> Command) -> Result<(), String> {
        let Self { what, registry, package, version, .. } = self;
        output::note(format_args!(
            "Fetching {what} {package} {version} from {registry} into {}, once …",
            place.display()
        ));
        let partial = beside(place, "partial");
        drop(fs::remove_dir_all(&partial));
        let cannot = |error: std::io::Error| format!("{package} {version} cannot be fetched: {error}");
        fs::create_dir_all(&partial).map_err(cannot)?;
        let mut command = command(&partial, self);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.process_group(0).kill_on_drop(true).spawn().map_err(cannot)?;
        let group = Group::of(&child);
        let done =
            tokio::time::timeout(Duration::from_secs(INSTALL_SECONDS_MAX), child.wait_with_output()).await;
        let done = done.map_err(|_| format!("{package} {version}: no end within {INSTALL_SECONDS_MAX} s"))?;
        let done = done.map_err(cannot)?;
        group.has_ended();
        if !done.status.success() || !partial.join(self.proof).exists() {
            let said = last_lines(&[done.stdout, done.stderr].concat());
            return Err(format!("{package} {version} cannot be fetched from {registry}:\n{said}"));
        }
        output::note(format_args!("{package} {version} is there."));
        fs::rename(&partial, place).map_err(cannot)
    }
}

/// Waits without a thread: whoever no longer wants it just stops waiting.
async fn locked(place: &Path) -> std::io::Result<File> {
    let lock = beside(place, "lock");
    lock.parent().map_or(Ok(()), fs::create_dir_all)?;
    let file = File::create(&lock)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                tokio::time::sleep(Duration::from_millis(LOCK_LOOK_MILLIS)).await;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// The processes of an installation, which end when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(Err(error)) = pid.map(|pid| setpriority_process(Some(pid), NICENESS)) {
            tracing::debug!(%error, "An installation gives no way to functions");
        }
        Self(pid)
    }

    /// Nobody is left to end, and the number may soon be another's.
    fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.map(|pid| kill_process_group(pid, Signal::KILL)) {
            tracing::debug!(%error, "An installation has ended by itself");
        }
    }
}

/// A path with more at its end; the dots of a version are no extension.
fn beside(place: &Path, what: &str) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

fn last_lines(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let shown = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
    format!("  {}", shown.join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_client_is_installed_once_and_whole() {
        let beside = std::env::current_exe().unwrap();
        let cache = beside.with_file_name(format!("kubelambda-clients-{}", std::process::id()));
        let small = Client { proof: "whole", ..PYTHON };
        for (script, expected) in [("touch whole; echo why; exit 3", "why"), ("echo half", "half")] {
            let failed =
                small.ready(&cache, "p", |to, _| shell(&format!("cd {} && {script}", to.display()))).await;
            assert!(failed.unwrap_err().contains(expected));
        }
        let installed = |script: &'static str| {
            small.ready(&cache, "p", move |to, _| shell(&format!("cd {} && {script}", to.display())))
        };
        let place = installed("touch whole").await.unwrap();
        assert!(place.join("whole").exists());
        assert_eq!(installed("exit 1").await.unwrap(), place);
        fs::remove_dir_all(&cache).unwrap();
    }

    #[tokio::test]
    async fn tools_that_are_missing_are_named_and_nothing_is_tried() {
        let built = Client { tools: &[&["sh"], &["no-such-a", "no-such-b"], &["no-such-a", "sh"]], ..PYTHON };
        let cache = Path::new("/dev/null");
        let error = built.ready(cache, "p", |_, _| shell("exit 1")).await.unwrap_err();
        assert!(error.ends_with("not in PATH: no-such-a"), "{error}");
    }
}
