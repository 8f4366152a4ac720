//! The gateway: the Lambda API, request ids, admission, placement, waiting and metrics.
//!
//! ```text
//! CatalogSource ──▶ catalog ─┐                              ┌─ environments ◀── EnvironmentProvider
//!                            ▼                              ▼        ▲
//!   api (three lines) ──▶ invocation ──▶ fleets (admission, placement, waiting)
//!                                           └──▶ demand ────────────┘
//! ```
//!
//! Two seams keep everything else free of Kubernetes: a [`CatalogSource`](catalog::CatalogSource) yields what
//! exists, and an [`EnvironmentProvider`](environments::EnvironmentProvider) turns demand into environments.
//! Nothing above a seam knows which side it is on.
//!
//! Architecture invariants: no request waits for the API server or for another function's lock; a function
//! that is slow keeps nobody else waiting. Every wait, queue, body and connection has a bound, in [`limits`].

pub mod answer;
pub mod api;
pub mod catalog;
pub mod chance;
mod demand;
pub mod environments;
mod fleets;
mod gateway;
pub mod invocation;
pub mod kubernetes;
pub mod limits;
mod listener;
pub mod metrics;
mod options;
mod payload_budget;
pub mod settings;
mod sockets;
mod streaming;
pub mod traces;

pub use gateway::Gateway;
pub use options::Options;
