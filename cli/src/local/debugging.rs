//! What `--debug` tells of each environment: the process of its runtime, and how a debugger gets there.
//!
//! What it never does: touch that process. The runtime is looked for among the shim's children, again and again,
//! since a crash makes another.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Pid;

use crate::output;

/// Variables by which a debugger gets into an interpreter: handed on from the shell that started this program.
pub(super) const HANDED_ON: [&str; 3] = ["NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "PYTHONBREAKPOINT"];
/// What Java must be started with.
const JDWP: &str = "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:5005";
/// How often the runtime is looked for, in milliseconds.
const LOOK_MILLIS: u64 = 100;

/// A runtime's process.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Process {
    pid: u32,
    program: PathBuf,
}

/// Those of [`HANDED_ON`] that are set.
pub(super) fn variables() -> impl Iterator<Item = (String, String)> {
    HANDED_ON.into_iter().filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
}

/// Tells of every runtime of an environment, whose code is in `code`, for as long as it is polled.
pub(super) async fn tell(function: &str, code: &Path, shim: Option<Pid>) {
    let Some(shim) = shim.and_then(|shim| u32::try_from(shim.as_raw_nonzero().get()).ok()) else { return };
    let (mut told, mut before) = (None, None);
    loop {
        let found = runtime_of(shim);
        // Twice the same: a script that becomes an interpreter has become it.
        if found.is_some() && found == before && found != told {
            if let Some(process) = &found {
                lines(function, code, process).iter().for_each(output::note);
            }
            told.clone_from(&found);
        }
        before = found;
        tokio::time::sleep(Duration::from_millis(LOOK_MILLIS)).await;
    }
}

/// The shim's child that is neither the shim itself, about to become one, nor an extension.
fn runtime_of(shim: u32) -> Option<Process> {
    let own = program_of(shim)?;
    let pids =
        std::fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent_of(*pid) == Some(shim))
        .filter_map(|pid| Some(Process { pid, program: program_of(pid).filter(|program| *program != own)? }))
        .find(|process| !is_extension(process.pid))
}

fn program_of(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// From `/proc/<pid>/stat`, where the name in brackets may hold anything.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// Extensions are started by their path.
fn is_extension(pid: u32) -> bool {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).split('\0').take(2).any(|word| word.contains("/extensions/"))
}

fn lines(function: &str, code: &Path, process: &Process) -> [String; 2] {
    let Process { pid, program } = process;
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let (program, code) = (program.display(), code.display());
    let attach = match &*name {
        name if name.starts_with("python") => format!(
            "python3 -m debugpy --listen 127.0.0.1:5678 --pid {pid}   (debugpy is on PyPI; it needs gdb)"
        ),
        "node" => format!("{program} inspect -p {pid}   (or start with NODE_OPTIONS=--inspect)"),
        "java" => format!("jdb -attach 127.0.0.1:5005   (start with JAVA_TOOL_OPTIONS={JDWP})"),
        _ => format!("gdb -p {pid}   (or lldb -p {pid}, or dlv attach {pid})"),
    };
    [format!("{function} runs as process {pid}: {program}, code in {code}"), format!("  to attach: {attach}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_program_has_its_debugger() {
        let check = |program: &str, expected: &str| {
            let process = Process { pid: 7, program: program.into() };
            let [what, attach] = lines("f", Path::new("/code"), &process);
            assert_eq!(what, format!("f runs as process 7: {program}, code in /code"));
            assert!(attach.starts_with(&format!("  to attach: {expected}")), "{attach}");
        };
        check("/usr/bin/python3.11", "python3 -m debugpy --listen 127.0.0.1:5678 --pid 7 ");
        check("/n/bin/node", "/n/bin/node inspect -p 7 ");
        check("/usr/lib/jvm/bin/java", "jdb -attach 127.0.0.1:5005 ");
        check("/code/bootstrap", "gdb -p 7 ");
    }

    #[test]
    fn this_process_has_a_parent_and_a_program() {
        let own = std::process::id();
        assert_eq!(parent_of(own), Some(std::os::unix::process::parent_id()));
        assert_eq!(program_of(own), std::env::current_exe().ok());
        assert!(!is_extension(own));
    }
}
