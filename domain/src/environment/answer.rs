//! Which answers of a runtime are let in: only the outstanding attempt's, once.
//!
//! A request id is not unique (retries keep it), so a runtime that echoes the attempt's id is held to it, and
//! ids of ended attempts are remembered for a while so that a late answer gets the status that clients expect.

use std::collections::VecDeque;

use super::{Answer, Effect, Environment, State, ending_of};
use crate::failure::Failure;
use crate::log_lines::Ending;
use crate::{AttemptId, RequestId};

/// How many ended invocations are remembered. They end one at a time, each with a reset of all processes, so only what
/// escaped a few resets can ask for older ones; and it is memory that an environment never gives back.
const TIMED_OUT_REQUESTS_MAX: usize = 100;

/// Why an answer is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerRefusal {
    /// The id is not that of the outstanding invocation.
    UnknownRequest,
    /// The invocation ended before, or the answer is another attempt's.
    TimedOut,
    /// The invocation has its answer, or none runs.
    NotAllowed,
}

impl Environment {
    /// The runtime begins to post an answer, to the path of `request`, echoing `attempt` if it knows how.
    pub fn answer_begun(
        &mut self,
        request: RequestId,
        attempt: Option<AttemptId>,
    ) -> Result<(), AnswerRefusal> {
        match &mut self.state {
            State::Invoke { attempt: current, answer } if current.request == request => {
                if attempt.is_some_and(|echoed| echoed != current.id) {
                    return Err(AnswerRefusal::TimedOut);
                }
                if *answer != Answer::Awaited {
                    return Err(AnswerRefusal::NotAllowed);
                }
                *answer = Answer::Receiving;
                Ok(())
            }
            _ if self.timed_out.contains(request) => Err(AnswerRefusal::TimedOut),
            State::Invoke { .. } | State::Idle(_) => Err(AnswerRefusal::UnknownRequest),
            _ => Err(AnswerRefusal::NotAllowed),
        }
    }

    /// Whether the answer of this attempt is being posted: what comes of it is the caller's.
    pub fn is_receiving(&self, attempt: AttemptId) -> bool {
        matches!(&self.state, State::Invoke { attempt: of, answer: Answer::Receiving } if of.id == attempt)
    }

    /// The answer that was begun is complete; refused when a limit passed meanwhile.
    pub fn answer_completed(&mut self, request: RequestId) -> Result<(), AnswerRefusal> {
        match &mut self.state {
            State::Invoke { attempt, answer: answer @ Answer::Receiving } if attempt.request == request => {
                *answer = Answer::Given(Ending::Success);
                Ok(())
            }
            _ if self.timed_out.contains(request) => Err(AnswerRefusal::TimedOut),
            _ => Err(AnswerRefusal::NotAllowed),
        }
    }

    /// The answer that was begun cannot be used; the caller is told why.
    pub fn answer_unusable(&mut self, request: RequestId, failure: Failure) -> Vec<Effect> {
        match &mut self.state {
            State::Invoke { attempt, answer: answer @ Answer::Receiving } if attempt.request == request => {
                *answer = Answer::Given(ending_of(&failure));
                vec![Effect::Fail(failure)]
            }
            _ => Vec::new(),
        }
    }
}

/// The invocations that ended before their answer came, latest last.
#[derive(Debug, Default)]
pub(super) struct TimedOutRequests(VecDeque<RequestId>);

impl TimedOutRequests {
    pub(super) fn remember(&mut self, request: RequestId) {
        if self.0.len() == TIMED_OUT_REQUESTS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    fn contains(&self, request: RequestId) -> bool {
        self.0.contains(&request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_ended_invocations_is_bounded() {
        let mut ended = TimedOutRequests::default();
        let id = |number: u64| RequestId::from_random_bytes((u128::from(number) << 80).to_be_bytes());
        (0..=TIMED_OUT_REQUESTS_MAX as u64).for_each(|number| ended.remember(id(number)));
        assert_eq!(ended.0.len(), TIMED_OUT_REQUESTS_MAX);
        assert!(!ended.contains(id(0)));
        assert!(ended.contains(id(1)) && ended.contains(id(TIMED_OUT_REQUESTS_MAX as u64)));
    }
}
