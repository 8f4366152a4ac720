//! This program as the shim of an environment, before it is one: whose child it is, and what its `/opt` is.
//!
//! What it never does: run beside anything else. `main` comes here before it has a second thread, since a mount
//! namespace is entered by one.

use std::path::Path;
use std::process::ExitCode;

use rustix::fs::{StatVfsMountFlags, statvfs};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, mount_bind_recursive, mount_change, mount_remount};
use rustix::process::{Signal, getegid, geteuid, getppid, set_parent_process_death_signal};
use rustix::thread::UnshareFlags;

use crate::output;

/// The hidden command that makes this program a shim.
pub(crate) const COMMAND: &str = "environment";
/// Set for a shim: the process id of the program that started it.
pub(crate) const PARENT: &str = "KUBELAMBDA_PARENT";
/// Where AWS unpacks layers.
pub(crate) const OPT: &str = "/opt";
/// Set for a shim: the folder that is to be its `/opt`.
pub(crate) const OPT_FOLDER: &str = "KUBELAMBDA_OPT";
/// Set for a process that only tries whether it can have an `/opt`.
pub(crate) const OPT_TRIAL: &str = "KUBELAMBDA_OPT_TRIAL";

/// Whether this process was started as a shim. `words` are its name and arguments.
pub(crate) fn is_wanted(words: &[String]) -> bool {
    words.get(1).is_some_and(|word| word == COMMAND) && std::env::var_os(PARENT).is_some()
}

/// Is a shim, which ends with the program that started it, however that ends. Only for a process with one thread.
pub(crate) fn run() -> ExitCode {
    if let Some(folder) = std::env::var_os(OPT_FOLDER)
        && let Err(message) = bind(Path::new(&folder))
    {
        output::note(message);
        return ExitCode::FAILURE;
    }
    if std::env::var_os(OPT_TRIAL).is_some() {
        return ExitCode::SUCCESS;
    }
    if let Err(error) = set_parent_process_death_signal(Some(Signal::TERM)) {
        output::note(format_args!(
            "kubelambda: an environment may outlive the program that started it: {error}"
        ));
    }
    let started_by = std::env::var(PARENT).unwrap_or_default();
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get().to_string());
    if parent.as_ref() != Some(&started_by) {
        output::note("kubelambda: an environment is started by `kubelambda local`, which is gone");
        return ExitCode::FAILURE;
    }
    runtime_shim::run(&[])
}

/// Makes `folder` this process's `/opt`, read-only as on AWS.
fn bind(folder: &Path) -> Result<(), String> {
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
