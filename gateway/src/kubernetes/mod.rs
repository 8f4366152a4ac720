//! The cluster's side of both seams: watches of the API server, and links with the operator.
//!
//! Watches run beside requests, never for one: while the API server is away, the last snapshot stands and what
//! is warm goes on serving.
//!
//! What the gateway's service account may do: list and watch `functions` and `runtimes` of `kubelambda.dev`,
//! `namespaces` and `pods`; get the Secret `kubelambda-link-key` in its own namespace.

mod catalog;
mod declared;
mod link_key;
mod objects;
mod operator;
mod operator_link;
mod pods;
mod watching;

pub use catalog::KubernetesCatalog;
pub use link_key::{NoLinkKey, await_link_key, read_link_key};
pub use operator::OperatorProvider;
