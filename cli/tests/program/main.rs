//! `kubelambda` as a program, with AWS's unmodified runtime client for Python from its registry.
//!
//! Every test has a folder, ports and environments of its own. Nothing waits for a fixed time: what is waited for
//! is looked for, within a bound. The client comes into a cache below `target/`, once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    missing_debug_implementations,
    reason = "a test ends by panicking, and says what it knows"
)]

mod debugger;
mod end;
mod events;
mod examples;
mod harness;
mod herd;
mod image;
mod inherited;
mod inside;
mod java;
mod layers;
mod local;
mod node;
mod reload;
mod start;
mod template;
mod traces;
mod typed;
