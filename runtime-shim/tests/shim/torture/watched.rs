//! The shim's process from outside, as `/proc` shows it.

use std::fs;

use rustix::process::Pid;

/// A process that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Watched(pub Pid);

impl Watched {
    /// The shim among `started` and its children: `unshare` may have started it.
    pub fn shim(started: u32) -> Self {
        let started = Self(pid(started));
        let name = fs::read_to_string(proc_file(started.0, "comm")).unwrap();
        if name.trim() == "unshare" { Self(started.children()[0]) } else { started }
    }

    /// The child that knows itself under this id.
    pub fn child_named(self, id: u32) -> Option<Pid> {
        self.children().into_iter().find(|pid| innermost_id(*pid) == Some(id))
    }

    pub fn zombies(self) -> Vec<Pid> {
        self.children().into_iter().filter(|pid| is_in_state(*pid, 'Z')).collect()
    }

    pub fn descriptors(self) -> usize {
        fs::read_dir(proc_file(self.0, "fd")).expect("only root sees what the shim has open").count()
    }

    pub fn open_files(self) -> Vec<String> {
        let links = fs::read_dir(proc_file(self.0, "fd")).unwrap().flatten();
        links.filter_map(|link| Some(fs::read_link(link.path()).ok()?.display().to_string())).collect()
    }

    pub fn resident_kib(self) -> u64 {
        let status = fs::read_to_string(proc_file(self.0, "status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// The children of all threads.
    fn children(self) -> Vec<Pid> {
        let threads = fs::read_dir(proc_file(self.0, "task")).unwrap().flatten();
        let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        lists
            .flat_map(|list| {
                list.split_whitespace().map(|child| pid(child.parse().unwrap())).collect::<Vec<_>>()
            })
            .collect()
    }
}

/// Whether a process is in this state, such as `Z` or `T`.
pub fn is_in_state(pid: Pid, state: char) -> bool {
    let stat = fs::read_to_string(proc_file(pid, "stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(state))
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

fn proc_file(pid: Pid, name: &str) -> String {
    format!("/proc/{}/{name}", pid.as_raw_nonzero())
}

/// A process's id as it knows it itself.
fn innermost_id(pid: Pid) -> Option<u32> {
    let status = fs::read_to_string(proc_file(pid, "status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("NSpid:"))?.split_whitespace().last()?.parse().ok()
}
