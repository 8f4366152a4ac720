//! `/opt` of an environment: its layers, in a mount namespace of its own where this machine allows that.
//!
//! The process that becomes a shim goes there first ([`super::shim`]), so the shim finds layers and extensions where
//! they are on AWS and knows of nothing else. Where a mount namespace cannot be had (a container without the permission, an `/opt`
//! that is missing, a distribution that forbids user namespaces), the layers stay where they are and search paths
//! lead to them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;
use tokio::sync::OnceCell;

use super::shim::{COMMAND, OPT, OPT_FOLDER, OWN_MOUNTS, PARENT, TRIAL};

/// The merged layers of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layers {
    /// Where they are on this machine.
    pub folder: PathBuf,
    /// They become the environment's `/opt`.
    pub is_bound: bool,
}

impl Layers {
    /// Where the environment sees them.
    pub(crate) fn seen(&self) -> &Path {
        if self.is_bound { Path::new(OPT) } else { &self.folder }
    }

    /// What the shim's process is told.
    pub(crate) fn settings(&self) -> (String, String) {
        let folder = self.folder.display().to_string();
        if self.is_bound {
            (OPT_FOLDER.to_owned(), folder)
        } else {
            ("KUBELAMBDA_EXTENSIONS".to_owned(), format!("{folder}/extensions"))
        }
    }
}

/// Whether environments can have mounts of their own, an `/opt` and names of hosts: tried once.
#[derive(Debug, Default)]
pub(crate) struct Binding(OnceCell<Result<(), String>>);

impl Binding {
    /// Why not, where they cannot. `program` is this program, `folder` any folder.
    pub(crate) async fn tried(&self, program: &Path, folder: &Path) -> Result<(), String> {
        self.0.get_or_init(|| try_binding(program, folder)).await.clone()
    }
}

async fn try_binding(program: &Path, folder: &Path) -> Result<(), String> {
    let mut command = Command::new(program);
    command.arg(COMMAND).env_clear();
    command.env(PARENT, std::process::id().to_string()).env(OPT_FOLDER, folder);
    command.env(OWN_MOUNTS, "1").env(TRIAL, "1");
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    let tried = command.output().await.map_err(|error| error.to_string())?;
    if tried.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&tried.stderr).trim().to_owned())
}

/// Whether one of these is below the machine's own `/opt`, which an environment's would hide.
pub(crate) fn hides<'a>(mut needed: impl Iterator<Item = &'a Path>) -> bool {
    needed.any(|path| path.canonicalize().is_ok_and(|path| path.starts_with(OPT)))
}
