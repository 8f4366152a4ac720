//! Which invocation runs in which environment: the fleet of one function, as a state machine.
//!
//! ```text
//! invocation   arrive ─▶ Waiting ─▶ Sent ─▶ Accepted ─▶ Answered ─▶ finished
//!                 │         ▲  │      │         └──────────┴─ environment lost ─▶ Lost
//!                 │         │  │      ├─ refused, or lost before hand-over: waits again, in its old place
//!                 │         └──┼──────┘
//!                 │            └─ cancelled, obstructed, closed
//!                 └─ throttled: disabled, at the cap, too many waiting
//! ```
//!
//! Rules:
//! - An environment has at most one of our invocations, and an invocation at most one environment.
//! - Who waits is served in the order of arrival; who is refused keeps the place of its arrival.
//! - Of free environments the one that was used last is taken, so that the others age and can go.
//! - Only environments of the current revision are taken. Waiters belong to no revision, so an update moves
//!   them by itself.
//! - Once an environment has accepted an invocation, that invocation is never placed again.
//! - An environment that has served a tenant serves no other. Who waits for a tenant is served before older ones
//!   where only an environment of that tenant is free.
//!
//! Everything here is decided from what an environment said last, which may be out of date: another gateway may
//! have taken it meanwhile. That costs a refusal and nothing else, since the environment itself enforces that
//! it runs one invocation at a time.

mod environment;
mod fleet;
mod free;
mod keys;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod transitions;
mod verdict;
mod views;

pub use environment::Reported;
pub use fleet::Fleet;
pub use keys::{EnvironmentKey, InvocationKey, Tenant};
pub use verdict::{Bounds, Effect, Throttled};
pub use views::{Census, RevisionDemand};
