//! One subscriber's task: collects events into batches and delivers them, to a port of the sandbox.
//!
//! A batch is kept until somebody takes it: a receiver that is stopped between invocations, or that is being
//! started again after a reset, gets it afterwards. One that is not there is tried again and again, with pauses that
//! double up to a bound; one that is there and does not take it, or breaks off, only so often, and then the batch is
//! lost and counted: otherwise it would keep everything after it from being delivered.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::telemetry::Destination;
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::batches::{BatchIds, Batches, Item};
use super::receiver::{Outcome, Receiver};
use super::shared::Shared;
use crate::clock::{self, Instant};

/// First and longest pause before a receiver is tried again, in milliseconds.
const RETRY_MILLIS_MIN: u64 = 50;
const RETRY_MILLIS_MAX: u64 = 1_000;

/// How long a receiver may take to answer while its processes are not stopped, in milliseconds.
const ANSWER_MILLIS_MAX: u64 = 10_000;
/// How often a receiver is sent a batch that it refuses or does not answer.
const ATTEMPTS_MAX: u32 = 8;
/// In how many parts a receiver's time is told, so that what it is stopped in between counts for one at most.
const ANSWER_PARTS: u32 = 10;

/// What is put up with from a receiver.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    answer: Duration,
    attempts: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { answer: Duration::from_millis(ANSWER_MILLIS_MAX), attempts: ATTEMPTS_MAX }
    }
}

/// Runs until the subscription ends.
pub(super) async fn run(
    batches: Batches,
    queue: mpsc::Receiver<Item>,
    shared: Arc<Shared>,
    patience: Patience,
) {
    let receiver = Receiver::default();
    let mut delivery = Delivery { batches, receiver, hang_ups: shared.hang_ups(), shared, queue, patience };
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
    patience: Patience,
}

impl Delivery {
    /// Waits for what comes next: something to collect, or the time of what is.
    async fn collect(&mut self) -> Option<()> {
        tokio::select! {
            biased;
            item = self.queue.recv() => {
                self.follow();
                self.batches.take(item?);
            }
            () = due(self.batches.due) => self.batches.due = Some(clock::now()),
        }
        Some(())
    }

    /// Delivers the next batch, however long that takes, or gives it up.
    async fn deliver(&mut self, id: &str) -> Option<()> {
        let (batch, count) = self.batches.next();
        let (mut pause, mut attempts) = (RETRY_MILLIS_MIN, 0);
        let taken = loop {
            if self.shared.has_ended() {
                return None;
            }
            match self.attempt(&batch, id).await {
                Outcome::Taken => break true,
                Outcome::Refused | Outcome::BrokenOff => attempts += 1,
                Outcome::Unreachable => {}
            }
            if attempts >= self.patience.attempts {
                break false;
            }
            if self.queue.is_closed() {
                return None;
            }
            self.shared.pause(Duration::from_millis(pause)).await;
            pause = (pause * 2).min(RETRY_MILLIS_MAX);
        };
        let bytes = self.batches.delivered(count);
        if !taken {
            self.shared.lose(count, bytes);
        }
        self.shared.let_go(count, bytes);
        Some(())
    }

    /// Goes on as the subscription is now; returns where.
    fn follow(&mut self) -> Destination {
        let hang_ups = self.shared.hang_ups();
        if self.hang_ups != hang_ups {
            (self.receiver, self.hang_ups) = (Receiver::default(), hang_ups);
        }
        let (destination, buffering) = self.shared.target();
        self.batches.buffering = buffering;
        destination
    }

    async fn attempt(&mut self, batch: &Bytes, id: &str) -> Outcome {
        let destination = self.follow();
        let hang_ups = self.hang_ups;
        let answered = tokio::select! {
            outcome = self.receiver.deliver(&destination, batch, id) => Some(outcome),
            () = self.shared.awake_for(self.patience.answer, ANSWER_PARTS) => None,
        };
        let outcome = match answered {
            // It did not break off by itself: the environment's processes stop, or end.
            Some(Outcome::BrokenOff) if self.shared.is_asleep() || self.shared.hang_ups() != hang_ups => {
                Outcome::Unreachable
            }
            Some(outcome) => outcome,
            None => Outcome::Refused,
        };
        if answered.is_none() || matches!(outcome, Outcome::BrokenOff | Outcome::Unreachable) {
            self.receiver = Receiver::default();
        }
        outcome
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
