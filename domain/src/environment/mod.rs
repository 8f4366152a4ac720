//! The life of one execution environment, as a state machine.
//!
//! Inputs are methods, what is to be done are [`Effect`]s, in the order in which they are to be done. Nothing
//! here knows processes, clocks or connections, so each transition is a line of the table in the tests.
//!
//! ```text
//! Generic ─assign→ Preparing ─prepared→ Init ─next→ Idle(Ready) ⇄ Invoke
//!                                        │ error,       │              │ exit, limit
//!                                        ▼ time-out     ▼ exit         ▼
//!                                      Reset ───────→ Idle(Absent) ← Reset
//!                                                       │ invoke
//!                                                       ▼
//!                                                     InlineInit ─next→ Invoke
//! ```
//!
//! A runtime's end is an input only once all its processes are gone and what they had sent is read; so an answer
//! that was posted right before an exit always comes first.

mod answer;
mod effect;
mod state;
#[cfg(test)]
mod tests;

pub use answer::AnswerRefusal;
use answer::TimedOutRequests;
pub use effect::{Effect, InitOutcome, InvokeRefusal, NotAllowed};
use effect::{ended_after_the_answer, ending_of, init_done, inline_init_failed};
pub use state::{Answer, Attempt, InitError, Limit, Runtime, State};

use crate::failure::{Exit, Failure};
use crate::log_lines::{Ending, InitPhase};

/// One execution environment.
#[derive(Debug)]
pub struct Environment {
    state: State,
    draining: bool,
    timed_out: TimedOutRequests,
}

impl Default for Environment {
    fn default() -> Self {
        Self { state: State::Generic, draining: false, timed_out: TimedOutRequests::default() }
    }
}

impl Environment {
    /// Where it is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// It was told to take no further invocation.
    pub fn is_draining(&self) -> bool {
        self.draining
    }

    /// The invocation that runs.
    pub fn attempt(&self) -> Option<Attempt> {
        self.state.attempt()
    }

    /// An assignment arrives; only the first is taken.
    pub fn assign(&mut self) -> Result<Vec<Effect>, NotAllowed> {
        if self.state != State::Generic || self.draining {
            return Err(NotAllowed);
        }
        self.state = State::Preparing;
        Ok(vec![Effect::Prepare])
    }

    /// The code is in place, or never will be; a failure shows when the runtime is started.
    pub fn prepared(&mut self) -> Vec<Effect> {
        if self.state != State::Preparing {
            return Vec::new();
        }
        self.state = State::Init { error: None };
        vec![Effect::StartRuntime(InitPhase::Init)]
    }

    /// A gateway wants an invocation to run.
    pub fn invoke(&mut self, attempt: Attempt) -> Result<Vec<Effect>, InvokeRefusal> {
        if self.draining {
            return Err(InvokeRefusal::Draining);
        }
        match self.state {
            State::Idle(Runtime::Ready) => {
                self.state = State::Invoke { attempt, answer: Answer::Awaited };
                Ok(vec![Effect::Begin, Effect::HandOver])
            }
            State::Idle(Runtime::Absent) => {
                self.state = State::InlineInit { attempt, error: None };
                Ok(vec![Effect::StartRuntime(InitPhase::Invoke)])
            }
            State::Generic | State::Preparing | State::Init { .. } => Err(InvokeRefusal::NotReady),
            State::Drained => Err(InvokeRefusal::Draining),
            State::Invoke { .. } | State::InlineInit { .. } | State::Reset { .. } => Err(InvokeRefusal::Busy),
        }
    }

    /// The runtime asks for the next event. Its connection is kept until [`Effect::HandOver`].
    pub fn next_called(&mut self) -> Result<Vec<Effect>, NotAllowed> {
        match &self.state {
            State::Init { error: None } => {
                self.state = State::Idle(Runtime::Ready);
                Ok(self.idle(init_done(InitPhase::Init, InitOutcome::Succeeded)))
            }
            State::InlineInit { attempt, error: None } => {
                self.state = State::Invoke { attempt: *attempt, answer: Answer::Awaited };
                let mut effects = init_done(InitPhase::Invoke, InitOutcome::Succeeded);
                effects.extend([Effect::Begin, Effect::HandOver]);
                Ok(effects)
            }
            State::Invoke { answer: Answer::Awaited, .. } => Ok(vec![Effect::HandOver]),
            State::Invoke { answer: Answer::Given(ending), .. } => {
                let finish = vec![Effect::Finish(ending.clone())];
                self.state = State::Idle(Runtime::Ready);
                Ok(self.idle(finish))
            }
            State::Idle(Runtime::Ready) => Ok(Vec::new()),
            _ => Err(NotAllowed),
        }
    }

