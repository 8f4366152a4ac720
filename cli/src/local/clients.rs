//! AWS's runtime clients, unmodified, from their registries into a cache, once.
//!
//! A client appears in the cache whole or not at all: it is installed beside its place and then renamed. A lock
//! lets one of several programs that miss it install it, and the others wait.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::output;

/// How long an installation may take, in seconds.
const INSTALL_SECONDS_MAX: u64 = 600;
/// How many lines of a failed installation are shown.
const SHOWN_LINES: usize = 6;

/// A client in its registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    /// The registry's name for people.
    pub registry: &'static str,
    /// The package.
    pub package: &'static str,
    /// The version, pinned: two machines run the same.
    pub version: &'static str,
}

/// AWS's client for Python.
pub(crate) const PYTHON: Client = Client { registry: "PyPI", package: "awslambdaric", version: "4.2.2" };
/// AWS's client for Node.js 22 and newer.
pub(crate) const NODE: Client = Client { registry: "npm", package: "aws-lambda-ric", version: "4.0.2" };
/// AWS's client for older versions of Node.js.
pub(crate) const NODE_BEFORE_22: Client =
    Client { registry: "npm", package: "aws-lambda-ric", version: "3.3.0" };

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
        let lock = self.locked(&place).await?;
        if !place.is_dir() {
            self.install(&place, command).await?;
        }
        drop(lock);
        Ok(place)
    }

    async fn locked(self, place: &Path) -> Result<File, String> {
        let lock = beside(place, "lock");
        let locked = tokio::task::spawn_blocking(move || {
            lock.parent().map_or(Ok(()), fs::create_dir_all)?;
            let file = File::create(&lock)?;
            file.lock()?;
            Ok::<_, std::io::Error>(file)
        });
        let locked = locked.await.map_err(|error| error.to_string())?;
        locked.map_err(|error| format!("the cache {} cannot be used: {error}", place.display()))
    }

    async fn install(self, place: &Path, command: impl FnOnce(&Path, Self) -> Command) -> Result<(), String> {
        let Self { registry, package, version } = self;
        output::note(format_args!(
            "Fetching AWS's runtime client {package} {version} from {registry} into {}, once …",
            place.display()
        ));
        let partial = beside(place, "partial");
        drop(fs::remove_dir_all(&partial));
        let cannot = |error: std::io::Error| format!("{package} {version} cannot be fetched: {error}");
        fs::create_dir_all(&partial).map_err(cannot)?;
        let mut command = command(&partial, self);
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
        let done = tokio::time::timeout(Duration::from_secs(INSTALL_SECONDS_MAX), output).await;
        let done = done.map_err(|_| format!("{package} {version}: no end within {INSTALL_SECONDS_MAX} s"))?;
        let done = done.map_err(cannot)?;
        if !done.status.success() {
            let said = last_lines(&[done.stdout, done.stderr].concat());
            return Err(format!("{package} {version} cannot be fetched from {registry}:\n{said}"));
        }
        fs::rename(&partial, place).map_err(cannot)
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
        let cache = std::env::temp_dir().join(format!("kubelambda-clients-{}", std::process::id()));
        let failed =
            PYTHON.ready(&cache, "p", |to, _| shell(&format!("touch {}/x; echo why; exit 3", to.display())));
        assert!(failed.await.unwrap_err().contains("why"));
        let installed = |script: &'static str| {
            PYTHON.ready(&cache, "p", move |to, _| shell(&format!("cd {} && {script}", to.display())))
        };
        let place = installed("touch whole").await.unwrap();
        assert!(place.join("whole").exists() && !place.join("x").exists());
        assert_eq!(installed("exit 1").await.unwrap(), place);
        fs::remove_dir_all(&cache).unwrap();
    }
}
