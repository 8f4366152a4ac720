//! Extensions: started before the runtime, told of invocations and of the end, and waited for.
//!
//! Without a file in the extensions' folder and without a call to the Extensions API nothing here holds memory,
//! and the runtime is started and ended as if there were none.

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::ExtensionId;
use domain::environment::{Answer, State};
use domain::extensions::{EXTENSIONS_MAX, Extensions, Refusal, Shutdown};
use domain::failure::{Exit, StartFailure};
use domain::log_lines::{self, Ending};
use protocol::extensions_api;
use protocol::runtime_api;
use protocol::telemetry::Platform;
use rustix::process::Pid;

use super::Actor;
use crate::diagnostics::say;
use crate::events::{ExtensionAnswer, ExtensionCall, ExtensionReply, NextCall};
use crate::processes::Command;
use crate::random;

/// A file beside the extensions' folder that turns the whole API off.
const DISABLING_FILE: &str = "disable-extensions-jwigqn8j";

/// What the actor knows of extensions, in one life of a runtime.
#[derive(Debug, Default)]
pub(super) struct ExtensionsState {
    pub known: Extensions,
    /// External ones' processes that are not gone.
    pub processes: BTreeMap<ExtensionId, Pid>,
    /// Who waits for an event.
    parked: BTreeMap<ExtensionId, ExtensionReply>,
    /// The runtime waits in `next`, for extensions that have still to do.
    runtime_waits: bool,
    /// The runtime is to be started once all have registered.
    pub runtime_due: bool,
    /// The processes are being ended.
    pub ending: Option<Shutdown>,
}

impl Actor {
    pub(super) fn take_extension_call(&mut self, call: ExtensionCall, reply: ExtensionReply) {
        let verdict = match call {
            ExtensionCall::Register { name, events, account } => self.register(&name, &events, account),
            ExtensionCall::Next { id } => return self.extension_next(id, reply),
            ExtensionCall::Subscribe { id, api, subscription } => self.subscribe(id, api, subscription),
            ExtensionCall::InitError { id, error_type } => {
                // Its process ends by itself, as on AWS; what it told says what that end is.
                self.extensions.known.init_error(id, &error_type).map(|()| ExtensionAnswer::Accepted)
            }
            ExtensionCall::ExitError { id, error_type } => {
                self.extensions.known.exit_error(id, &error_type).map(|()| ExtensionAnswer::Accepted)
            }
        };
        // Whoever does not wait for the answer has no use for it.
        drop(reply.send(verdict).err());
        self.start_due_runtime();
    }

    fn register(&mut self, name: &str, events: &[String], account: bool) -> Result<ExtensionAnswer, Refusal> {
        let Some(assigned) = &self.assigned else { return Err(Refusal::RegistrationClosed) };
        if self.extensions_are_off() || !self.is_in_init() {
            return Err(Refusal::RegistrationClosed);
        }
        let id = self.extensions.known.register(name, events, fresh_id())?;
        let assignment = &assigned.assignment;
        let body = extensions_api::registered(
            assignment.function_name.as_str(),
            &assignment.revision.version,
            assignment.handler.as_deref(),
            account.then_some(assignment.account.as_str()),
        );
        Ok(ExtensionAnswer::Registered(id, body))
    }

    fn extension_next(&mut self, id: ExtensionId, reply: ExtensionReply) {
        if let Err(refusal) = self.extensions.known.next(id) {
            return drop(reply.send(Err(refusal)).err());
        }
        // A second call takes the place of the first, whose connection may be dead; if it is not, it is told.
        if let Some(first) = self.extensions.parked.insert(id, reply) {
            let ready = domain::extensions::State::Ready;
            drop(first.send(Err(Refusal::NotAllowed { from: ready, to: ready, extension: id })).err());
        }
        self.tell_of_end();
        if self.extensions.runtime_waits && self.extensions.known.all_ready() && !self.is_ending() {
            self.extensions.runtime_waits = false;
            if let Ok(effects) = self.environment.next_called() {
                self.apply(effects);
            }
        }
    }

