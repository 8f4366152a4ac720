//! How the shim gets into a function's pod: the pod's first container copies it to a shared volume.
//!
//! `install DIR` copies and then waits, so that the container counts as started; its `postStart` hook,
//! `installed DIR`, holds back the next container until the copy is there. Beside it lies the list of users that
//! becomes the function's `/etc/passwd`: a pod's user id stands in no image's, and without an entry for it Node's
//! `os.userInfo` throws, Java's `user.name` is `?`, and no variable of AWS's says who runs.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{getgid, getuid};
use tokio::signal::unix::{SignalKind, signal};

/// The program's name in the shared volume.
const NAME: &str = "runtime-shim";
/// The list of users in the shared volume; the operator mounts it by this name.
const USERS: &str = "passwd";
/// The user that functions run as on AWS (recorded from the service).
const USER: &str = "sbx_user1051";
/// How long `installed` waits for the copy, in seconds.
const INSTALL_SECONDS_MAX: u64 = 30;
/// How often it looks, in milliseconds.
const LOOK_MILLIS: u64 = 2;

/// Copies this program to `directory`, whole or not at all; when it is there, so is the list of users.
pub(crate) fn copy_to(directory: &Path) -> io::Result<PathBuf> {
    let target = directory.join(NAME);
    // Both containers of a pod run as the same user and group.
    fs::write(directory.join(USERS), users(getuid().as_raw(), getgid().as_raw()))?;
    let partial = directory.join(format!(".{NAME}.{}", std::process::id()));
    fs::copy("/proc/self/exe", &partial)?;
    fs::set_permissions(&partial, fs::Permissions::from_mode(0o755))?;
    fs::rename(&partial, &target)?;
    Ok(target)
}

/// The lines of `/etc/passwd`, the function's own user first: of two with one number, the first is found.
fn users(user: u32, group: u32) -> String {
    format!(
        "{USER}:x:{user}:{group}::/tmp:/sbin/nologin\n\
         root:x:0:0:root:/root:/sbin/nologin\n\
         nobody:x:65534:65534:nobody:/:/sbin/nologin\n"
    )
}

/// Copies, then waits to be told to end.
pub(crate) async fn install(directory: &Path) -> io::Result<()> {
    // Before the copy: PID 1 ignores signals that it does not handle, and the pod may end at any time.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    copy_to(directory)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Returns once the copy is there.
pub(crate) async fn installed(directory: &Path) -> io::Result<()> {
    let target = directory.join(NAME);
    let look = async {
        while !target.exists() {
            tokio::time::sleep(Duration::from_millis(LOOK_MILLIS)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(INSTALL_SECONDS_MAX), look)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the shim was not copied in time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_the_seven_fields_of_passwd_and_the_function_s_user_is_found_first() {
        let text = users(1_000, 2_000);
        let entries: Vec<Vec<&str>> = text.lines().map(|line| line.split(':').collect()).collect();
        assert!(entries.iter().all(|fields| fields.len() == 7), "{text}");
        assert_eq!(entries[0], ["sbx_user1051", "x", "1000", "2000", "", "/tmp", "/sbin/nologin"]);
    }
}
