//! Starting a runtime: which file, where, with what.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use domain::failure::StartFailure;
use rustix::process::Pid;

/// Tells runtime clients where they may write records of several lines.
const LOG_DESCRIPTOR: &str = "_LAMBDA_TELEMETRY_LOG_FD";

/// A runtime's command line and what goes with it.
#[derive(Debug)]
pub(crate) struct Command {
    /// Program and arguments.
    pub words: Vec<String>,
    /// Where it starts.
    pub directory: PathBuf,
    /// All variables.
    pub variables: Vec<(OsString, OsString)>,
    /// Where standard output and error go.
    pub output: OwnedFd,
    /// It may write records of several lines; only runtimes may.
    pub writes_records: bool,
}

impl Command {
    pub(super) fn start(&self) -> Result<Pid, StartFailure> {
        let (name, arguments) = self
            .words
            .split_first()
            .ok_or_else(|| invalid_entrypoint("the function has no command".to_owned()))?;
        if !self.directory.is_dir() {
            let message = format!("chdir {}: no such file or directory", self.directory.display());
            return Err(StartFailure { error_type: "Runtime.InvalidWorkingDir", message });
        }
        let program = self.find(name)?;
        let no_output = |error: io::Error| invalid_entrypoint(format!("fork/exec {name}: {error}"));
        let mut command = std::process::Command::new(&program);
        let log = self.output.try_clone().map_err(no_output)?;
        if self.writes_records {
            // The one descriptor that a child inherits beyond the standard ones; only this thread starts children.
            rustix::io::fcntl_setfd(&log, rustix::io::FdFlags::empty())
                .map_err(|error| no_output(error.into()))?;
        }
        command
            .arg0(name)
            .args(arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(self.output.try_clone().map_err(no_output)?)
            .stderr(self.output.try_clone().map_err(no_output)?);
        if self.writes_records {
            command.env(LOG_DESCRIPTOR, log.as_raw_fd().to_string());
        }
        let child = command.spawn().map_err(|error| {
            invalid_entrypoint(format!("fork/exec {}: {}", program.display(), told(&error)))
        })?;
        // Not waited for through this handle: the shim reaps all children in one place.
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        pid.ok_or_else(|| invalid_entrypoint("the process has no id".to_owned()))
    }

    /// The program's file: `name` itself where it is a path, otherwise the first of that name in `PATH`.
    fn find(&self, name: &str) -> Result<PathBuf, StartFailure> {
        if name.contains('/') {
            return Ok(self.directory.join(name));
        }
        let path = self.variables.iter().find(|(key, _)| key == "PATH").map(|(_, value)| value.as_os_str());
        std::env::split_paths(path.unwrap_or_default())
            .map(|directory| self.directory.join(directory).join(name))
            .find(|file| is_executable(file))
            .ok_or_else(|| {
                invalid_entrypoint(format!("exec: \"{name}\": executable file not found in $PATH"))
            })
    }
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn invalid_entrypoint(message: String) -> StartFailure {
    StartFailure { error_type: "Runtime.InvalidEntrypoint", message }
}

/// An error as AWS's supervisor words it.
fn told(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            "exec format error".to_owned()
        }
        _ => error.to_string(),
    }
}
