//! Kubelambda's custom resources, as the operator, the gateway and `kubelambda local` read them.
//!
//! The types here are the single source of the custom resource definitions in the chart; a test renders them
//! and compares ([`definitions`]). Doc comments on fields are what `kubectl explain` prints.
//!
//! Architecture invariant: this crate describes objects and never talks to an API server.

#![allow(unreachable_pub, reason = "KubeSchema repeats each struct inside a function")]

pub mod conditions;
pub mod configuration;
pub mod definitions;
pub mod function;
pub mod labels;
pub mod logging;
pub mod pod;
pub mod rules;
pub mod runtime;
pub mod tenancy;
pub mod tracing;

pub use conditions::{Condition, ConditionStatus, Reason};
pub use function::{Function, FunctionSpec, FunctionStatus};
pub use runtime::{Runtime, RuntimeSpec};

/// The API group of every kind.
pub const GROUP: &str = "kubelambda.dev";
/// The version of every kind; it changes only by addition.
pub const VERSION: &str = "v1alpha1";
