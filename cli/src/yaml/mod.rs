//! YAML as Kubernetes and SAM read it, with the line of every value.
//!
//! `kubectl` and SAM both read YAML 1.1, in which a bare `no` is a boolean; a reader of YAML 1.2 would accept
//! manifests here that a cluster refuses. So scalars are told apart in [`scalar`], from the parser's events.
//! JSON is YAML, so this reads it too.
//!
//! What it never does: decide what a value means. CloudFormation's tags stay on the [`Node`]s.

mod node;
mod scalar;
mod write;

pub(crate) use node::{Content, Node, read};
pub(crate) use write::write;