    /// The runtime's next call of `next` ends the init phase, or the invocation.
    pub fn next_ends_a_phase(&self) -> bool {
        matches!(
            self.state,
            State::Init { error: None }
                | State::InlineInit { error: None, .. }
                | State::Invoke { answer: Answer::Given(_), .. }
        )
    }

    /// The runtime tells of an error of its init phase. It is given a moment to exit by itself.
    pub fn init_error(&mut self, told: InitError) -> Result<(), NotAllowed> {
        match &mut self.state {
            State::Init { error: error @ None } | State::InlineInit { error: error @ None, .. } => {
                *error = Some(told);
                Ok(())
            }
            _ => Err(NotAllowed),
        }
    }

    /// A limit passed while the init phase or an invocation ran.
    pub fn limit_passed(&mut self, limit: &Limit) -> Vec<Effect> {
        match &mut self.state {
            State::Init { .. } => {
                self.state = State::Reset { attempt: None, ending: ending_of(&limit.failure()) };
                let mut effects = init_done(InitPhase::Init, InitOutcome::Exceeded(limit.failure()));
                effects.push(Effect::EndProcesses);
                effects
            }
            State::InlineInit { attempt, .. } => {
                let attempt = *attempt;
                let failure = limit.failure();
                let mut effects = init_done(InitPhase::Invoke, InitOutcome::Exceeded(failure.clone()));
                effects.extend([Effect::Begin, Effect::EndProcesses, Effect::Fail(failure.clone())]);
                self.reset(attempt, ending_of(&failure));
                effects
            }
            State::Invoke { attempt, answer } => {
                let attempt = *attempt;
                let failure = limit.failure();
                let answered = matches!(answer, Answer::Given(_));
                self.reset(attempt, ending_of(&failure));
                if answered {
                    return vec![Effect::EndProcesses];
                }
                // The processes first: a busy loop must not go on while the answer is written.
                vec![Effect::EndProcesses, Effect::Fail(failure)]
            }
            _ => Vec::new(),
        }
    }

    /// The runtime ended, all processes are gone, and everything that they sent is read.
    pub fn runtime_ended(&mut self, exit: Exit) -> Vec<Effect> {
        let state = std::mem::replace(&mut self.state, State::Idle(Runtime::Absent));
        match state {
            State::Init { error } => {
                let outcome = error.map_or(InitOutcome::Exited(exit), InitOutcome::Reported);
                self.idle(init_done(InitPhase::Init, outcome))
            }
            State::InlineInit { error, .. } => {
                let effects = inline_init_failed(error, exit);
                self.idle(effects)
            }
            State::Invoke { answer: Answer::Given(ending), .. } => {
                self.idle(vec![Effect::Finish(ended_after_the_answer(ending, exit))])
            }
            State::Invoke { .. } => {
                let failure = Failure::Exited(exit);
                let ending = ending_of(&failure);
                self.idle(vec![Effect::Fail(failure), Effect::Finish(ending)])
            }
            State::Reset { attempt, ending } => {
                self.idle(attempt.map(|_| Effect::Finish(ending)).into_iter().collect())
            }
            State::Idle(_) => Vec::new(),
            State::Generic | State::Preparing | State::Drained => {
                self.state = state;
                Vec::new()
            }
        }
    }

    /// No further invocation is to be taken. One that runs goes on.
    pub fn drain(&mut self) -> Vec<Effect> {
        if self.draining {
            return Vec::new();
        }
        self.draining = true;
        if self.state.attempt().is_some() {
            return Vec::new();
        }
        self.state = State::Drained;
        vec![Effect::EndProcesses, Effect::Drained]
    }

    /// The state is idle after `effects`: ready for an invocation, or the end.
    fn idle(&mut self, mut effects: Vec<Effect>) -> Vec<Effect> {
        if self.draining {
            self.state = State::Drained;
            effects.extend([Effect::EndProcesses, Effect::Drained]);
        } else {
            effects.push(Effect::Released);
        }
        effects
    }

    fn reset(&mut self, attempt: Attempt, ending: Ending) {
        self.timed_out.remember(attempt.request);
        self.state = State::Reset { attempt: Some(attempt), ending };
    }
}
