//! What is kept for whoever subscribes later, while the init phase lasts.

use protocol::telemetry::{Stream, Types};

use super::event::Event;
use super::subscriber::wants;

/// What is kept, in bytes. What comes beyond it is counted, and told to who subscribes.
pub(super) const HISTORY_BYTES_MAX: usize = 256 * 1024;

/// Events since the init phase began, up to the bound.
#[derive(Debug, Default)]
pub(super) struct History {
    pub events: Vec<Event>,
    bytes: usize,
    /// Of each stream, how many found no room, and their bytes.
    lost: Vec<(Stream, u64, u64)>,
}

impl History {
    /// Keeps an event. After one that found no room none is kept, so that what is told of loss stands at its place.
    pub(super) fn push(&mut self, event: Event) {
        let bytes = event.bytes();
        if self.lost.is_empty() && self.bytes + bytes <= HISTORY_BYTES_MAX {
            self.bytes += bytes;
            self.events.push(event);
        } else {
            self.lose(event.stream(), bytes as u64);
        }
    }

    /// How many events of these streams found no room, and their bytes.
    pub(super) fn lost(&self, types: Types) -> (u64, u64) {
        let lost = self.lost.iter().filter(|(stream, ..)| wants(types, *stream));
        lost.fold((0, 0), |(records, bytes), (_, more, more_bytes)| (records + more, bytes + more_bytes))
    }

    fn lose(&mut self, stream: Stream, bytes: u64) {
        match self.lost.iter_mut().find(|(known, ..)| *known == stream) {
            Some((_, records, sum)) => (*records, *sum) = (*records + 1, *sum + bytes),
            None => self.lost.push((stream, 1, bytes)),
        }
    }
}
