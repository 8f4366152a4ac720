//! The function's processes: started, stopped, ended, reaped and measured as one.
//!
//! As PID 1 of a PID namespace of its own the shim signals everything at once. Elsewhere (local mode, tests, a
//! shared PID namespace) it is a subreaper: whatever a descendant leaves behind becomes its child, and it finds
//! and ends its own descendants and nothing else.

mod memory;
mod proc_files;
mod start;
mod storage;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;

use domain::failure::Exit;
pub(crate) use memory::OutOfMemoryKills;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus, getpid, kill_process, kill_process_group,
    set_child_subreaper, setrlimit, wait,
};
pub(crate) use start::Command;
pub(crate) use storage::{Disk, clear, used_bytes};

/// Open files that a function may have, as on AWS. The shim itself needs far fewer.
const OPEN_FILES_MAX: u64 = 1_024;
/// What makes the kernel end a function before the shim.
const CHILD_OOM_SCORE_ADJUSTMENT: &str = "1000";
/// Inode number of the host's PID namespace, fixed in the kernel (`PROC_PID_INIT_INO`).
const HOST_PID_NAMESPACE_INODE: u64 = 0xEFFF_FFFC;
/// How often descendants are looked for anew while they fork away, in one go.
const SIGNAL_ROUNDS_MAX: u32 = 16;

/// Everything that runs below the shim.
#[derive(Debug)]
pub(crate) struct Processes {
    reach: Reach,
    oom_score: Option<OomScore>,
}

/// Whom a signal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Every process of the PID namespace but the shim.
    Namespace,
    /// Descendants.
    Descendants,
}

/// What became of the children that ended.
#[derive(Debug, Default)]
pub(crate) struct Reaped {
    /// Each process and how it ended.
    pub ended: Vec<(Pid, Exit)>,
    /// Nothing is left.
    pub none_left: bool,
}

impl Processes {
    /// Makes this process the one that answers for all below it. Call once, while it is still dumpable.
    pub(crate) fn take_charge() -> io::Result<Self> {
        let own_namespace = std::fs::metadata("/proc/self/ns/pid")
            .is_ok_and(|namespace| namespace.ino() != HOST_PID_NAMESPACE_INODE);
        let reach = if getpid().is_init() && own_namespace { Reach::Namespace } else { Reach::Descendants };
        if reach == Reach::Descendants {
            set_child_subreaper(Some(getpid()))?;
        }
        let limit = Rlimit { current: Some(OPEN_FILES_MAX), maximum: Some(OPEN_FILES_MAX) };
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            crate::diagnostics::say(format_args!("the limit of open files stays as it is: {error}"));
        }
        Ok(Self { reach, oom_score: OomScore::open() })
    }

    /// Starts a runtime.
    pub(crate) fn start(&mut self, command: &Command) -> Result<Pid, domain::failure::StartFailure> {
        // A child inherits the adjustment of the moment of its birth, so no child ever runs without it.
        let raised = self.oom_score.as_mut().is_some_and(OomScore::raise);
        let started = command.start();
        if raised && let Some(score) = &mut self.oom_score {
            score.restore();
        }
        started
    }

    /// Lets nothing run until [`Self::resume`].
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets everything run again.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends everything, stopped or not.
    pub(crate) fn end(&self) {
        self.signal(Signal::KILL);
    }

    /// Asks one process to end; no error if it has.
    #[allow(clippy::unused_self, reason = "only who took charge signals")]
    pub(crate) fn terminate_one(&self, pid: Pid) {
        kill_process(pid, Signal::TERM).unwrap_or_default();
    }

    /// Ends one process; no error if it has.
    #[allow(clippy::unused_self, reason = "only who took charge signals")]
    pub(crate) fn end_one(&self, pid: Pid) {
        kill_process(pid, Signal::KILL).unwrap_or_default();
    }

    fn signal(&self, signal: Signal) {
        if self.reach == Reach::Namespace {
            // kill(-1): "process group 1" is how this call's argument is spelled for everything but the caller.
            // The kernel holds its process table meanwhile, so nothing can fork away. No process: no error.
            kill_process_group(Pid::INIT, signal).unwrap_or_default();
            return;
        }
        let mut known = Vec::new();
        for _ in 0..SIGNAL_ROUNDS_MAX {
            // What is to end must not escape; what is stopped is looked for after each invocation.
            let found = match signal {
                Signal::KILL => proc_files::all_descendants(getpid()),
                _ => proc_files::descendants(getpid()),
            };
            let fresh: Vec<_> = found.into_iter().filter(|pid| !known.contains(pid)).collect();
            if fresh.is_empty() {
                return;
            }
            for pid in fresh {
                // It may have ended meanwhile.
                kill_process(pid, signal).unwrap_or_default();
                known.push(pid);
            }
        }
    }

    /// Collects every child that has ended, orphans among them.
    #[allow(clippy::unused_self, reason = "only who took charge reaps")]
    pub(crate) fn reap(&self) -> Reaped {
        let mut reaped = Reaped::default();
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => reaped.ended.push((pid, exit_of(status))),
                Ok(None) => return reaped,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => {
                    reaped.none_left = true;
                    return reaped;
                }
            }
        }
    }

    /// Memory that everything together holds, in bytes.
    pub(crate) fn memory_bytes(&self, limit_bytes: u64) -> u64 {
        memory::used_bytes(&self.members(), limit_bytes)
    }

    fn members(&self) -> Vec<Pid> {
        match self.reach {
            Reach::Namespace => proc_files::all_but(getpid()),
            Reach::Descendants => proc_files::descendants(getpid()),
        }
    }
}

fn exit_of(status: WaitStatus) -> Exit {
    /// The bit of a wait status that says that a core was left.
    const CORE_DUMPED: i32 = 0x80;
    match status.terminating_signal() {
        Some(number) => Exit::Signal { number, core_dumped: status.as_raw() & CORE_DUMPED != 0 },
        None => Exit::Status(status.exit_status().unwrap_or_default()),
    }
}

/// The shim's own `oom_score_adj`, opened before the shim hides itself.
#[derive(Debug)]
struct OomScore {
    file: File,
    own: String,
}

impl OomScore {
    fn open() -> Option<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open("/proc/self/oom_score_adj").ok()?;
        let mut own = String::new();
        file.read_to_string(&mut own).ok()?;
        Some(Self { file, own: own.trim().to_owned() })
    }

    fn raise(&mut self) -> bool {
        self.write(CHILD_OOM_SCORE_ADJUSTMENT).is_ok()
    }

    fn restore(&mut self) {
        let own = self.own.clone();
        if let Err(error) = self.write(&own) {
            crate::diagnostics::say(format_args!("the shim's own oom_score_adj is lost: {error}"));
        }
    }

    fn write(&mut self, value: &str) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(value.as_bytes())
    }
}
