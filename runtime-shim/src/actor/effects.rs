//! What the state machine says is to be done, done.

use domain::environment::Effect;
use domain::log_lines::{Ending, ReportLine};
use protocol::link::environment::{FromEnvironment, FunctionError, FunctionErrorCause, Report};

use bytes::Bytes;

use super::records::sampled_trace;
use super::timeline::{Now, timeline};
use super::timers::Timer;
use super::{Actor, Leave};
use crate::clock;

impl Actor {
    /// Carries out one effect; returns what follows from it.
    pub(super) fn carry_out(&mut self, effect: Effect) -> Vec<Effect> {
        match effect {
            Effect::Prepare => return self.prepare(),
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
            Effect::EndProcesses => {
                self.record_cut_short();
                self.end_processes();
            }
            Effect::Finish(ending) => self.finish(ending),
            Effect::Released => self.offer(),
            Effect::Drained => {
                if self.leaving == Some(Leave::WhenDrained) && !self.is_ending() {
                    self.leaving = Some(Leave::Now);
                }
            }
        }
        Vec::new()
    }

    fn begin(&mut self) {
        let Some(invocation) = &mut self.invocation else { return };
        invocation.init_ms = self.init.unreported_ms.take();
        invocation.init_run = self.init.unreported_run.take();
        invocation.marks.begun = Some(clock::now());
        self.record_start();
        self.watch_limits();
    }

    fn hand_over(&mut self) {
        let Some(invocation) = &mut self.invocation else { return };
        let first = !invocation.handed_over;
        // A runtime whose connection breaks asks again.
        self.waiting.hand_over(&invocation.event());
        if first {
            self.tell_of_invocation();
        }
    }

    fn finish(&mut self, ending: Ending) {
        self.record_runtime_done(&ending);
        let Some(invocation) = self.invocation.take() else { return };
        self.timers.clear(Timer::Deadline);
        self.timers.clear(Timer::Sample);
        self.invocations += 1;
        self.logs.drain();
        // What the function sent before it answered goes before its report, as far as one turn takes it.
        self.take_segments();
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
            trace: sampled_trace(&invocation),
        };
        self.record_report(&invocation, &line);
        let report = Report {
            duration_ms,
            billed_duration_ms: line.billed_ms(),
            max_memory_used_mb,
            init_duration_ms: invocation.init_ms,
            remaining_ms: invocation.remaining_ms,
            timeline: Some(timeline(&invocation, Now::read())),
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
}
