//! One execution environment: the container's entrypoint, PID 1 of a function's pod.
//!
//! It starts the image's own entrypoint as a child, serves the Runtime API to it, takes invocations over links
//! from gateways and one assignment from the operator, keeps deadlines and limits, and writes the log.
//!
//! ```text
//! links ──frames──▶ actor ◀──calls── runtime_api ◀─HTTP─ runtime
//!                     │ owns domain::environment, the one state
//!                     ├──▶ processes   start, stop, end, reap, measure
//!                     ├──▶ code        lay out what an assignment brings
//!                     ├──▶ logs        the function's lines and the platform's
//!                     └──▶ xray        segments that the function sends, to a gateway
//! ```
//!
//! Architecture invariants: it never talks to the API server, holds no secret that its function could use
//! against others, and has one thread that decides. It depends on `domain` and `protocol` only.

mod actor;
mod allocator;
mod clock;
mod code;
mod diagnostics;
mod entry;
mod events;
mod far_end;
mod inherited;
mod install;
mod libc;
mod links;
mod logs;
mod metadata;
mod processes;
mod random;
mod runtime_api;
mod settings;
mod telemetry;
mod variables;
mod window;
mod xray;

pub use entry::run;
