//! The gateway's library as a whole: over HTTP on one side, over the link on the other.
//!
//! Where an environment only has to answer, or has to misbehave, it is a fake that speaks the link; what must be
//! true of real ones is tested with the shim's program.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_debug_implementations,
    missing_docs,
    reason = "a test fails by panicking, and nobody uses its items"
)]

mod configuration;
mod errors;
mod faults;
mod invoke;
mod leaving;
mod metrics;
mod overhead;
mod payload;
mod raw;
mod real_shim;
mod streaming;
mod support;
mod trace_export;
mod traces;
mod waiting;
