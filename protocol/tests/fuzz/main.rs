//! Every reader of bytes that others write, given bytes that nobody should write.
//!
//! Each target asserts more than that nothing panics: what is read can be written and read again, a reader takes no
//! byte that is not its own, pieces make what the whole makes, and an error says which field is wrong. How long a
//! target runs is bounded; `protocol/fuzz` runs the same targets guided by what code they reach.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test ends by panicking, and says what it knows"
)]

mod bodies;
mod calls;
mod datagrams;
mod event_stream;
mod frames;
mod headers;
mod mutation;
mod run;
mod targets;

macro_rules! fuzzed {
    ($($name:ident),+ $(,)?) => {
        $(#[test] fn $name() { targets::named(stringify!($name)).run(); })+
        /// What the tests above run.
        const RUN: &[&str] = &[$(stringify!($name)),+];
    };
}

fuzzed!(
    runtime_call,
    extension_call,
    error_type,
    registration,
    subscription,
    log_line,
    log_head,
    invoke_headers,
    function_target,
    payload,
    trust_text,
    frame_to_environment,
    frame_from_environment,
    frame_to_operator,
    frame_from_operator,
    handshake_frames,
    event_stream_frames,
    xray_datagram,
    xray_document,
);

#[test]
fn every_target_is_run() {
    // The macro above has the names once more; one that is missing there would never run.
    let mut all: Vec<&str> = targets::ALL.iter().copied().flatten().map(|target| target.name).collect();
    let mut run = RUN.to_vec();
    all.sort_unstable();
    run.sort_unstable();
    assert_eq!(run, all);
}

#[test]
fn a_broken_promise_is_found_and_its_input_repeats_it() {
    let broken = run::Target {
        name: "broken",
        seeds: || vec![b"{\"length\":7}".to_vec()],
        check: |input| {
            assert!(!input.ends_with(b"}}"), "found");
            String::from_utf8_lossy(input)
                .chars()
                .filter(|c| *c == '}')
                .count()
                .min(3)
                .to_string()
                .replace(char::is_numeric, "x")
        },
    };
    let found = std::panic::catch_unwind(|| broken.run());
    assert!(found.is_err(), "mutation does not even double a brace");
}
