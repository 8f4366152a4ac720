//! Fleets: for each function its environments and invocations, each under a lock of its own.
//!
//! [`FunctionFleet`] carries out what `domain::placement` decides. A fleet is found by the function's uid and
//! version, so it outlives every catalog, and an environment may come before the catalog knows its function.

mod flight;
mod flow;
mod function_fleet;
mod refusal;
mod registry;
mod state;

pub(crate) use flight::{Ended, Flight, Order, Payload, Progress};
pub(crate) use flow::Flow;
pub(crate) use function_fleet::{FunctionFleet, Ticket};
pub(crate) use refusal::{Blocked, NotAdmitted};
pub(crate) use registry::Fleets;
