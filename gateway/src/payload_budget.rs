//! The payload bytes that are in flight in this gateway, and their bound.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::limits;

/// The bytes in flight. Requests are refused beyond the bound; responses, which belong to invocations that were
/// let in, are counted part by part and wait for room between their parts.
#[derive(Debug)]
pub(crate) struct PayloadBudget {
    bytes: AtomicUsize,
    bytes_max: usize,
    freed: Notify,
    beyond: Arc<Semaphore>,
}

/// Room for a part of an answer that is still to come.
#[derive(Debug)]
pub(crate) enum Room {
    /// Under the bound, for one part.
    Reserved { _reservation: Reservation },
    /// Beyond it, for a whole answer: one has to go on where all are half-way.
    Beyond { _guard: DropGuard },
}

impl Room {
    pub(crate) fn is_reserved(&self) -> bool {
        matches!(self, Self::Reserved { .. })
    }
}

impl PayloadBudget {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        let (freed, beyond) = (Notify::new(), Arc::new(Semaphore::new(1)));
        Arc::new(Self { bytes: AtomicUsize::new(0), bytes_max, freed, beyond })
    }

    /// A reservation of nothing, to grow as bytes arrive.
    pub(crate) fn reservation(self: &Arc<Self>) -> Reservation {
        Reservation { budget: Arc::clone(self), bytes: 0 }
    }

    pub(crate) fn bytes_in_flight(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Bytes that count as in flight for as long as this lives.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<PayloadBudget>,
    bytes: usize,
}

impl Reservation {
    /// Counts `bytes` more, unless that would pass the bound.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let before = self.budget.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > self.budget.bytes_max {
            self.budget.bytes.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }

    /// Counts `bytes` more in any case.
    fn add(&mut self, bytes: usize) {
        self.budget.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
    }
}

/// Bytes that count as in flight until the last of their clones is gone.
struct Counted {
    bytes: Bytes,
    _reservation: Reservation,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Keeps `permit` until the guard is dropped, but only for a while: who pauses holds up nobody for long.
fn held(permit: OwnedSemaphorePermit) -> DropGuard {
    let done = CancellationToken::new();
    let guard = done.clone().drop_guard();
    tokio::spawn(async move {
        drop(timeout(limits::ANSWER_BEYOND_BOUND, done.cancelled()).await);
        drop(permit);
    });
    guard
}

impl PayloadBudget {
    /// Waits until `bytes` are under the bound, or one may pass it.
    pub(crate) async fn room(self: &Arc<Self>, bytes: usize) -> Room {
        loop {
            let mut freed = pin!(self.freed.notified());
            freed.as_mut().enable();
            let mut reservation = self.reservation();
            if reservation.grow(bytes) {
                return Room::Reserved { _reservation: reservation };
            }
            tokio::select! {
                () = freed => {}
                Ok(permit) = Arc::clone(&self.beyond).acquire_owned() => {
                    return Room::Beyond { _guard: held(permit) };
                }
            }
        }
    }

    /// The same bytes, counted for as long as anybody has them.
    pub(crate) fn count(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        let mut reservation = self.reservation();
        reservation.add(bytes.len());
        Bytes::from_owner(Counted { bytes, _reservation: reservation })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
            self.budget.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_bounded_and_everything_is_given_back() {
        let budget = PayloadBudget::new(10);
        let mut one = budget.reservation();
        assert!(one.grow(9));
        assert!(one.grow(1));
        let mut two = budget.reservation();
        assert!(!two.grow(1));
        let counted = budget.count(Bytes::from_static(b"12345"));
        assert_eq!(counted, "12345");
        assert_eq!(budget.bytes_in_flight(), 15);
        drop((one, two, counted));
        assert_eq!(budget.bytes_in_flight(), 0);
    }

    #[tokio::test]
    async fn an_answer_waits_for_room_and_one_at_a_time_may_pass_the_bound() {
        let budget = PayloadBudget::new(10);
        let reserved = budget.room(10).await;
        assert!(reserved.is_reserved());
        let beyond = budget.room(4).await;
        assert!(!beyond.is_reserved());
        let third = tokio::spawn({
            let budget = Arc::clone(&budget);
            async move { budget.room(4).await }
        });
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        drop(reserved);
        assert!(third.await.unwrap().is_reserved());
        drop(beyond);
        assert_eq!(budget.bytes_in_flight(), 0);
    }

    #[tokio::test]
    async fn who_may_pass_the_bound_and_pauses_holds_up_nobody_for_long() {
        let budget = PayloadBudget::new(0);
        let started = std::time::Instant::now();
        let _paused = budget.room(1).await;
        let _next = budget.room(1).await;
        assert!(started.elapsed() >= limits::ANSWER_BEYOND_BOUND);
    }
}
