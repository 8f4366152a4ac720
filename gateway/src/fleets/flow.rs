//! How much of a streamed response its caller has taken: what the environment is told, so that it sends more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

/// The parts of one attempt's response that were taken and not yet told of.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    taken: AtomicU32,
    told: Notify,
}

impl Flow {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// So many parts were taken, or thrown away.
    pub(crate) fn took(&self, parts: u32) {
        self.taken.fetch_add(parts, Ordering::AcqRel);
        self.told.notify_one();
    }

    /// Waits until some were, and returns how many. Dropping the future loses none.
    pub(crate) async fn taken(&self) -> u32 {
        loop {
            match self.taken.swap(0, Ordering::AcqRel) {
                0 => self.told.notified().await,
                parts => return parts,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_taken_is_told_once() {
        let flow = Flow::new();
        flow.took(1);
        flow.took(2);
        assert_eq!(flow.taken().await, 3);
        let waiting = tokio::spawn({
            let flow = Arc::clone(&flow);
            async move { flow.taken().await }
        });
        tokio::task::yield_now().await;
        flow.took(5);
        assert_eq!(waiting.await.unwrap(), 5);
    }
}
