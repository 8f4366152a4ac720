//! AWS's runtime identifiers, mapped to interpreters of this machine.
//!
//! The exact version is preferred; where it is missing, the newest that is there runs the function, and it is
//! said. A `Runtime` of the folder goes before all of this: its entry point is started as it is written.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;
use tokio::sync::Mutex;

use super::clients::{self, Client};
use crate::output;

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
    /// The code's own `bootstrap`.
    Bootstrap,
}

/// Finds interpreters and clients, and remembers them.
#[derive(Debug)]
pub(crate) struct Runtimes {
    cache: PathBuf,
    /// Locked while one is looked for, so that it is done once. What was not found is looked for again.
    found: Mutex<HashMap<String, Interpreter>>,
}

impl Runtimes {
    /// With clients in `cache`.
    pub(crate) fn new(cache: PathBuf) -> Self {
        Self { cache, found: Mutex::default() }
    }

    /// What runs functions of the runtime `name`; its client is fetched if it is missing.
    pub(crate) async fn of(&self, name: &str) -> Result<Interpreter, String> {
        let mut found = self.found.lock().await;
        if let Some(interpreter) = found.get(name) {
            return Ok(interpreter.clone());
        }
        let interpreter = self.find(name).await?;
        found.insert(name.to_owned(), interpreter.clone());
        Ok(interpreter)
    }

    async fn find(&self, name: &str) -> Result<Interpreter, String> {
        if let Some(version) = name.strip_prefix("python") {
            return self.python(name, version).await;
        }
        if let Some(version) = name.strip_prefix("nodejs") {
            return self.node(name, version.trim_end_matches(".x")).await;
        }
        if name == "provided" || name.starts_with("provided.") || name == "go1.x" {
            return Ok(Interpreter::Bootstrap);
        }
        Err(format!(
            "local mode has no interpreter for '{name}': it runs python3.x, nodejsNN.x and provided.*; for another, \
             put a Runtime of this name into the folder, whose entryPoint is a command of this machine"
        ))
    }

    async fn python(&self, name: &str, version: &str) -> Result<Interpreter, String> {
        let mut candidates = vec![name.to_owned(), "python3".to_owned()];
        candidates
            .extend(versions_on_path("python3.").into_iter().rev().map(|minor| format!("python3.{minor}")));
        for candidate in &candidates {
            let Some((program, found)) = ask_python(candidate).await else { continue };
            if found != version {
                output::note(format_args!(
                    "There is no {name} here: Python {found} runs its functions ({})",
                    program.display()
                ));
            }
            let pip = program.clone();
            let install = |to: &Path, client: Client| {
                let mut command = Command::new(pip);
                command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]);
                command.arg(to).arg(format!("{}=={}", client.package, client.version));
                command
            };
            let client = clients::PYTHON.ready(&self.cache, &format!("python{found}"), install).await?;
            return Ok(Interpreter::Python { program, version: found, client });
        }
        Err(format!("there is no Python 3 in PATH to run '{name}'"))
    }

    async fn node(&self, name: &str, version: &str) -> Result<Interpreter, String> {
        let asked = ask("node", &["-p", "process.execPath + '\\n' + process.versions.node"]).await;
        let Some((program, found)) = asked.as_deref().and_then(|text| text.split_once('\n')) else {
            return Err(format!("there is no `node` in PATH to run '{name}'"));
        };
        let major = found.split('.').next().unwrap_or_default().to_owned();
        if major != version {
            output::note(format_args!(
                "There is no Node.js {version} here: {found} runs its functions ({program})"
            ));
        }
        let major: u32 = major.parse().map_err(|_| format!("Node.js {found} is no version"))?;
        // The client's native part is built: with the headers of this Node.js, where they are beside it.
        let prefix = Path::new(program).parent().and_then(Path::parent).map(Path::to_owned);
        let headers = prefix.filter(|prefix| prefix.join("include/node/node.h").exists());
        let install = |to: &Path, client: Client| {
            let mut command = Command::new("npm");
            command.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]);
            command.arg(to).arg(format!("{}@{}", client.package, client.version));
            if let Some(headers) = headers {
                command.env("npm_config_nodedir", headers);
            }
            command
        };
        let client = if major >= 22 { clients::NODE } else { clients::NODE_BEFORE_22 };
        let client = client.ready(&self.cache, &format!("nodejs{major}"), install).await?;
        Ok(Interpreter::Node { program: program.into(), client, major })
    }
}

/// Minor versions of programs called `prefix` and a number, the oldest first.
fn versions_on_path(prefix: &str) -> BTreeSet<u32> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter_map(|folder| std::fs::read_dir(folder).ok());
    let names = folders.flatten().filter_map(Result::ok).filter(|entry| is_executable(&entry.path()));
    names.filter_map(|entry| entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()).collect()
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// The real program behind a name (which may be a wrapper of a version manager), and its version.
async fn ask_python(name: &str) -> Option<(PathBuf, String)> {
    let script = "import sys; print(sys.executable); print('%d.%d' % sys.version_info[:2])";
    let text = ask(name, &["-c", script]).await?;
    let (program, version) = text.split_once('\n')?;
    version.starts_with("3.").then(|| (program.into(), version.to_owned()))
}

async fn ask(program: impl AsRef<OsStr>, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}
