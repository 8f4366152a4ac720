//! The way to a runtime that waits for events: code laid out, process started, init phase judged.

use domain::environment::{Effect, InitOutcome};
use domain::failure::{Exit, Failure, StartFailure};
use domain::log_lines::InitPhase;
use protocol::link::assignment::Code;
use protocol::link::environment::InitResult;

use super::extensions::ExtensionsState;
use super::invocation::InitRun;
use super::timers::Timer;
use super::{Actor, Assigned};
use crate::clock::Instant;
use crate::events::Event;
use crate::processes::Command;
use crate::variables::Variables;
use crate::{clock, code};

/// The init phase's clock, and how the latest ended.
#[derive(Debug)]
pub(super) struct InitClock {
    pub started: Option<Instant>,
    pub phase: InitPhase,
    /// The runtime has asked for its first event, or never will.
    pub runtime_done: bool,
    pub result: Option<InitResult>,
    /// Duration in milliseconds, until an invocation has reported it.
    pub unreported_ms: Option<f64>,
    /// When it was, likewise.
    pub unreported_run: Option<InitRun>,
}

impl Default for InitClock {
    fn default() -> Self {
        Self {
            started: None,
            phase: InitPhase::Init,
            runtime_done: false,
            result: None,
            unreported_ms: None,
            unreported_run: None,
        }
    }
}

impl Actor {
    pub(super) fn prepare(&mut self) -> Vec<Effect> {
        let Some(assigned) = &mut self.assigned else { return Vec::new() };
        if assigned.assignment.code == Code::Image {
            return self.environment.prepared();
        }
        let (assignment, archive) = (assigned.assignment.clone(), std::mem::take(&mut assigned.archive));
        let (root, events) = (self.settings.task_root.clone(), self.events.clone());
        // Unpacking takes up to seconds, in which links must be answered.
        drop(tokio::spawn(async move {
            let laid_out =
                tokio::task::spawn_blocking(move || code::lay_out(&assignment.code, archive, &root));
            let done = laid_out.await.unwrap_or_else(|error| {
                let message = format!("the code cannot be laid out: {error}");
                Err(StartFailure { error_type: "Runtime.InvalidTaskConfig", message })
            });
            drop(events.send(Event::Prepared(done)).await);
        }));
        Vec::new()
    }

    pub(super) fn start_runtime(&mut self, phase: InitPhase) -> Vec<Effect> {
        self.init.started = Some(clock::now());
        (self.init.phase, self.init.runtime_done) = (phase, false);
        self.logs.open_subscriptions();
        self.record_init_start(phase);
        self.memory.reset();
        if phase == InitPhase::Init {
            self.timers.set(Timer::Deadline, clock::now() + self.settings.init_limit);
        }
        self.watch_limits();
        // Registration was closed at the end of the life before.
        self.extensions = ExtensionsState::default();
        self.extensions.runtime_due = true;
        if let Err(exit) = self.launch_extensions() {
            return self.not_started(exit);
        }
        if self.extensions.known.all_registered() { self.start_process() } else { Vec::new() }
    }

    /// Starts the runtime if extensions were all that it waited for.
    pub(super) fn start_due_runtime(&mut self) {
        let due = self.extensions.runtime_due && self.extensions.known.all_registered();
        if due && self.extensions.ending.is_none() {
            let effects = self.start_process();
            self.apply(effects);
        }
    }

    fn start_process(&mut self) -> Vec<Effect> {
        self.extensions.runtime_due = false;
        match self.try_start() {
            Ok(pid) => {
                (self.runtime.pid, self.runtime.gone) = (Some(pid), false);
                Vec::new()
            }
            Err(failure) => self.not_started(Exit::NotStarted(failure)),
        }
    }

    /// Something could not be started; whatever was goes, too.
    fn not_started(&mut self, exit: Exit) -> Vec<Effect> {
        self.extensions.runtime_due = false;
        if self.extensions.processes.is_empty() {
            self.timers.clear(Timer::Deadline);
            self.timers.clear(Timer::Sample);
            self.close_registration();
            self.extensions = ExtensionsState::default();
            return self.environment.runtime_ended(exit);
        }
        self.runtime.exit = Some(exit);
        self.end_processes();
        Vec::new()
    }

