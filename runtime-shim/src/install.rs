//! How the shim gets into a function's pod: the pod's first container copies it to a shared volume.
//!
//! `install DIR` copies and then waits, so that the container counts as started; its `postStart` hook,
//! `installed DIR`, holds back the next container until the copy is there.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// The program's name in the shared volume.
const NAME: &str = "runtime-shim";
/// How long `installed` waits for the copy, in seconds.
const INSTALL_SECONDS_MAX: u64 = 30;
/// How often it looks, in milliseconds.
const LOOK_MILLIS: u64 = 2;

/// Copies this program to `directory`, whole or not at all.
pub(crate) fn copy_to(directory: &Path) -> io::Result<PathBuf> {
    let target = directory.join(NAME);
    let partial = directory.join(format!(".{NAME}.{}", std::process::id()));
    fs::copy("/proc/self/exe", &partial)?;
    fs::set_permissions(&partial, fs::Permissions::from_mode(0o755))?;
    fs::rename(&partial, &target)?;
    Ok(target)
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
