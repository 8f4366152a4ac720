//! The payload bytes that are in flight in this gateway, and their bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// The bytes in flight. Requests are refused beyond the bound; responses, which belong to invocations that were
/// let in, are only counted.
#[derive(Debug)]
pub(crate) struct PayloadBudget {
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl PayloadBudget {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes: AtomicUsize::new(0), bytes_max })
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

impl PayloadBudget {
    /// The same bytes, counted for as long as anybody has them.
    pub(crate) fn count(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        let mut reservation = self.reservation();
        reservation.add(bytes.len());
        Bytes::from_owner(Counted { bytes, _reservation: reservation })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
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
}
