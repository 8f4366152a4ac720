//! The end of a runtime: first its processes, then what they had sent, then the state machine's turn.
//!
//! ```text
//! runtime exits, or is ended ─▶ everything ended ─▶ all reaped ─▶ connections closed ─▶ runtime_ended
//! ```
//!
//! So an answer that a runtime posted right before it exited is read before its exit counts, and nothing that
//! belongs to one life of a runtime can reach into the next.

use std::time::Duration;

use domain::extensions::Shutdown;
use domain::failure::Exit;
use rustix::process::Pid;

use super::Actor;
use super::timers::Timer;
use crate::clock;
use crate::diagnostics::say;

/// How long ended processes may take to be gone, in seconds; then the environment is given up.
const RESET_SECONDS_MAX: u64 = 10;
/// How long connections of ended processes may take to be read to their end, in milliseconds.
const SETTLE_MILLIS_MAX: u64 = 200;

/// The runtime's process.
#[derive(Debug, Default)]
pub(super) struct RuntimeProcess {
    pub pid: Option<Pid>,
    /// It has ended by itself or was ended.
    pub gone: bool,
    /// How it ended; what it left behind is still being ended and read.
    pub exit: Option<Exit>,
}

impl RuntimeProcess {
    /// Its id, while it runs.
    pub(super) fn running(&self) -> Option<Pid> {
        self.pid.filter(|_| !self.gone)
    }
}

impl Actor {
    pub(super) fn end_processes(&mut self) {
        if self.runtime.pid.is_some() || !self.extensions.processes.is_empty() {
            self.timers.set(Timer::Reset, clock::now() + Duration::from_secs(RESET_SECONDS_MAX));
        }
        self.timers.clear(Timer::Freeze);
        self.timers.clear(Timer::Deadline);
        self.timers.clear(Timer::Sample);
        if let Some(invocation) = &mut self.invocation {
            invocation.marks.ended.get_or_insert_with(clock::now);
        }
        if !self.extensions.known.is_empty() {
            return self.begin_shutdown();
        }
        self.processes.end();
        self.frozen = false;
    }

    /// Ends the runtime, and extensions only after it.
    pub(super) fn end_runtime(&mut self) {
        match self.runtime.running() {
            Some(pid) if !self.extensions.known.is_empty() => self.processes.end_one(pid),
            _ => self.processes.end(),
        }
    }

    /// Children ended, were stopped, or were continued.
    pub(super) fn children_changed(&mut self) {
        let reaped = self.processes.reap();
        for (pid, exit) in reaped.ended {
            if self.runtime.pid == Some(pid) {
                let internal_error = self.extensions.known.internal_error();
                let exit = told_apart(exit, self.out_of_memory.any_since(), internal_error);
                if exit == Exit::OutOfMemory {
                    self.memory.used_up();
                }
                self.runtime.gone = true;
                self.runtime.exit.get_or_insert(exit);
                // Whoever waits in `next` is dead, and its connection must not count as open.
                self.waiting.clear();
                self.end_processes();
                self.shutdown_step(Shutdown::runtime_gone);
            } else {
                self.extension_ended(pid, &exit);
            }
        }
        if self.runtime.exit.is_none() {
            return;
        }
        if reaped.none_left {
            self.timers.clear(Timer::Reset);
            self.timers.set(Timer::Settle, clock::now() + Duration::from_millis(SETTLE_MILLIS_MAX));
            self.settle();
        } else if !self.is_ending() {
            // What was forked while the rest was being ended.
            self.processes.end();
        }
    }

    /// All processes are gone; are their connections read to the end?
    pub(super) fn settle(&mut self) {
        if self.timers.is_set(Timer::Settle) && self.connections.none_open() {
            self.settled();
        }
    }

    pub(super) fn settled(&mut self) {
        if !self.connections.none_open() {
            say(format_args!("a connection to the Runtime API outlives its process"));
        }
        self.timers.clear(Timer::Settle);
        self.timers.clear(Timer::InitErrorGrace);
        self.timers.clear(Timer::Deadline);
        self.let_in();
        self.runtime.pid = None;
        self.forget_extensions();
        let Some(exit) = self.runtime.exit.take() else { return };
        self.logs.drain();
        self.logs.end_fragment();
        let effects = self.environment.runtime_ended(exit);
        self.apply(effects);
    }
}

/// A SIGKILL of the kernel's for lack of memory, told apart from any other, and the end of a runtime whose internal
/// extension told of an error. Memory comes first: what was told before is not why the kernel ended it.
fn told_apart(exit: Exit, out_of_memory: bool, internal_error: Option<&'static str>) -> Exit {
    match internal_error {
        _ if out_of_memory && matches!(exit, Exit::Signal { number: 9, .. }) => Exit::OutOfMemory,
        Some(error_type) => exit.of_extension(error_type),
        None => exit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KILLED: Exit = Exit::Signal { number: 9, core_dumped: false };

    #[test]
    fn memory_that_is_used_up_comes_before_what_an_internal_extension_told() {
        let told = Some("Extension.InitError");
        assert_eq!(told_apart(KILLED, true, told), Exit::OutOfMemory);
        assert_eq!(told_apart(KILLED, true, None), Exit::OutOfMemory);
        assert_eq!(told_apart(KILLED, false, None), KILLED);
        assert_eq!(told_apart(KILLED, false, told).error_type(), "Extension.InitError");
    }

    #[test]
    fn an_exit_by_itself_is_not_for_lack_of_memory() {
        // Another process of the function was ended for it, and the runtime went on.
        assert_eq!(told_apart(Exit::Status(1), true, None), Exit::Status(1));
        let told = told_apart(Exit::Status(1), true, Some("Extension.ExitError"));
        assert_eq!((told.error_type(), told.to_string().as_str()), ("Extension.ExitError", "exit status 1"));
    }
}
