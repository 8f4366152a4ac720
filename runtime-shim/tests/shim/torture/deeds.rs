//! What is done to an environment, and how it may end: drawn from a seed, so that it can be done again.

use domain::RequestId;
use protocol::link::environment::FunctionErrorCause::{self, Crashed, Init, TimedOut};

use super::random::Random;
use Ending::{Echo, Fails, Handler};

/// Time of an invocation that is to go well, in milliseconds.
pub(super) const PLENTY_MILLIS: u64 = 20_000;
/// Kinds of deeds.
pub(super) const KINDS: u64 = 20;
/// One byte more than a response may have.
const OVERSIZED_BYTES: usize = 6 * 1024 * 1024 + 100 + 1;

/// How an invocation may end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending {
    /// With the answer of the runtime.
    Echo,
    /// With the error of the handler.
    Handler,
    /// With an error of the platform's.
    Fails(FunctionErrorCause, &'static str),
}

const EXITS: Ending = Fails(Crashed, "Runtime.ExitError");
const TIMES_OUT: Ending = Fails(TimedOut, "Sandbox.Timedout");
const TRUNCATED: Ending = Fails(Crashed, "Runtime.TruncatedResponse");

/// What this test itself does to an invocation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Meanwhile {
    Nothing,
    /// Kills the idle runtime just before.
    KillsBefore,
    /// Kills the runtime once it has the event.
    KillsRuntime,
    /// Begins an invocation and is gone, before.
    SendsHalfAFrame,
    /// Invokes a second time, over the same link or another.
    InvokesAgain {
        over_the_same: bool,
    },
    /// Is gone before the answer comes, and back before or after it.
    Leaves {
        back_before: bool,
    },
}

#[derive(Debug)]
pub(super) struct Deed {
    pub(super) words: String,
    pub(super) budget_millis: u64,
    pub(super) meanwhile: Meanwhile,
    pub(super) endings: &'static [Ending],
}

impl Deed {
    pub(super) fn new(words: impl Into<String>, endings: &'static [Ending]) -> Self {
        Self { words: words.into(), budget_millis: PLENTY_MILLIS, meanwhile: Meanwhile::Nothing, endings }
    }

    pub(super) fn within(self, budget_millis: u64) -> Self {
        Self { budget_millis, ..self }
    }

    pub(super) fn while_test(self, meanwhile: Meanwhile) -> Self {
        Self { meanwhile, ..self }
    }

    /// A deed of one of the [`KINDS`]; the seed decides on the rest. `go` is the file for which an event waits, `ended`
    /// the latest invocations that ended by a time-out, and otherwise.
    pub(super) fn draw(random: &mut Random, kind: u64, go: &str, ended: &[Option<RequestId>; 2]) -> Self {
        let brief = 20 + random.below(130);
        match kind {
            0 => Self::new("echo", &[Echo]),
            1 => {
                let length = usize::try_from(random.below(600_000)).unwrap();
                Self::new(format!("echo {}", "x".repeat(length)), &[Echo])
            }
            2 => Self::new("error", &[Handler]),
            3 => Self::new(format!("exit {}", random.below(256)), &[EXITS]),
            4 => Self::new(format!("signal {}", random.one_of(&[6, 9, 11, 15])), &[EXITS]),
            5 => Self::new("answer-exit", &[Echo]),
            6 => Self::new(format!("apart {} {}", 1 + random.below(4), random.below(200)), &[Echo]),
            7 => Self::new(format!("stale {}", 1 + random.below(20)), &[Echo]),
            8 => Self::new(format!("half {}", random.one_of(&["shut", "close", "exit"])), &[TRUNCATED]),
            9 => Self::new("half hang", &[TIMES_OUT]).within(brief),
            10 => Self::new("half-head", &[Echo]),
            11 => {
                let too_large = &[Fails(Crashed, "Function.ResponseSizeTooLarge")];
                Self::new(format!("oversized {OVERSIZED_BYTES}"), too_large)
            }
            12 => {
                let timed_out = random.flip();
                let old = ended[usize::from(!timed_out)];
                let status = if timed_out { 410 } else { 400 };
                let deed = old.map(|old| format!("late {old} {status}"));
                Self::new(deed.unwrap_or_else(|| "echo".into()), &[Echo])
            }
            13 => Self::new("twice", &[Echo]),
            14 => Self::new(format!("hang {}", random.one_of(&["", "busy", "apart"])), &[TIMES_OUT])
                .within(brief),
            // Whichever comes first: the answer or the time-out.
            15 => Self::new(random.one_of(&["echo", "answer-hang"]), &[Echo, TIMES_OUT]).within(brief / 4),
            16 => {
                let exits_or_starts_anew = &[Echo, EXITS, Fails(Init, "Runtime.ExitError"), TIMES_OUT];
                let budget = random.one_of(&[brief, PLENTY_MILLIS]);
                Self::new("echo", exits_or_starts_anew).within(budget).while_test(Meanwhile::KillsBefore)
            }
            17 => Self::new(format!("wait {go}"), &[EXITS]).while_test(Meanwhile::KillsRuntime),
            18 => {
                let meanwhile = Meanwhile::InvokesAgain { over_the_same: random.flip() };
                Self::new(format!("wait {go}"), &[Echo]).while_test(meanwhile)
            }
            _ => {
                let meanwhile = Meanwhile::Leaves { back_before: random.flip() };
                let meanwhile = random.one_of(&[meanwhile, meanwhile, Meanwhile::SendsHalfAFrame]);
                let (words, budget) =
                    random.one_of(&[("wait", PLENTY_MILLIS), ("exit 1", PLENTY_MILLIS), ("hang ", brief)]);
                match meanwhile {
                    Meanwhile::SendsHalfAFrame => Self::new("echo", &[Echo]),
                    _ if words == "wait" => Self::new(format!("wait {go}"), &[Echo]),
                    _ => Self::new(words, &[]).within(budget),
                }
                .while_test(meanwhile)
            }
        }
    }
}
