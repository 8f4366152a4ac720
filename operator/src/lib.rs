//! The operator: turns Functions into pods and assignments, and tells gateways where environments are.
//!
//! ```text
//! watches, links ──Input──▶ core (decides) ──Effect──▶ API server, links, registries
//! ```
//!
//! One task owns all state and decides ([`core`]); what it wants done is carried out elsewhere and comes back
//! as an observation. So there is no lock, and every decision can be tested as a value.
//!
//! Architecture invariants: the operator is the only creator and deleter of pods of functions; it never sees a
//! payload; only the replica that leads changes anything.

pub mod actor;
pub mod cluster;
pub mod core;
pub mod function;
pub mod http;
pub mod image;
pub mod leadership;
pub mod link;
pub mod metrics;
pub mod moment;
pub mod pod;
pub mod run;
pub mod settings;
