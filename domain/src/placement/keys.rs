//! What invocations, environments and tenants are told apart by.

use std::sync::Arc;

/// One invocation; a later arrival has a greater key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvocationKey(pub u64);

/// Whose an invocation is, where a function isolates its tenants. Compared, never read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(pub Arc<str>);

/// One link with one environment. A new link is a new key, so what an old link still delivers reaches nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvironmentKey(pub u64);
