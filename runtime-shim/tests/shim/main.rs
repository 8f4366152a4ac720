//! The shim's real program between real links and real runtimes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "a test ends by panicking, and says what it knows"
)]

mod assignments;
mod defences;
mod ending;
mod endurance;
mod extension_crate;
mod extension_failures;
mod extensions;
mod failures;
mod freezing;
mod harness;
mod init_failures;
mod invocations;
mod known_failures;
mod lifecycle;
mod link;
mod log_volume;
mod logs;
mod pid_one;
mod python_client;
mod reset;
mod runtime_api;
mod shutdown;
mod storage;
mod streaming;
mod telemetry;
mod telemetry_endings;
mod timeline;
mod torture;
mod xray;
