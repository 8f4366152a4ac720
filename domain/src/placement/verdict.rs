//! What a fleet may take on, and what it says is to be done.

use super::keys::{EnvironmentKey, InvocationKey};

/// How much a fleet may take on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Most invocations at once, running and waiting, in all environments that are known.
    pub environments_max: usize,
    /// Most invocations that wait here.
    pub waiting_max: usize,
}

/// Why an invocation was not taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Throttled {
    /// The function has no concurrency at all.
    Disabled,
    /// The function is at its cap.
    AtCap,
    /// Too many wait.
    TooManyWaiting,
    /// There is no environment, and none can start.
    Obstructed,
    /// The function is gone.
    Closed,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Send the invocation to the environment.
    Place(InvocationKey, EnvironmentKey),
    /// Tell the caller that the environment was lost and the invocation may have run.
    Lost(InvocationKey),
    /// Tell the caller that no environment can start.
    Obstruct(InvocationKey),
    /// Tell the caller that the function is gone.
    Close(InvocationKey),
}