    /// What the variables of the runtime and of extensions are made from.
    pub(super) fn variables<'a>(&'a self, assigned: &'a Assigned) -> Variables<'a> {
        Variables {
            assignment: &assigned.assignment,
            runtime_api: self.runtime_api,
            metadata_token: self.metadata.token(),
            xray_daemon: self.xray.address(),
            task_root: &self.settings.task_root,
            day: assigned.day,
        }
    }

    fn try_start(&mut self) -> Result<rustix::process::Pid, StartFailure> {
        let nothing = || StartFailure {
            error_type: "Runtime.InvalidTaskConfig",
            message: "the environment was not assigned".to_owned(),
        };
        let assigned = self.assigned.as_ref().ok_or_else(nothing)?;
        if let Some(failure) = &assigned.code_failure {
            return Err(failure.clone());
        }
        let assignment = &assigned.assignment;
        let variables = self.variables(assigned);
        let output = self.logs.writer().map_err(|error| StartFailure {
            error_type: "Runtime.InvalidTaskConfig",
            message: format!("no pipe: {error}"),
        })?;
        let command = Command {
            words: assignment.command.clone(),
            directory: assignment.working_directory.clone().into(),
            variables: variables.all(std::env::vars_os()),
            output,
            writes_records: true,
        };
        self.processes.start(&command)
    }

    pub(super) fn init_done(&mut self, phase: InitPhase, outcome: &InitOutcome) {
        let (started, now) = (self.init.started.take(), clock::now());
        let duration_ms = started.map_or(0.0, |started| clock::millis(now.duration_since(started)));
        if phase == InitPhase::Init {
            self.timers.clear(Timer::Deadline);
        }
        self.timers.clear(Timer::InitErrorGrace);
        self.logs.drain();
        self.close_registration();
        self.say_why_init_failed(outcome);
        self.record_init_report(phase, duration_ms, outcome);
        self.logs.close_subscriptions();
        let succeeded = *outcome == InitOutcome::Succeeded;
        if succeeded {
            let known = &self.extensions.known;
            self.logs.telemetry().forget_earlier(|name| known.iter().any(|extension| extension.name == name));
        }
        self.init.unreported_run = started.map(|from| InitRun { from, to: now, failed: !succeeded });
        self.init.unreported_ms = (succeeded && phase == InitPhase::Init).then_some(duration_ms);
        self.init.result = Some(match outcome {
            InitOutcome::Succeeded => InitResult::Succeeded { duration_ms },
            InitOutcome::Exceeded(Failure::TimedOut { .. }) => InitResult::TimedOut,
            InitOutcome::Exceeded(failure) => failed(failure.error_type(), &failure.reason()),
            InitOutcome::Exited(exit) => failed(exit.error_type(), &exit.to_string()),
            InitOutcome::Reported(error) => failed(&error.error_type, &String::from_utf8_lossy(&error.body)),
        });
    }

    /// What a runtime that never ran cannot write itself.
    fn say_why_init_failed(&mut self, outcome: &InitOutcome) {
        if let InitOutcome::Exited(Exit::NotStarted(failure)) = outcome {
            let words = self.assigned.as_ref().map(|assigned| assigned.assignment.command.clone());
            let words = words.unwrap_or_default();
            let (entrypoint, command) = words.split_at(words.len().min(1));
            let directory =
                self.assigned.as_ref().map(|assigned| assigned.assignment.working_directory.clone());
            self.logs.platform(&format!(
                "IMAGE\tLaunch error: {}\tEntrypoint: [{}]\tCmd: [{}]\tWorkingDir: [{}]\n",
                failure.message,
                entrypoint.join(","),
                command.join(","),
                directory.unwrap_or_default(),
            ));
        }
    }
}

fn failed(error_type: &str, message: &str) -> InitResult {
    InitResult::Failed { error_type: error_type.to_owned(), message: message.to_owned() }
}
