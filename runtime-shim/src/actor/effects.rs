//! What the state machine says is to be done, done.

use domain::environment::{Effect, InitOutcome};
use domain::failure::{Exit, Failure, StartFailure};
use domain::log_lines::{self, Ending, InitPhase, ReportLine};
use protocol::link::assignment::Idle;
use protocol::link::environment::{
    FromEnvironment, FunctionError, FunctionErrorCause, InitResult, Report, ResponseHead, ResponsePart,
};
use protocol::link::frame::CHUNK_BYTES_MAX;

use bytes::{Bytes, BytesMut};

use super::timers::Timer;
use super::{Actor, Leave};
use crate::events::{Event, RuntimeAnswer};
use crate::processes::Command;
use crate::variables::Variables;
use crate::{clock, code};

/// Content type of an error that the platform makes.
const JSON: &str = "application/json";

impl Actor {
    /// Carries out one effect; returns what follows from it.
    pub(super) fn carry_out(&mut self, effect: Effect) -> Vec<Effect> {
        match effect {
            Effect::Prepare => self.prepare(),
            Effect::StartRuntime(phase) => return self.start_runtime(phase),
            Effect::InitDone { phase, outcome } => self.init_done(phase, &outcome),
            Effect::Begin => self.begin(),
            Effect::HandOver => self.hand_over(),
            Effect::Fail(failure) => self.fail(&failure),
            Effect::FailInit(error) => {
                let function_error =
                    FunctionError { cause: FunctionErrorCause::Init, error_type: error.error_type };
                self.answer(Some(function_error), error.content_type, vec![error.body.into()]);
            }
            Effect::EndProcesses => self.end_processes(),
            Effect::Finish(ending) => self.finish(ending),
            Effect::Released => self.offer(),
            Effect::Drained => {
                if self.leaving == Some(Leave::WhenDrained) {
                    self.leaving = Some(Leave::Now);
                }
            }
        }
        Vec::new()
    }

    fn prepare(&mut self) {
        let Some(assigned) = &mut self.assigned else { return };
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
    }

