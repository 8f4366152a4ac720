//! How much memory the function's processes hold, and whether the kernel ended one for it.

use std::fs;

use rustix::process::Pid;

use super::proc_files;

/// Memory in bytes.
///
/// Private and shared memory of all processes, and the mapped files of the one that maps most: the others map
/// mostly the same ones. A sum counts pages twice that a fork shares, so when it is over the limit and there is
/// more than one process, the exact and slower figure decides.
pub(super) fn used_bytes(pids: &[Pid], limit_bytes: u64) -> u64 {
    let mut sum = 0_u64;
    let mut files = 0_u64;
    for resident in pids.iter().map(|pid| proc_files::resident(*pid)) {
        sum = sum.saturating_add(resident.anonymous).saturating_add(resident.shared);
        files = files.max(resident.file);
    }
    let quick = sum.saturating_add(files);
    if quick <= limit_bytes || pids.len() < 2 {
        return quick;
    }
    // A process that may not be looked into counts in full.
    let exact = pids.iter().map(|pid| {
        proc_files::proportional(*pid).unwrap_or_else(|| {
            let resident = proc_files::resident(*pid);
            resident.anonymous.saturating_add(resident.shared)
        })
    });
    exact.fold(0, u64::saturating_add)
}

/// How often the kernel ended a process of this container because memory was used up.
#[derive(Debug)]
pub(crate) struct OutOfMemoryKills {
    seen: u64,
}

impl OutOfMemoryKills {
    /// Counts from now on.
    pub(crate) fn watch() -> Self {
        Self { seen: count().unwrap_or_default() }
    }

    /// There was one since the last look.
    pub(crate) fn any_since(&mut self) -> bool {
        let now = count().unwrap_or(self.seen);
        let any = now > self.seen;
        self.seen = now;
        any
    }
}

/// The container's counter, in cgroup v2 or v1, where it can be read.
fn count() -> Option<u64> {
    let files = ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"];
    files.iter().find_map(|file| kills_in(&fs::read_to_string(file).ok()?))
}

fn kills_in(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_found_in_both_versions() {
        assert_eq!(kills_in("low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n"), Some(1));
        assert_eq!(kills_in("oom_kill_disable 0\nunder_oom 0\noom_kill 4\n"), Some(4));
        assert_eq!(kills_in("oom_kill_disable 0\nunder_oom 0\n"), None);
    }

    #[test]
    fn a_fork_s_shared_pages_are_not_counted_twice_beyond_the_limit() {
        let own = rustix::process::getpid();
        let once = used_bytes(&[own], u64::MAX);
        assert!(once > 0);
        assert!(used_bytes(&[own, own], u64::MAX) > once);
    }
}
