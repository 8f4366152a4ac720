//! The targets of `protocol/tests/fuzz` under LLVM's fuzzer, which goes on from every input that reaches new code.
//!
//! `KUBELAMBDA_FUZZ_TARGET` names the target; arguments are the fuzzer's, first of all a folder of inputs. A folder
//! that is empty is given the target's seeds.

#![no_main]
#![allow(unreachable_pub, clippy::unwrap_used, clippy::panic, reason = "a broken promise ends the program")]

#[path = "../../tests/fuzz/bodies.rs"]
mod bodies;
#[path = "../../tests/fuzz/calls.rs"]
mod calls;
#[path = "../../tests/fuzz/datagrams.rs"]
mod datagrams;
#[path = "../../tests/fuzz/event_stream.rs"]
mod event_stream;
#[path = "../../tests/fuzz/frames.rs"]
mod frames;
#[path = "../../tests/fuzz/headers.rs"]
mod headers;
#[path = "../../tests/fuzz/mutation.rs"]
#[allow(dead_code, reason = "LLVM's fuzzer mutates by itself")]
mod mutation;
#[path = "../../tests/fuzz/run.rs"]
#[allow(dead_code, reason = "and runs by itself")]
mod run;
#[path = "../../tests/fuzz/targets.rs"]
mod targets;

use std::sync::OnceLock;

use run::Target;

fn target() -> &'static Target {
    static TARGET: OnceLock<Target> = OnceLock::new();
    TARGET.get_or_init(|| targets::named(&std::env::var("KUBELAMBDA_FUZZ_TARGET").unwrap()))
}

libfuzzer_sys::fuzz_target!(
    init: {
        let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap();
        if std::fs::read_dir(&folder).unwrap().next().is_none() {
            for (number, seed) in (target().seeds)().iter().enumerate() {
                std::fs::write(format!("{folder}/seed-{number}"), seed).unwrap();
            }
        }
    },
    |input: &[u8]| {
        (target().check)(input);
    }
);
