//! The transition table: how an environment came to be where it is, an input, and what follows.

mod init;

use super::*;
use crate::failure::StartFailure;
use crate::{AttemptId, RequestId};

const TIME: Limit = Limit::Time { millis: 1_000 };

fn attempt(number: u8) -> Attempt {
    Attempt {
        request: RequestId::from_random_bytes([number; 16]),
        id: AttemptId::from_random_bytes([number; 16]),
    }
}

fn init_error() -> InitError {
    InitError {
        error_type: "Runtime.X".into(),
        body: b"{}".to_vec(),
        content_type: "application/json".into(),
    }
}

fn generic() -> Environment {
    Environment::default()
}

fn in_init() -> Environment {
    let mut environment = generic();
    assert_eq!(environment.assign(), Ok(vec![Effect::Prepare]));
    assert_eq!(environment.prepared(), [Effect::StartRuntime(InitPhase::Init)]);
    environment
}

fn ready() -> Environment {
    let mut environment = in_init();
    let done = Effect::InitDone { phase: InitPhase::Init, outcome: InitOutcome::Succeeded };
    assert_eq!(environment.next_called(), Ok(vec![done, Effect::Released]));
    environment
}

fn invoking() -> Environment {
    let mut environment = ready();
    assert_eq!(environment.invoke(attempt(1)), Ok(vec![Effect::Begin, Effect::HandOver]));
    environment
}

fn answered() -> Environment {
    let mut environment = invoking();
    environment.answer_begun(attempt(1).request, None).unwrap();
    environment.answer_completed(attempt(1).request).unwrap();
    environment
}

fn absent() -> Environment {
    let mut environment = in_init();
    environment.runtime_ended(Exit::Status(1));
    assert_eq!(environment.state(), &State::Idle(Runtime::Absent));
    environment
}

fn in_inline_init() -> Environment {
    let mut environment = absent();
    assert_eq!(environment.invoke(attempt(1)), Ok(vec![Effect::StartRuntime(InitPhase::Invoke)]));
    environment
}

fn timed_out() -> Environment {
    let mut environment = invoking();
    let failure = TIME.failure();
    assert_eq!(environment.limit_passed(&TIME), [Effect::EndProcesses, Effect::Fail(failure)]);
    environment
}

#[test]
fn only_the_first_assignment_is_taken() {
    for mut environment in [in_init(), ready(), invoking(), answered(), absent(), timed_out()] {
        assert_eq!(environment.assign(), Err(NotAllowed), "{:?}", environment.state());
    }
    let mut drained = generic();
    drained.drain();
    assert_eq!(drained.assign(), Err(NotAllowed));
}

#[test]
fn one_invocation_runs_at_a_time() {
    for (mut environment, refusal) in [
        (generic(), InvokeRefusal::NotReady),
        (in_init(), InvokeRefusal::NotReady),
        (invoking(), InvokeRefusal::Busy),
        (answered(), InvokeRefusal::Busy),
        (in_inline_init(), InvokeRefusal::Busy),
        (timed_out(), InvokeRefusal::Busy),
    ] {
        assert_eq!(environment.invoke(attempt(2)), Err(refusal), "{:?}", environment.state());
    }
}

#[test]
fn an_invocation_ends_when_the_runtime_asks_for_the_next_event() {
    let mut environment = answered();
    let expected = vec![Effect::Finish(Ending::Success), Effect::Released];
    assert_eq!(environment.next_called(), Ok(expected));
    assert_eq!(environment.state(), &State::Idle(Runtime::Ready));
}

#[test]
fn asking_again_gives_the_same_event() {
    let mut environment = invoking();
    assert_eq!(environment.next_called(), Ok(vec![Effect::HandOver]));
    assert_eq!(environment.attempt(), Some(attempt(1)));
}

#[test]
fn a_time_out_ends_the_processes_and_then_the_invocation() {
    let mut environment = timed_out();
    let killed = Exit::Signal { number: 9, core_dumped: false };
    assert_eq!(environment.runtime_ended(killed), [Effect::Finish(Ending::TimedOut), Effect::Released]);
    assert_eq!(environment.state(), &State::Idle(Runtime::Absent));
    assert_eq!(environment.answer_begun(attempt(1).request, None), Err(AnswerRefusal::TimedOut));
}

#[test]
fn a_time_out_after_the_answer_is_reported_and_not_answered_twice() {
    let mut environment = answered();
    assert_eq!(environment.limit_passed(&TIME), [Effect::EndProcesses]);
    let effects = environment.runtime_ended(Exit::Status(0));
    assert_eq!(effects, [Effect::Finish(Ending::TimedOut), Effect::Released]);
}

