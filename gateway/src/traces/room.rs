//! How much may wait for the exporter: over all functions, and of each of them.
//!
//! Of both, what functions send has three quarters at most, so that the platform's own segments still find room
//! where a function tells too much.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_proto::tonic::resource::v1::Resource;

use super::scope::Scope;
use crate::limits;

/// Room for spans that wait.
#[derive(Debug)]
pub(super) struct Room {
    spans_max: usize,
    bytes_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    spans: usize,
    bytes: usize,
    /// Something found no room, and nothing has left since.
    is_full: bool,
}

impl Room {
    /// That of all functions together.
    pub(super) fn of_all() -> Self {
        Self::new(limits::TRACE_QUEUE_SPANS_MAX, limits::TRACE_QUEUE_BYTES_MAX)
    }

    /// That of one function.
    pub(super) fn of_one() -> Self {
        Self::new(limits::TRACE_QUEUE_FUNCTION_SPANS_MAX, limits::TRACE_QUEUE_FUNCTION_BYTES_MAX)
    }

    fn new(spans_max: usize, bytes_max: usize) -> Self {
        Self { spans_max, bytes_max, taken: Mutex::default() }
    }

    /// Counts in what there is room for.
    pub(super) fn take(&self, scope: Scope, spans: usize, bytes: usize) -> bool {
        let most = |bound: usize| match scope {
            Scope::Platform => bound,
            Scope::Document => bound / 4 * 3,
        };
        let mut taken = self.lock();
        let fits = taken.spans + spans <= most(self.spans_max) && taken.bytes + bytes <= most(self.bytes_max);
        if fits {
            taken.spans += spans;
            taken.bytes += bytes;
        } else {
            // Where nothing waits, nothing will leave and say that there is room again.
            taken.is_full = taken.spans > 0;
        }
        fits
    }

    /// Counts out what waits no longer.
    pub(super) fn release(&self, spans: usize, bytes: usize) {
        let mut taken = self.lock();
        taken.spans = taken.spans.saturating_sub(spans);
        taken.bytes = taken.bytes.saturating_sub(bytes);
        taken.is_full = false;
    }

    /// Whether something found no room and nothing has left since: it is not worth reading more.
    pub(super) fn is_full(&self) -> bool {
        self.lock().is_full
    }

    /// How many spans wait.
    pub(super) fn spans(&self) -> usize {
        self.lock().spans
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose spans they are, and that function's room.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) resource: Arc<Resource>,
    pub(super) room: Arc<Room>,
}

impl Owner {
    /// Counts in what there is room for with this function, and over all of them.
    pub(super) fn take(&self, all: &Room, scope: Scope, spans: usize, bytes: usize) -> bool {
        if !self.room.take(scope, spans, bytes) {
            return false;
        }
        let fits = all.take(scope, spans, bytes);
        if !fits {
            self.room.release(spans, bytes);
        }
        fits
    }

    /// Counts out what waits no longer.
    pub(super) fn release(&self, all: &Room, spans: usize, bytes: usize) {
        self.room.release(spans, bytes);
        all.release(spans, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner { resource: Arc::default(), room: Arc::new(Room::of_one()) }
    }

    /// Takes one span after the other until there is no room.
    fn fill(owner: &Owner, all: &Room, scope: Scope) -> usize {
        (0..=limits::TRACE_QUEUE_SPANS_MAX).take_while(|_| owner.take(all, scope, 1, 1)).count()
    }

    #[test]
    fn there_is_room_up_to_both_bounds_and_not_beyond() {
        let (spans, bytes) = (limits::TRACE_QUEUE_SPANS_MAX, limits::TRACE_QUEUE_BYTES_MAX);
        let room = Room::of_all();
        assert!(room.take(Scope::Platform, spans - 1, 1) && room.take(Scope::Platform, 1, 1));
        assert!(!room.take(Scope::Platform, 1, 1), "one span more");
        room.release(spans, 2);
        assert!(!room.take(Scope::Platform, 1, bytes + 1), "one byte more");
        assert!(room.take(Scope::Platform, 1, bytes), "what was refused is not counted");
    }

    #[test]
    fn one_function_leaves_room_to_the_others_and_to_the_platform() {
        let (all, loud) = (Room::of_all(), owner());
        let own = limits::TRACE_QUEUE_FUNCTION_SPANS_MAX;
        assert_eq!(fill(&loud, &all, Scope::Document), own / 4 * 3);
        assert_eq!(fill(&loud, &all, Scope::Platform), own / 4, "its segments");
        assert_eq!(fill(&owner(), &all, Scope::Document), own / 4 * 3, "another function");
        while fill(&owner(), &all, Scope::Document) > 0 {}
        assert_eq!(fill(&owner(), &all, Scope::Platform), limits::TRACE_QUEUE_SPANS_MAX / 4);
    }

    #[test]
    fn it_is_full_from_the_first_that_finds_no_room_until_something_leaves() {
        let (all, loud) = (Room::of_all(), owner());
        let documents = limits::TRACE_QUEUE_FUNCTION_SPANS_MAX / 4 * 3;
        assert!(loud.take(&all, Scope::Document, documents, 1));
        assert!(!loud.room.is_full());
        assert!(!loud.take(&all, Scope::Document, 1, 1));
        assert!(loud.room.is_full() && !all.is_full());
        loud.release(&all, documents, 1);
        assert!(!loud.room.is_full());
        assert!(!loud.take(&all, Scope::Document, documents + 1, 1));
        assert!(!loud.room.is_full(), "too large by itself: others fit");
        assert_eq!(all.spans(), 0);
    }
}
