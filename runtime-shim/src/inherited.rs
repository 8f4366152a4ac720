//! What the shim has from whoever started it, and no function is to have: open files and ignored signals.
//!
//! In a pod there is nothing of it. In local mode it comes from a person's shell: a file that a script holds open, or
//! SIGHUP that `nohup` ignores, which a function would ignore too.

use std::fs;
use std::os::fd::RawFd;

use tokio::signal::unix::{SignalKind, signal};

/// The first descriptor that is not a standard one.
const FIRST: RawFd = 3;
/// What the shim itself ignores, as every Rust program does; what it starts does not.
const SIGPIPE: i32 = 13;
/// Signals that are more than a number have numbers beyond.
const LAST_SIGNAL: i32 = 31;

/// Keeps it to the shim. Call before anything is started, within a runtime.
pub(crate) fn keep() {
    for descriptor in numbers_in("/proc/self/fd").filter(|descriptor| *descriptor >= FIRST) {
        crate::libc::keep_from_children(descriptor);
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for number in ignored_in(&status).filter(|number| *number != SIGPIPE) {
        // A signal that has a handler is again the system's business in a program that is started. Who asks for it
        // to be handled only once does not wait for it: the shim ignores it as before. What cannot be handled
        // cannot be ignored either.
        drop(signal(SignalKind::from_raw(number)));
    }
}

fn numbers_in(folder: &str) -> impl Iterator<Item = RawFd> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The numbers of signals that `/proc/<pid>/status` names as ignored.
fn ignored_in(status: &str) -> impl Iterator<Item = i32> {
    let mask =
        status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    (1..=LAST_SIGNAL).filter(move |number| mask.unwrap_or_default() >> (number - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_their_mask() {
        let ignored = |status| ignored_in(status).collect::<Vec<_>>();
        assert_eq!(ignored("SigBlk:\t0000000000000006\nSigIgn:\t0000000000001001\n"), [1, 13]);
        assert_eq!(ignored("SigIgn:\t00000001ffffffff\n").len(), 31);
        assert_eq!(ignored("SigIgn:\tnone\n"), [] as [i32; 0]);
    }
}
