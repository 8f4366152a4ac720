//! One subscriber's task: collects events into batches and delivers them, to a port of the sandbox.
//!
//! A batch is kept until somebody takes it: a receiver that is stopped between invocations, or that is being
//! started again after a reset, gets it afterwards. A receiver that answers has taken it, whatever it answers. One
//! that is not there is tried again and again, with pauses that double up to a bound.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::batches::{BatchIds, Batches};
use super::receiver::Receiver;
use super::subscriber::Shared;
use crate::clock::{self, Instant};

/// First and longest pause before a receiver that does not answer is tried again, in milliseconds.
const RETRY_MILLIS_MIN: u64 = 50;
const RETRY_MILLIS_MAX: u64 = 1_000;

/// What a subscriber's task is told.
#[derive(Debug)]
pub(super) enum Item {
    /// An event.
    Event(Bytes),
    /// Send what there is.
    Flush,
}

/// Runs until the subscription ends.
pub(super) async fn run(batches: Batches, queue: mpsc::Receiver<Item>, shared: Arc<Shared>) {
    let receiver = Receiver::default();
    let mut delivery = Delivery { batches, receiver, hang_ups: shared.hang_ups(), shared, queue };
    let mut ids = BatchIds::new();
    while delivery.collect().await.is_some() {
        while delivery.batches.is_due() {
            if delivery.deliver(&ids.next()).await.is_none() {
                return;
            }
        }
    }
}

/// One subscriber's task; each step tells by `None` that the subscription has ended.
struct Delivery {
    batches: Batches,
    receiver: Receiver,
    /// How many there had been when the connection to the receiver was made.
    hang_ups: u32,
    queue: mpsc::Receiver<Item>,
    shared: Arc<Shared>,
}

impl Delivery {
    /// Waits for what comes next: something to collect, or the time of what is.
    async fn collect(&mut self) -> Option<()> {
        tokio::select! {
            biased;
            item = self.queue.recv() => self.batches.take(item?),
            () = due(self.batches.due) => self.batches.due = Some(clock::now()),
        }
        Some(())
    }

    /// Delivers the next batch, however long that takes.
    async fn deliver(&mut self, id: &str) -> Option<()> {
        let (batch, count) = self.batches.next();
        let mut pause = RETRY_MILLIS_MIN;
        while !self.attempt(&batch, id).await {
            if self.queue.is_closed() {
                return None;
            }
            tokio::select! {
                () = self.shared.wake.notified() => {}
                () = tokio::time::sleep(Duration::from_millis(pause)) => {}
            }
            pause = (pause * 2).min(RETRY_MILLIS_MAX);
        }
        self.shared.waiting_bytes.fetch_sub(self.batches.delivered(count), Ordering::Relaxed);
        Some(())
    }

    /// True if the receiver has taken the batch.
    async fn attempt(&mut self, batch: &Bytes, id: &str) -> bool {
        let hang_ups = self.shared.hang_ups();
        if self.hang_ups != hang_ups {
            (self.receiver, self.hang_ups) = (Receiver::default(), hang_ups);
        }
        let destination = self.shared.destination();
        let taken = self.receiver.deliver(&destination, batch, id).await.is_ok();
        if !taken {
            self.receiver = Receiver::default();
        }
        taken
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
