//! This program as the shim of an environment, before it is one: whose child it is, and, in a mount namespace of its
//! own, what its `/opt` is and that it knows the name `sandbox`.
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
/// Set for a shim that is to have a mount namespace of its own.
pub(crate) const OWN_MOUNTS: &str = "KUBELAMBDA_OWN_MOUNTS";
/// Set for a shim with [`OWN_MOUNTS`]: the folder that is to be its `/opt`.
pub(crate) const OPT_FOLDER: &str = "KUBELAMBDA_OPT";
/// Set for a shim: the file that it writes its addresses to, in a folder of its own.
pub(crate) const ADDRESSES_FILE: &str = "KUBELAMBDA_ADDRESSES_FILE";
/// Set for a process that only tries whether it can have such mounts.
pub(crate) const TRIAL: &str = "KUBELAMBDA_TRIAL";

/// Names of this machine that are nobody else's business to resolve.
const HOSTS: &str = "/etc/hosts";
/// What AWS's documentation calls an environment from within: whoever subscribes to the Telemetry API listens there.
const SANDBOX: &str = "127.0.0.1 sandbox.localdomain sandbox";

/// Whether this process was started as a shim. `words` are its name and arguments.
pub(crate) fn is_wanted(words: &[String]) -> bool {
    words.get(1).is_some_and(|word| word == COMMAND) && std::env::var_os(PARENT).is_some()
}

/// Is a shim, which ends with the program that started it, however that ends. Only for a process with one thread.
pub(crate) fn run() -> ExitCode {
    if std::env::var_os(OWN_MOUNTS).is_some()
        && let Err(message) = mount()
    {
        output::note(message);
        return ExitCode::FAILURE;
    }
    if std::env::var_os(TRIAL).is_some() {
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

/// Mounts what this process and its children alone are to see.
fn mount() -> Result<(), String> {
    enter()?;
    // Nothing that is mounted here is seen outside.
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(|error| format!("mounts cannot be made private: {error}"))?;
    if let Some(folder) = std::env::var_os(OPT_FOLDER) {
        mount_read_only(Path::new(&folder), OPT)?;
    }
    if let Some(file) = std::env::var_os(ADDRESSES_FILE)
        && let Err(message) = name_sandbox(&Path::new(&file).with_file_name("hosts"))
    {
        output::note(format_args!("kubelambda: the name sandbox is not known to functions: {message}"));
    }
    Ok(())
}

/// Adds its name to those of this machine, in the mount namespace that was entered, by way of `file`.
fn name_sandbox(file: &Path) -> Result<(), String> {
    let cannot = |error: std::io::Error| error.to_string();
    let known = std::fs::read_to_string(HOSTS).map_err(cannot)?;
    std::fs::write(file, format!("{known}\n{SANDBOX}\n")).map_err(cannot)?;
    mount_read_only(file, HOSTS)
}

fn mount_read_only(source: &Path, target: &str) -> Result<(), String> {
    let told = |what: &'static str| move |error: Errno| format!("{target} cannot be {what}: {error}");
    mount_bind_recursive(source, target).map_err(told("mounted on"))?;
    // Whoever owns no more than a user namespace may not take these flags away.
    let flags = statvfs(target).map_err(told("looked at"))?.f_flag;
    let kept = [
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
    ];
    let kept = kept.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, flag)| flag);
    let read_only = kept.fold(MountFlags::BIND | MountFlags::RDONLY, |all, flag| all | flag);
    mount_remount(target, read_only, "").map_err(told("made read-only"))
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
