//! One subscriber: which events are for it, and whether there is room for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use protocol::telemetry::{Api, Platform, SchemaVersion, Stream, Subscription, Types};
use tokio::sync::mpsc;

use super::delivery::{self, Item};
use crate::clock;

/// What waits for one subscriber at most, in bytes.
pub(super) const BACKLOG_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The same in events.
const BACKLOG_EVENTS_MAX: usize = 20_000;
/// What the event about lost ones needs at most, in bytes.
const LOST_EVENT_BYTES: usize = 512;
/// An event, whom it is for.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub stream: Stream,
    pub audience: Audience,
    pub body: Bytes,
}

/// Which API's subscribers have an event in their schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    Both,
    Telemetry,
    Logs,
    /// The Logs API from its second schema on, and the Telemetry API.
    NotFirstLogs,
}

#[derive(Debug)]
pub(super) struct Subscriber {
    pub name: String,
    pub subscription: Subscription,
    pub items: mpsc::Sender<Item>,
    pub waiting_bytes: Arc<AtomicUsize>,
    /// Records and bytes that found no room, and that it was not told of yet.
    pub dropped: (u64, u64),
}

impl Subscriber {
    /// The extension `name` subscribes: its task runs from here on.
    pub(super) fn start(name: &str, subscription: Subscription) -> Self {
        let (items, queue) = mpsc::channel(BACKLOG_EVENTS_MAX);
        let waiting_bytes = Arc::new(AtomicUsize::new(0));
        drop(tokio::spawn(delivery::run(subscription.clone(), queue, waiting_bytes.clone())));
        Self { name: name.to_owned(), subscription, items, waiting_bytes, dropped: (0, 0) }
    }

    /// Queues an event, if it is one for this subscriber and there is room.
    pub(super) fn offer(&mut self, event: &Event) {
        let Subscription { api, schema, types, .. } = &self.subscription;
        let in_schema = match event.audience {
            Audience::Both => true,
            Audience::Telemetry => *api == Api::Telemetry,
            Audience::Logs => *api == Api::Logs,
            Audience::NotFirstLogs => *schema > SchemaVersion::V20200815,
        };
        if !in_schema || !wants(*types, event.stream) {
            return;
        }
        // Told once there is room for what follows, too; otherwise there would be a telling for each lost event.
        if self.dropped.0 > 0 && self.has_room(event.body.len() + LOST_EVENT_BYTES) {
            let (records, bytes) = self.dropped;
            let lost = Platform::LogsDropped { records, bytes };
            if self.queue(lost.to_json(&clock::iso(clock::epoch_millis())).into()) {
                self.dropped = (0, 0);
            }
        }
        if self.dropped.0 > 0 || !self.queue(event.body.clone()) {
            self.dropped.0 += 1;
            self.dropped.1 += event.body.len() as u64;
        }
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.waiting_bytes.load(Ordering::Relaxed) + bytes <= BACKLOG_BYTES_MAX
    }

    fn queue(&self, body: Bytes) -> bool {
        let length = body.len();
        let queued = self.has_room(length) && self.items.try_send(Item::Event(body)).is_ok();
        if queued {
            self.waiting_bytes.fetch_add(length, Ordering::Relaxed);
        }
        queued
    }
}

pub(super) fn wants(types: Types, stream: Stream) -> bool {
    match stream {
        Stream::Platform => types.platform,
        Stream::Function => types.function,
        Stream::Extension => types.extension,
    }
}
