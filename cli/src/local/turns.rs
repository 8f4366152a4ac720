//! Whose turn it is to start: environments that start all at once keep each other from it.
//!
//! A start is an interpreter's, which needs a processor. A hundred of them at once on two take longer, each, than
//! anybody waits; a few at a time come up one after the other, and the first serve those that wait.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Environments that start or are in their init phase at once, for each processor. More than one, since an init phase
/// may wait for the network.
const STARTING_PER_CORE_MAX: usize = 3;

/// Gives turns, in the order in which they are asked for.
#[derive(Debug)]
pub(super) struct Turns(Arc<Semaphore>);

/// A turn, which lasts until this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// As many at once as this machine is good for.
    pub(super) fn of_this_machine() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(cores.saturating_mul(STARTING_PER_CORE_MAX))))
    }

    /// The next turn.
    pub(super) async fn next(&self) -> Turn {
        // None only if somebody closed it, and nobody does.
        Turn { _permit: Arc::clone(&self.0).acquire_owned().await.ok() }
    }

    /// A turn beside all others, for what may stand still: nobody waits for a person at a debugger.
    pub(super) fn beside_all() -> Turn {
        Turn { _permit: None }
    }
}