    fn start_runtime(&mut self, phase: InitPhase) -> Vec<Effect> {
        self.init.started = Some(clock::now());
        self.memory.reset();
        match self.try_start() {
            Ok(pid) => {
                self.runtime.pid = Some(pid);
                if phase == InitPhase::Init {
                    self.timers.set(Timer::Deadline, clock::now() + self.settings.init_limit);
                }
                self.watch_limits();
                Vec::new()
            }
            Err(failure) => self.environment.runtime_ended(Exit::NotStarted(failure)),
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
        let variables = Variables {
            assignment,
            runtime_api: &self.runtime_api.to_string(),
            task_root: &self.settings.task_root,
            day: assigned.day,
        };
        let output = self.logs.writer().map_err(|error| StartFailure {
            error_type: "Runtime.InvalidTaskConfig",
            message: format!("no pipe: {error}"),
        })?;
        let command = Command {
            words: assignment.command.clone(),
            directory: assignment.working_directory.clone().into(),
            variables: variables.all(std::env::vars_os()),
            output,
        };
        self.processes.start(&command)
    }

    fn init_done(&mut self, phase: InitPhase, outcome: &InitOutcome) {
        let duration_ms = self.init.started.take().map_or(0.0, |started| clock::millis(started.elapsed()));
        if phase == InitPhase::Init {
            self.timers.clear(Timer::Deadline);
        }
        self.timers.clear(Timer::InitErrorGrace);
        self.logs.drain();
        self.say_why_init_failed(outcome);
        if let Some(line) = log_lines::init_report(phase, duration_ms, &outcome.ending()) {
            self.logs.platform(&line);
        }
        let succeeded = *outcome == InitOutcome::Succeeded;
        self.init.unreported_ms = (succeeded && phase == InitPhase::Init).then_some(duration_ms);
        self.init.result = Some(match outcome {
            InitOutcome::Succeeded => InitResult::Succeeded { duration_ms },
            InitOutcome::Exceeded(Failure::TimedOut { .. }) => InitResult::TimedOut,
            InitOutcome::Exceeded(failure) => failed(failure.error_type(), &Exit::OutOfMemory.to_string()),
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

    fn begin(&mut self) {
        let Some(invocation) = &mut self.invocation else { return };
        invocation.init_ms = self.init.unreported_ms.take();
        let version = self
            .assigned
            .as_ref()
            .map_or("$LATEST", |assigned| assigned.assignment.revision.version.as_str());
        self.logs.platform(&log_lines::start(invocation.invoke.request_id, version));
        self.watch_limits();
    }

    fn hand_over(&mut self) {
        if let (Some(reply), Some(invocation)) = (self.parked.take(), &mut self.invocation) {
            // A runtime whose connection broke asks again.
            drop(reply.send(Ok(invocation.event())));
        }
    }

    fn fail(&mut self, failure: &Failure) {
        let Some(invocation) = &self.invocation else { return };
        let request = invocation.invoke.request_id;
        self.logs.drain();
        if let Some(lines) = failure.log_lines(request, &clock::iso(clock::epoch_millis())) {
            self.logs.platform(&lines);
        }
        let cause = match failure {
            Failure::TimedOut { .. } => FunctionErrorCause::TimedOut,
            Failure::Exited(Exit::NotStarted(_)) => FunctionErrorCause::Init,
            _ => FunctionErrorCause::Crashed,
        };
        let error_type = failure.error_type().to_owned();
        let payload = Bytes::from(failure.payload(request));
        self.answer(Some(FunctionError { cause, error_type }), JSON.to_owned(), vec![payload]);
    }

    /// The runtime's own answer.
    pub(super) fn forward(&mut self, answer: RuntimeAnswer) {
        let error = answer
            .error_type
            .map(|error_type| FunctionError { cause: FunctionErrorCause::Handler, error_type });
        self.answer(error, answer.content_type, answer.body);
    }

    fn answer(&mut self, function_error: Option<FunctionError>, content_type: String, body: Vec<Bytes>) {
        let Some(invocation) = &mut self.invocation else { return };
        invocation.remaining_ms = invocation.remaining().as_millis();
        let (link, attempt) = (invocation.link, invocation.invoke.attempt);
        let mut head = Some(ResponseHead { function_error, content_type });
        let mut parts = parts_of(body).into_iter().peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            let message = FromEnvironment::Response(ResponsePart { attempt, last, head: head.take() });
            self.peers.send(link, message, part);
        }
    }

    fn finish(&mut self, ending: Ending) {
        let Some(invocation) = self.invocation.take() else { return };
        self.timers.clear(Timer::Deadline);
        self.timers.clear(Timer::Sample);
        self.invocations += 1;
        self.logs.drain();
        let (max_memory_used_mb, memory_mb) = self.memory_report();
        let request = invocation.invoke.request_id;
        let duration_ms = clock::millis(invocation.duration());
        let line = ReportLine {
            request,
            duration_ms,
            init_ms: invocation.init_ms,
            memory_mb,
            max_memory_used_mb,
            ending,
        };
        self.logs.platform(&log_lines::end(request));
        self.logs.platform(&line.to_line());
        let report = Report {
            duration_ms,
            billed_duration_ms: line.billed_ms(),
            max_memory_used_mb,
            init_duration_ms: invocation.init_ms,
            remaining_ms: invocation.remaining_ms,
        };
        let tail = if invocation.invoke.wants_log_tail {
            Bytes::from(self.logs.take_tail())
        } else {
            self.logs.clear_tail();
            Bytes::new()
        };
        let finished = FromEnvironment::Finished { attempt: invocation.invoke.attempt, report };
        self.peers.send(invocation.link, finished, tail);
    }

    /// The environment can take an invocation: the longest waiter's first.
    pub(super) fn offer(&mut self) {
        if !matches!(self.environment.state(), domain::environment::State::Idle(_)) {
            return;
        }
        self.timers.clear(Timer::Sample);
        let now_ms = self.now_ms();
        if let Some(peer) = self.grants.grant(now_ms) {
            self.peers.tell(peer, FromEnvironment::Granted);
            let until = self.grants.ends_at_ms().unwrap_or(now_ms);
            self.timers.set(Timer::Grant, self.started + std::time::Duration::from_millis(until));
        }
        let freeze = self.assigned.as_ref().is_some_and(|assigned| assigned.assignment.idle == Idle::Freeze);
        if freeze && self.runtime.pid.is_some() && !self.timers.is_set(Timer::Freeze) {
            self.timers.set(Timer::Freeze, clock::now() + self.settings.idle_grace);
        }
    }

    pub(super) fn grant_ended(&mut self) {
        self.grants.end();
        self.offer();
    }

    pub(super) fn freeze(&mut self) {
        self.processes.stop();
        self.frozen = true;
    }

    pub(super) fn thaw(&mut self) {
        if self.frozen {
            self.processes.resume();
            self.frozen = false;
        }
    }
}

fn failed(error_type: &str, message: &str) -> InitResult {
    InitResult::Failed { error_type: error_type.to_owned(), message: message.to_owned() }
}

/// A body in parts of at most [`CHUNK_BYTES_MAX`]; an empty one is one empty part.
///
/// Each piece is let go of as soon as it is copied, so the body is never there twice.
fn parts_of(body: Vec<Bytes>) -> Vec<Bytes> {
    let (mut parts, mut part) = (Vec::new(), BytesMut::new());
    if let [only] = body.as_slice()
        && only.len() <= CHUNK_BYTES_MAX
    {
        return body;
    }
    for mut piece in body {
        while !piece.is_empty() {
            let room = CHUNK_BYTES_MAX - part.len();
            part.extend_from_slice(&piece.split_to(room.min(piece.len())));
            if part.len() == CHUNK_BYTES_MAX {
                parts.push(std::mem::take(&mut part).freeze());
            }
        }
    }
    if !part.is_empty() || parts.is_empty() {
        parts.push(part.freeze());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_cut_at_the_bound_and_nowhere_else() {
        for (pieces, expected) in [
            (vec![], vec![0]),
            (vec![0], vec![0]),
            (vec![5], vec![5]),
            (vec![CHUNK_BYTES_MAX], vec![CHUNK_BYTES_MAX]),
            (vec![CHUNK_BYTES_MAX + 1], vec![CHUNK_BYTES_MAX, 1]),
            (vec![CHUNK_BYTES_MAX, 3, 4], vec![CHUNK_BYTES_MAX, 7]),
        ] {
            let body = pieces.iter().map(|length| Bytes::from(vec![b'x'; *length])).collect();
            let lengths: Vec<usize> = parts_of(body).iter().map(Bytes::len).collect();
            assert_eq!(lengths, expected, "{pieces:?}");
        }
    }
}
