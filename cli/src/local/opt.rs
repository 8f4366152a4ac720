//! `/opt` of an environment: its layers, in a mount namespace of its own where this machine allows that.
//!
//! The process that becomes a shim goes there first, so the shim finds layers and extensions where they are on AWS
//! and knows of nothing else. Where a mount namespace cannot be had (a container without the permission, an `/opt`
//! that is missing, a distribution that forbids user namespaces), the layers stay where they are and search paths
//! lead to them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::fs::{StatVfsMountFlags, statvfs};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, mount_bind_recursive, mount_change, mount_remount};
use rustix::process::{getegid, geteuid};
use rustix::thread::UnshareFlags;
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::environment::{PARENT, SHIM_COMMAND};

/// Where AWS unpacks layers.
const OPT: &str = "/opt";
/// Set for a shim: the folder that is to be its `/opt`.
pub(crate) const VARIABLE: &str = "KUBELAMBDA_OPT";
/// Set for a process that only tries it.
pub(crate) const TRIAL: &str = "KUBELAMBDA_OPT_TRIAL";

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
            (VARIABLE.to_owned(), folder)
        } else {
            ("KUBELAMBDA_EXTENSIONS".to_owned(), format!("{folder}/extensions"))
        }
    }
}

/// Whether environments can have an `/opt` of their own: tried once.
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
    command.arg(SHIM_COMMAND).env_clear();
    command.env(PARENT, std::process::id().to_string()).env(VARIABLE, folder).env(TRIAL, "1");
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

/// Makes `folder` this process's `/opt`, read-only as on AWS. Only for a process with one thread.
pub(crate) fn bind(folder: &Path) -> Result<(), String> {
    let told = |what: &'static str| move |error: Errno| format!("{what}: {error}");
    enter()?;
    // Nothing that is mounted here is seen outside.
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(told("mounts cannot be made private"))?;
    mount_bind_recursive(folder, OPT).map_err(told("nothing can be mounted on /opt"))?;
    // Whoever owns no more than a user namespace may not take these flags away.
    let flags = statvfs(OPT).map_err(told("/opt cannot be read"))?.f_flag;
    let kept = [
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
    ];
    let kept = kept.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, flag)| flag);
    let read_only = kept.fold(MountFlags::BIND | MountFlags::RDONLY, |all, flag| all | flag);
    mount_remount(OPT, read_only, "").map_err(told("/opt cannot be made read-only"))
}

/// Root goes into a mount namespace alone, everybody else into a user namespace with the same user as well.
fn enter() -> Result<(), String> {
    let (user, group) = (geteuid(), getegid());
    let told = |error| format!("there is no mount namespace to be had: {error}");
    match unshare(UnshareFlags::NEWNS) {
        Err(Errno::PERM) => {}
        done => return done.map_err(told),
    }
    unshare(UnshareFlags::NEWNS | UnshareFlags::NEWUSER).map_err(told)?;
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{user} {user} 1")),
        ("gid_map", format!("{group} {group} 1")),
    ] {
        std::fs::write(Path::new("/proc/self").join(file), text)
            .map_err(|error| format!("the user cannot be kept in a user namespace ({file}): {error}"))?;
    }
    Ok(())
}

#[expect(deprecated, reason = "only file descriptors make it unsafe, and their table stays shared")]
fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    rustix::thread::unshare(flags)
}
