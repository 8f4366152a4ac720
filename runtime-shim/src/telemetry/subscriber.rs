//! One subscription: which events are for it, and whether there is room for them.

use std::sync::Arc;

use bytes::Bytes;
use protocol::telemetry::{Platform, Stream, Subscription, Types};
use tokio::sync::mpsc;

use super::batches::{Batches, Item};
use super::delivery::{self, Patience};
use super::event::Event;
use super::shared::Shared;
use crate::clock;
use crate::diagnostics::say;

/// What waits for one subscriber at most, in bytes; a batch on its way is a copy of up to `maxBytes` of it.
pub(super) const BACKLOG_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The same in events.
const BACKLOG_EVENTS_MAX: usize = 20_000;
/// What the event about lost ones needs at most, in bytes.
const LOST_EVENT_BYTES: usize = 512;

/// One subscription of one extension.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub name: String,
    pub subscription: Subscription,
    /// In which of the environment's lives it was asked for last.
    pub life: u32,
    items: mpsc::Sender<Item>,
    shared: Arc<Shared>,
    /// Records and bytes that found no room, and that it was not told of yet.
    pub dropped: (u64, u64),
}

impl Subscriber {
    /// The extension `name` subscribes: its task runs from here on.
    pub(super) fn start(name: &str, subscription: Subscription, life: u32) -> Self {
        let (items, queue) = mpsc::channel(BACKLOG_EVENTS_MAX);
        let shared = Arc::new(Shared::new(&subscription));
        let task = delivery::run(Batches::of(&subscription), queue, shared.clone(), Patience::default());
        drop(tokio::spawn(task));
        Self { name: name.to_owned(), subscription, life, items, shared, dropped: (0, 0) }
    }

    /// The extension `name` subscribes in `life` in the form of this one of an earlier life: the events that wait, and
    /// what comes, are to go there. What it subscribes to does not matter: it may be about to add to it.
    pub(super) fn is_taken_up_by(&self, name: &str, subscription: &Subscription, life: u32) -> bool {
        let Subscription { api, schema, types: _, buffering: _, destination } = subscription;
        let own = &self.subscription;
        let same_protocol = std::mem::discriminant(&own.destination) == std::mem::discriminant(destination);
        self.life < life && self.name == name && same_protocol && (own.api, own.schema) == (*api, *schema)
    }

    /// Goes on as another subscription.
    pub(super) fn move_to(&mut self, subscription: Subscription, life: u32) {
        self.shared.move_to(&subscription);
        self.subscription = subscription;
        self.life = life;
    }

    /// Ends without delivering what waits. Returns the records and bytes that nobody gets or was told of.
    pub(super) fn end(self) -> (u64, u64) {
        self.shared.end();
        let (waiting, lost) = (self.shared.waiting(), self.shared.take_lost());
        (waiting.0 as u64 + lost.0 + self.dropped.0, waiting.1 as u64 + lost.1 + self.dropped.1)
    }

    /// Queues an event, if it is one for this subscriber and there is room. Returns the records and bytes that it
    /// was told to have lost before.
    pub(super) fn offer(&mut self, event: &Event) -> Option<(u64, u64)> {
        if !wants(self.subscription.types, event.stream()) {
            return None;
        }
        let body = event.body(self.subscription.schema)?;
        let (records, bytes) = self.shared.take_lost();
        self.lose(records, bytes, "its receiver does not take them");
        let told = self.tell_of_loss(body.len());
        if self.dropped.0 > 0 || !self.queue(body.clone()) {
            self.lose(1, body.len() as u64, "it does not keep up");
        }
        told
    }

    /// Counts events of before it subscribed, of which too many came to keep them for it.
    pub(super) fn missed(&mut self, records: u64, bytes: u64) {
        self.lose(records, bytes, "more came before it subscribed than are kept");
    }

    /// Counts events that another subscription of its extension's held when it ended.
    pub(super) fn inherit_loss(&mut self, records: u64, bytes: u64) {
        self.lose(records, bytes, "what they waited for is not subscribed to any more");
    }

    /// Counts events that it does not get.
    fn lose(&mut self, records: u64, bytes: u64, why: &str) {
        if self.dropped.0 == 0 && records > 0 {
            say(format_args!("events for the extension {} are dropped: {why}", self.name));
        }
        self.dropped.0 += records;
        self.dropped.1 += bytes;
    }

    /// Whatever waits is to be sent now.
    pub(super) fn flush(&self) {
        // Where there is no room, a full batch is on its way anyway.
        drop(self.items.try_send(Item::Flush));
        self.wake();
    }

    /// A receiver that was away is tried again at once.
    pub(super) fn wake(&self) {
        self.shared.wake.notify_one();
    }

    /// All processes of the environment have ended, its receiver among them.
    pub(super) fn life_ended(&self) {
        self.shared.hang_up();
        self.set_asleep(true);
    }

    /// The environment's processes stop, or run again.
    pub(super) fn set_asleep(&self, asleep: bool) {
        self.shared.set_asleep(asleep);
    }

    /// What waits for it, in bytes.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.shared.waiting().1
    }

    /// Tells it what it lost, once there is room for what follows, too; otherwise there would be a telling for each
    /// lost event.
    fn tell_of_loss(&mut self, following_bytes: usize) -> Option<(u64, u64)> {
        let (records, bytes) = self.dropped;
        if records == 0 || !self.has_room(following_bytes + LOST_EVENT_BYTES) {
            return None;
        }
        let lost = Platform::LogsDropped { records, bytes };
        let queued = self.queue(lost.to_json(&clock::iso(clock::epoch_millis())).into());
        queued.then(|| std::mem::take(&mut self.dropped))
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.waiting_bytes() + bytes <= BACKLOG_BYTES_MAX
    }

    fn queue(&self, body: Bytes) -> bool {
        let length = body.len();
        if !self.has_room(length) {
            return false;
        }
        // Counted first: its task may take it before this one goes on.
        self.shared.hold(length);
        let queued = self.items.try_send(Item::Event(body)).is_ok();
        if !queued {
            self.shared.let_go(1, length);
        }
        queued
    }
}

/// Whether these streams have that one among them.
pub(super) fn wants(types: Types, stream: Stream) -> bool {
    match stream {
        Stream::Platform => types.platform,
        Stream::Function => types.function,
        Stream::Extension => types.extension,
    }
}
