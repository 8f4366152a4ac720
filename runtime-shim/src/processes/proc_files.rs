//! Files below `/proc`: who descends from whom, and what each process holds.

use std::collections::HashMap;
use std::fs;

use rustix::process::Pid;

/// What `/proc/<pid>/status` says of memory, in bytes. File pages are left out: they are the code's, shared, and
/// can be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Resident {
    /// Private memory.
    pub anonymous: u64,
    /// Shared memory segments and files of a tmpfs that are mapped.
    pub shared: u64,
    /// Mapped files.
    pub file: u64,
}

/// Every process but `own`.
pub(super) fn all_but(own: Pid) -> Vec<Pid> {
    all().filter(|pid| *pid != own).collect()
}

/// Every descendant of `root`, at a cost that grows with their number. One whose parent waits for another child in
/// this very moment may be missed; [`all_descendants`] misses none.
pub(super) fn descendants(root: Pid) -> Vec<Pid> {
    // Not every kernel lists children (`CONFIG_PROC_CHILDREN`).
    let Some(mut found) = children(root) else { return all_descendants(root) };
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        // Who was handed on to another parent meanwhile is there already.
        let fresh = children(pid).unwrap_or_default().into_iter().filter(|pid| !found.contains(pid));
        let fresh: Vec<_> = fresh.collect();
        found.extend(fresh);
        next += 1;
    }
    found
}

/// The children of a process's threads; none where the kernel does not list them, or the process is gone.
fn children(pid: Pid) -> Option<Vec<Pid>> {
    let mut found = None;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        // Of a thread that has ended another of the process has the children.
        let Ok(text) = fs::read_to_string(thread.path().join("children")) else { continue };
        let pids = text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok().and_then(Pid::from_raw));
        found.get_or_insert_with(Vec::new).extend(pids);
    }
    found
}

/// Every descendant of `root`, at a cost that grows with the number of processes there are.
pub(super) fn all_descendants(root: Pid) -> Vec<Pid> {
    let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
    for pid in all() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if let Some(parent) = parent_in_stat(&stat) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = children.remove(&root).unwrap_or_default();
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(children.remove(&pid).unwrap_or_default());
        next += 1;
    }
    found
}

fn all() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().and_then(Pid::from_raw))
}

/// What a process holds; nothing if it has ended.
pub(super) fn resident(pid: Pid) -> Resident {
    resident_in_status(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default())
}

/// What a process holds in bytes, each page divided by the number of processes that map it. Costs more, and needs
/// leave to look; none without it.
pub(super) fn proportional(pid: Pid) -> Option<u64> {
    field_bytes(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?, "Pss:")
}

/// The parent's id. The command's name, in parentheses, may itself hold anything, so the last one counts.
fn parent_in_stat(stat: &str) -> Option<Pid> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(1)?.parse().ok().and_then(Pid::from_raw)
}

fn resident_in_status(status: &str) -> Resident {
    let field = |name| field_bytes(status, name).unwrap_or_default();
    Resident { anonymous: field("RssAnon:"), shared: field("RssShmem:"), file: field("RssFile:") }
}

/// A line such as `RssAnon:      1234 kB`.
fn field_bytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    kilobytes.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_hide_the_parent() {
        let parent = |stat| parent_in_stat(stat).map(Pid::as_raw_nonzero).map(i32::from);
        assert_eq!(parent("12 (a) S 7) (b) S 34 12 12 0"), Some(34));
        assert_eq!(parent("12 (sh) R 1 12"), Some(1));
        assert_eq!(parent("1 (init) S 0 1"), None);
        assert_eq!(parent(""), None);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "VmRSS:\t  30 kB\nRssAnon:\t      10 kB\nRssFile:\t 15 kB\nRssShmem:\t 5 kB\n";
        let expected = Resident { anonymous: 10_240, shared: 5_120, file: 15_360 };
        assert_eq!(resident_in_status(status), expected);
        assert_eq!(resident_in_status("Name:\tkthreadd\n"), Resident::default());
    }

    #[test]
    fn this_process_is_found_and_measured() {
        let own = rustix::process::getpid();
        assert!(all().any(|pid| pid == own));
        assert!(resident(own).anonymous > 0);
    }

    #[test]
    fn children_and_theirs_are_found_either_way() {
        // The shell waits for its child's child, and ends with its input.
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "(sh -c 'echo; read line; exit' <&3 & wait) 3<&0"]);
        let mut shell =
            command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
        // Once this is said all three are there.
        let said = std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut [0]);
        let root = i32::try_from(shell.id()).ok().and_then(Pid::from_raw).unwrap();
        let sorted = |mut pids: Vec<Pid>| {
            pids.sort_unstable_by_key(|pid| pid.as_raw_nonzero());
            pids
        };
        let (listed, looked_up) = (sorted(descendants(root)), sorted(all_descendants(root)));
        let by_kernel = children(root);
        drop(shell.stdin.take());
        shell.wait().unwrap();
        said.unwrap();
        assert!(by_kernel.is_none_or(|children| !children.is_empty()));
        assert_eq!((listed.len(), &listed), (2, &looked_up));
        assert_eq!(children(root), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_readers_panic(text in "\\PC{0,80}") {
            let _parent = parent_in_stat(&text);
            let _resident = resident_in_status(&format!("RssAnon:{text}"));
        }
    }
}