#[test]
fn an_exit_answers_unless_the_runtime_did() {
    let exit = Exit::Status(3);
    let ending = Ending::Error { error_type: "Runtime.ExitError".into() };
    let finish = Effect::Finish(ending);
    let expected = [Effect::Fail(Failure::Exited(exit.clone())), finish.clone(), Effect::Released];
    assert_eq!(invoking().runtime_ended(exit.clone()), expected);
    assert_eq!(answered().runtime_ended(exit), [finish, Effect::Released]);
}

#[test]
fn only_the_outstanding_attempt_answers_and_only_once() {
    let (current, other) = (attempt(1), attempt(2));
    let mut environment = invoking();
    assert_eq!(environment.answer_begun(other.request, None), Err(AnswerRefusal::UnknownRequest));
    assert_eq!(environment.answer_begun(current.request, Some(other.id)), Err(AnswerRefusal::TimedOut));
    assert_eq!(environment.answer_completed(current.request), Err(AnswerRefusal::NotAllowed));
    assert_eq!(environment.answer_begun(current.request, Some(current.id)), Ok(()));
    assert_eq!(environment.answer_begun(current.request, None), Err(AnswerRefusal::NotAllowed));
    assert_eq!(environment.answer_completed(current.request), Ok(()));
    assert_eq!(environment.answer_begun(current.request, None), Err(AnswerRefusal::NotAllowed));
    environment.next_called().unwrap();
    assert_eq!(environment.answer_begun(current.request, None), Err(AnswerRefusal::UnknownRequest));
    assert_eq!(in_init().answer_begun(current.request, None), Err(AnswerRefusal::NotAllowed));
}

#[test]
fn an_unusable_answer_is_told_once_and_the_runtime_goes_on() {
    let mut environment = invoking();
    environment.answer_begun(attempt(1).request, None).unwrap();
    let effects = environment.answer_unusable(attempt(1).request, Failure::ResponseTooLarge);
    assert_eq!(effects, [Effect::Fail(Failure::ResponseTooLarge)]);
    assert_eq!(environment.answer_begun(attempt(1).request, None), Err(AnswerRefusal::NotAllowed));
    let ending = Ending::Error { error_type: "Function.ResponseSizeTooLarge".into() };
    assert_eq!(environment.next_called(), Ok(vec![Effect::Finish(ending), Effect::Released]));
}

#[test]
fn a_limit_that_passes_while_the_answer_arrives_wins() {
    let mut environment = invoking();
    environment.answer_begun(attempt(1).request, None).unwrap();
    assert_eq!(environment.limit_passed(&TIME).len(), 2);
    assert_eq!(environment.answer_completed(attempt(1).request), Err(AnswerRefusal::TimedOut));
    assert!(environment.answer_unusable(attempt(1).request, Failure::TruncatedResponse).is_empty());
}

#[test]
fn draining_waits_for_the_invocation_that_runs() {
    for mut environment in [generic(), in_init(), ready(), absent()] {
        assert_eq!(environment.drain(), [Effect::EndProcesses, Effect::Drained]);
        assert_eq!(environment.state(), &State::Drained);
        assert_eq!(environment.invoke(attempt(2)), Err(InvokeRefusal::Draining));
        assert!(environment.drain().is_empty());
        assert!(environment.runtime_ended(Exit::Status(0)).is_empty());
        assert_eq!(environment.state(), &State::Drained);
    }
    let mut environment = answered();
    assert!(environment.drain().is_empty());
    assert_eq!(environment.invoke(attempt(2)), Err(InvokeRefusal::Draining));
    let expected = vec![Effect::Finish(Ending::Success), Effect::EndProcesses, Effect::Drained];
    assert_eq!(environment.next_called(), Ok(expected));
}

#[test]
fn a_runtime_that_ends_while_idle_is_started_by_the_next_invocation() {
    let mut environment = ready();
    assert!(environment.runtime_ended(Exit::Status(0)).is_empty());
    assert_eq!(environment.invoke(attempt(1)), Ok(vec![Effect::StartRuntime(InitPhase::Invoke)]));
}

#[test]
fn inputs_that_come_too_late_change_nothing() {
    assert!(ready().limit_passed(&TIME).is_empty());
    assert!(ready().prepared().is_empty());
    assert!(generic().runtime_ended(Exit::Status(0)).is_empty());
    assert_eq!(ready().init_error(init_error()), Err(NotAllowed));
    assert_eq!(generic().next_called(), Err(NotAllowed));
    assert_eq!(timed_out().next_called(), Err(NotAllowed));
}

#[test]
fn parts_are_taken_between_the_beginning_of_an_answer_and_its_end() {
    let mut environment = invoking();
    assert!(!environment.is_receiving(attempt(1).id));
    environment.answer_begun(attempt(1).request, None).unwrap();
    assert!(environment.is_receiving(attempt(1).id) && !environment.is_receiving(attempt(2).id));
    environment.limit_passed(&TIME);
    assert!(!environment.is_receiving(attempt(1).id));
    assert!(!answered().is_receiving(attempt(1).id));
}
