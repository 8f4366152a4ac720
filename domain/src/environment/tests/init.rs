//! Init phases that fail, and those that are repeated inside an invocation.

use super::*;

#[test]
fn an_init_phase_may_fail_in_three_ways() {
    let done = |outcome| Effect::InitDone { phase: InitPhase::Init, outcome };
    let exit = Exit::Status(1);
    let effects = in_init().runtime_ended(exit.clone());
    assert_eq!(effects, [done(InitOutcome::Exited(exit.clone())), Effect::Released]);

    let mut environment = in_init();
    environment.init_error(init_error()).unwrap();
    assert_eq!(environment.init_error(init_error()), Err(NotAllowed));
    assert_eq!(environment.next_called(), Err(NotAllowed));
    let effects = environment.runtime_ended(exit.clone());
    assert_eq!(effects, [done(InitOutcome::Reported(init_error())), Effect::Released]);

    let mut environment = in_init();
    let effects = environment.limit_passed(&TIME);
    assert_eq!(effects, [done(InitOutcome::Exceeded(TIME.failure())), Effect::EndProcesses]);
    assert_eq!(environment.runtime_ended(exit), [Effect::Released]);
}

#[test]
fn a_failed_init_phase_is_repeated_inside_the_next_invocation() {
    let done = |outcome| Effect::InitDone { phase: InitPhase::Invoke, outcome };
    let effects = in_inline_init().next_called();
    let expected = vec![done(InitOutcome::Succeeded), Effect::Begin, Effect::HandOver];
    assert_eq!(effects, Ok(expected));

    let mut environment = in_inline_init();
    environment.init_error(init_error()).unwrap();
    let expected = [
        done(InitOutcome::Reported(init_error())),
        Effect::Begin,
        Effect::FailInit(init_error()),
        Effect::Finish(Ending::Error { error_type: "Runtime.X".into() }),
        Effect::Released,
    ];
    assert_eq!(environment.runtime_ended(Exit::Status(1)), expected);

    let failure = StartFailure { error_type: "Runtime.InvalidEntrypoint", message: "no such file".into() };
    let exit = Exit::NotStarted(failure);
    let effects = in_inline_init().runtime_ended(exit.clone());
    assert_eq!(effects[0], done(InitOutcome::Exited(exit.clone())));
    assert_eq!(effects[2], Effect::Fail(Failure::Exited(exit)));

    let mut environment = in_inline_init();
    let failure = TIME.failure();
    let expected = [
        done(InitOutcome::Exceeded(failure.clone())),
        Effect::Begin,
        Effect::EndProcesses,
        Effect::Fail(failure),
    ];
    assert_eq!(environment.limit_passed(&TIME), expected);
    let effects = environment.runtime_ended(Exit::Status(0));
    assert_eq!(effects, [Effect::Finish(Ending::TimedOut), Effect::Released]);
}
