//! Events that wait for one subscriber, and the batches that are made of them.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use protocol::telemetry::{Buffering, Destination, Subscription};

use crate::clock::{self, Instant};
use crate::random;

/// Events that one batch may have beyond its bytes: separators.
const SEPARATOR_BYTES: usize = 1;

/// What a subscriber's task is told.
#[derive(Debug)]
pub(super) enum Item {
    /// An event.
    Event(Bytes),
    /// Send what there is.
    Flush,
}

/// Events that wait, oldest first.
#[derive(Debug)]
pub(super) struct Batches {
    pub buffering: Buffering,
    /// One event a line; otherwise a list.
    lines: bool,
    events: VecDeque<Bytes>,
    bytes: usize,
    /// When what there is goes, full or not.
    pub due: Option<Instant>,
}

impl Batches {
    /// Nothing waits yet.
    pub(super) fn of(subscription: &Subscription) -> Self {
        let lines = matches!(subscription.destination, Destination::Tcp { .. });
        Self { buffering: subscription.buffering, lines, events: VecDeque::new(), bytes: 0, due: None }
    }

    /// Takes what the subscriber's task is told.
    pub(super) fn take(&mut self, item: Item) {
        match item {
            Item::Event(event) => {
                if self.events.is_empty() {
                    let timeout = Duration::from_millis(self.buffering.timeout_millis);
                    self.due = Some(clock::now() + timeout);
                }
                self.bytes += event.len();
                self.events.push_back(event);
            }
            Item::Flush if self.events.is_empty() => {}
            Item::Flush => self.due = Some(clock::now()),
        }
    }

    /// A batch is to go now.
    pub(super) fn is_due(&self) -> bool {
        let Buffering { max_items, max_bytes, .. } = self.buffering;
        let full = self.events.len() >= max_items || self.bytes >= max_bytes;
        !self.events.is_empty() && (full || self.due.is_some_and(|due| due <= clock::now()))
    }

    /// The next batch as it is sent, and how many events are in it; they stay until they are delivered.
    pub(super) fn next(&self) -> (Bytes, usize) {
        let Buffering { max_items, max_bytes, .. } = self.buffering;
        let mut batch = BytesMut::new();
        let mut count = 0;
        for event in self.events.iter().take(max_items) {
            if count > 0 && batch.len() + event.len() + SEPARATOR_BYTES > max_bytes {
                break;
            }
            match (self.lines, count) {
                (false, 0) => batch.put_u8(b'['),
                (false, _) => batch.put_u8(b','),
                (true, _) => {}
            }
            batch.extend_from_slice(event);
            if self.lines {
                batch.put_u8(b'\n');
            }
            count += 1;
        }
        if !self.lines {
            batch.put_u8(b']');
        }
        (batch.freeze(), count)
    }

    /// Forgets the first `count` events; returns their bytes.
    pub(super) fn delivered(&mut self, count: usize) -> usize {
        let bytes = self.events.drain(..count.min(self.events.len())).map(|event| event.len()).sum();
        self.bytes -= bytes;
        if self.events.is_empty() {
            self.due = None;
            self.events.shrink_to(0);
        }
        bytes
    }
}

/// Names of batches: opaque, 32 bytes in base64 as the service writes them. A batch keeps its name when it is sent
/// again, so that a receiver can tell.
#[derive(Debug)]
pub(super) struct BatchIds([u8; 32]);

impl BatchIds {
    pub(super) fn new() -> Self {
        Self(random::bytes())
    }

    /// The next name.
    pub(super) fn next(&mut self) -> String {
        for byte in &mut self.0 {
            let carry;
            (*byte, carry) = byte.overflowing_add(1);
            if !carry {
                break;
            }
        }
        STANDARD_NO_PAD.encode(self.0)
    }
}

#[cfg(test)]
mod tests;
