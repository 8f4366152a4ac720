//! Programs of this machine that run functions: what they are, where, and which version.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use domain::RuntimeVersion;
use resources::runtime::runtime_version;
use tokio::process::Command;

/// Number of the set of clients and interpreters, which INIT_START names as the version of every runtime in local
/// mode. Raised whenever the pinned version of one changes.
pub(crate) const RUNTIME_VERSION: u32 = 1;

/// How a function's runtime is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Interpreter {
    /// CPython with AWS's client.
    Python {
        /// The interpreter.
        program: PathBuf,
        /// Such as `3.11`.
        version: String,
        /// Folder of the client.
        client: PathBuf,
    },
    /// Node.js with AWS's client.
    Node {
        /// The interpreter.
        program: PathBuf,
        /// Folder with `node_modules`.
        client: PathBuf,
        /// Such as `22`.
        major: u32,
    },
    /// Java with AWS's client.
    Java {
        /// The program `java`.
        program: PathBuf,
        /// Folder with the client's jars.
        client: PathBuf,
        /// The client's native part.
        native: Option<PathBuf>,
        /// Such as `21`.
        major: u32,
    },
    /// The code's own `bootstrap`.
    Bootstrap,
}

impl Interpreter {
    /// The interpreter and its client.
    pub(crate) fn places(&self) -> Vec<&Path> {
        match self {
            Self::Python { program, client, .. }
            | Self::Node { program, client, .. }
            | Self::Java { program, client, .. } => vec![program, client],
            Self::Bootstrap => Vec::new(),
        }
    }

    /// The version of the runtime `name` that this is: the number is local mode's own, and the id is another where
    /// another interpreter runs it.
    pub(crate) fn runtime_version(&self, name: &str) -> RuntimeVersion {
        let interpreter = match self {
            Self::Python { version, .. } => format!("local Python {version}"),
            Self::Node { major, .. } => format!("local Node.js {major}"),
            Self::Java { major, .. } => format!("local Java {major}"),
            Self::Bootstrap => "local bootstrap".to_owned(),
        };
        runtime_version(RuntimeVersion::version_of(name, RUNTIME_VERSION), &interpreter)
    }
}

/// The first program of this name in `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| is_executable(program))
}

/// Minor versions of programs called `prefix` and a number, the oldest first.
pub(crate) fn versions_on_path(prefix: &str) -> BTreeSet<u32> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter_map(|folder| std::fs::read_dir(folder).ok());
    let names = folders.flatten().filter_map(Result::ok).filter(|entry| is_executable(&entry.path()));
    names.filter_map(|entry| entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()).collect()
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// The real program behind a name (which may be a wrapper of a version manager), and its version.
pub(crate) async fn ask_python(name: &str) -> Option<(PathBuf, String)> {
    let script = "import sys; print(sys.executable); print('%d.%d' % sys.version_info[:2])";
    let text = ask(name, &["-c", script]).await?;
    let (program, version) = text.split_once('\n')?;
    version.starts_with("3.").then(|| (program.into(), version.to_owned()))
}

/// What a program prints; none where it is missing or fails.
pub(crate) async fn ask(program: impl AsRef<OsStr>, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    // It is the function that is debugged (`--inspect-brk` would wait here).
    command.env_remove("NODE_OPTIONS");
    let output = command.output().await.ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}