    /// The runtime asks for the next event, which ends a phase only once extensions are ready too.
    pub(super) fn runtime_next(&mut self, call: NextCall) {
        self.logs.drain();
        match self.environment.state() {
            State::Init { .. } | State::InlineInit { .. } => self.record_init_runtime_done(&Ending::Success),
            State::Invoke { answer: Answer::Given(ending), .. } => {
                let ending = ending.clone();
                self.record_runtime_done(&ending);
            }
            _ => {}
        }
        let waits = self.environment.next_ends_a_phase() && !self.extensions.known.all_ready();
        if waits || self.is_ending() {
            self.waiting.add(call);
            self.extensions.runtime_waits = true;
            return;
        }
        let again = matches!(self.environment.state(), State::Invoke { answer: Answer::Awaited, .. });
        match self.environment.next_called() {
            Ok(effects) => {
                if again {
                    self.waiting.add_first(call);
                } else {
                    self.waiting.add(call);
                }
                self.apply(effects);
            }
            Err(_) => drop(call.reply.send(Err(runtime_api::Refusal::InvalidStateTransition)).err()),
        }
    }

    /// Starts every external extension; on failure, how the environment ends.
    pub(super) fn launch_extensions(&mut self) -> Result<(), Exit> {
        let files = self.extension_files();
        if files.len() > EXTENSIONS_MAX {
            // None is started for nothing, and none has to be asked to end.
            let error_type = Extensions::too_many();
            return Err(Exit::Extension { error_type, message: Refusal::TooManyExtensions.to_string() });
        }
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let id = fresh_id();
            let launched = self.extensions.known.launched(&name, id).map_err(|refusal| refusal.to_string());
            let pid = launched.and_then(|()| self.launch(&file).map_err(|failure| failure.message));
            match pid {
                Ok(pid) => drop(self.extensions.processes.insert(id, pid)),
                Err(message) => {
                    let error_type = self.extensions.known.lost(id, false);
                    return Err(Exit::Extension { error_type, message });
                }
            }
        }
        Ok(())
    }

    fn launch(&mut self, file: &std::path::Path) -> Result<Pid, StartFailure> {
        let failed = |message: String| StartFailure { error_type: "Extension.LaunchError", message };
        let assigned = self.assigned.as_ref().ok_or_else(|| failed("nothing is assigned".to_owned()))?;
        let variables = self.variables(assigned);
        let command = Command {
            words: vec![file.to_string_lossy().into_owned()],
            directory: PathBuf::from("/"),
            variables: variables.of_extension(std::env::vars_os()),
            output: self.logs.extension_writer().map_err(|error| failed(error.to_string()))?,
            writes_records: false,
        };
        self.processes.start(&command)
    }

    fn extension_files(&self) -> Vec<PathBuf> {
        if self.extensions_are_off() {
            return Vec::new();
        }
        let entries = std::fs::read_dir(&self.settings.extensions).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        files.sort();
        files
    }

    fn extensions_are_off(&self) -> bool {
        let folder = self.settings.extensions.parent();
        folder.is_some_and(|folder| folder.join(DISABLING_FILE).exists())
    }

    fn is_in_init(&self) -> bool {
        matches!(self.environment.state(), State::Init { .. } | State::InlineInit { .. })
    }

    /// An invocation was handed to the runtime.
    pub(super) fn tell_of_invocation(&mut self) {
        let Some(invocation) = &mut self.invocation else { return };
        let told = self.extensions.known.take_invoke();
        if told.is_empty() {
            return;
        }
        let deadline_ms = invocation.deadline_epoch_ms();
        let invoke = &invocation.invoke;
        let body = extensions_api::invoke_event(
            invoke.request_id,
            deadline_ms,
            &invoke.invoked_arn,
            invoke.trace.as_deref(),
        );
        for id in told {
            let identifier = Some(fresh_id().to_string());
            self.answer_extension(id, ExtensionAnswer::Event { identifier, body: body.clone() });
        }
    }

    pub(super) fn answer_extension(&mut self, id: ExtensionId, answer: ExtensionAnswer) {
        if let Some(reply) = self.extensions.parked.remove(&id)
            && reply.send(Ok(answer)).is_err()
        {
            say(format_args!("an extension does not wait for its event any more"));
        }
    }

    /// The init phase is over, one way or the other.
    pub(super) fn close_registration(&mut self) {
        self.extensions.runtime_due = false;
        if self.extensions.known.is_closed() {
            return;
        }
        self.extensions.known.close();
        for extension in self.extensions.known.iter() {
            let make = || Platform::Extension {
                name: extension.name.clone(),
                state: extension.state.name().to_owned(),
                events: extension.events.names().into_iter().map(str::to_owned).collect(),
                error_type: extension.error_type.clone(),
            };
            self.logs.record(make, Some(&log_lines::extension(extension)));
        }
    }
}

/// An identifier that nobody can guess, and that no event or extension had before.
fn fresh_id() -> ExtensionId {
    ExtensionId::from_random_bytes(random::bytes())
}
