//! The API server: what is watched there and what is written.
//!
//! Architecture invariant: nothing here decides anything; it turns objects into observations and effects into
//! requests.

pub mod link_key;
pub mod watches;
pub mod writes;

/// The name under which this program owns fields.
pub const FIELD_MANAGER: &str = "kubelambda-operator";
