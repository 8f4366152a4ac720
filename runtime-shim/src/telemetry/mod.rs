//! Events for extensions that subscribed to the Telemetry or the Logs API.
//!
//! Each subscriber has a task of its own, with a bounded backlog; one that does not keep up loses events, which are
//! counted and told in `platform.logsDropped`. While subscriptions are open, events are kept for whoever subscribes
//! later. Without a subscriber nothing is written down, and after the init phase nothing is kept.
//!
//! A subscription outlives a reset by its extension's name, as on AWS: what happened at the end of one life of the
//! environment reaches the subscriber in the next.

mod delivery;
mod subscriber;

use protocol::telemetry::{Api, Platform, Stream, Subscription, line_event};

use crate::clock;
use delivery::Item;
use subscriber::{Audience, Event, Subscriber, wants};

/// What is kept for whoever subscribes later, in bytes.
const HISTORY_BYTES_MAX: usize = 256 * 1024;

/// All subscribers, and what is kept for later ones.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    subscribers: Vec<Subscriber>,
    history: Option<History>,
    /// Objects that a function writes stay objects.
    json: bool,
}

#[derive(Debug, Default)]
struct History {
    events: Vec<Event>,
    bytes: usize,
}

impl Telemetry {
    /// Subscriptions are open: events are kept.
    pub(crate) fn open(&mut self, json: bool) {
        self.json = json;
        self.history = Some(History::default());
    }

    /// Subscriptions are closed.
    pub(crate) fn close(&mut self) {
        self.history = None;
    }

    /// The extension `name` subscribes; false if it had before.
    pub(crate) fn subscribe(&mut self, name: &str, subscription: Subscription) -> bool {
        if let Some(known) = self.subscribers.iter_mut().find(|known| known.name == name) {
            let types = known.subscription.types.with(subscription.types);
            known.subscription = Subscription { types, ..subscription.clone() };
            drop(known.items.try_send(Item::Redirect(Box::new(subscription))));
            return false;
        }
        let mut subscriber = Subscriber::start(name, subscription);
        for event in self.history.iter().flat_map(|history| &history.events) {
            subscriber.offer(event);
        }
        self.subscribers.push(subscriber);
        true
    }

    /// What an extension has subscribed to.
    pub(crate) fn api_of(&self, name: &str) -> Option<Api> {
        self.subscribers.iter().find(|known| known.name == name).map(|known| known.subscription.api)
    }

    /// A record of the platform.
    pub(crate) fn platform(&mut self, record: &Platform, time: &str) {
        let audience = match record {
            Platform::End(_) | Platform::Fault(_) | Platform::Subscription { logs: true, .. } => {
                Audience::Logs
            }
            Platform::RuntimeDone(_) => Audience::NotFirstLogs,
            Platform::InitStart(_)
            | Platform::InitRuntimeDone(_)
            | Platform::InitReport(_)
            | Platform::Subscription { logs: false, .. } => Audience::Telemetry,
            _ => Audience::Both,
        };
        self.push(Event { stream: Stream::Platform, audience, body: record.to_json(time).into() });
    }

    /// A record that a function or an extension wrote.
    pub(crate) fn line(&mut self, stream: Stream, line: &[u8]) {
        if self.is_wanted(stream) {
            let time = clock::iso(clock::epoch_millis());
            let body = line_event(&time, stream, &String::from_utf8_lossy(line), self.json).into();
            self.push(Event { stream, audience: Audience::Both, body });
        }
    }

    /// Whatever waits is to be sent now.
    pub(crate) fn flush(&self) {
        for subscriber in &self.subscribers {
            // Where there is no room, a full batch is on its way anyway.
            drop(subscriber.items.try_send(Item::Flush));
        }
    }

    /// Somebody may be interested in the platform's records.
    pub(crate) fn wants_records(&self) -> bool {
        self.is_wanted(Stream::Platform)
    }

    fn is_wanted(&self, stream: Stream) -> bool {
        let wanted = |subscriber: &Subscriber| wants(subscriber.subscription.types, stream);
        self.history.is_some() || self.subscribers.iter().any(wanted)
    }

    fn push(&mut self, event: Event) {
        for subscriber in &mut self.subscribers {
            subscriber.offer(&event);
        }
        if let Some(history) = &mut self.history
            && history.bytes + event.body.len() <= HISTORY_BYTES_MAX
        {
            history.bytes += event.body.len();
            history.events.push(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use serde_json::json;

    use super::subscriber::BACKLOG_BYTES_MAX;
    use super::*;

    fn subscription(api: Api, types: &serde_json::Value) -> Subscription {
        let schema = if api == Api::Telemetry { "2022-07-01" } else { "2020-08-15" };
        let body =
            json!({"schemaVersion": schema, "types": types, "destination": {"protocol": "TCP", "port": 1}});
        Subscription::read(api, body.to_string().as_bytes()).unwrap()
    }

    fn waiting(telemetry: &Telemetry) -> usize {
        telemetry.subscribers[0].waiting_bytes.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn without_a_subscriber_nothing_is_kept_after_the_init_phase() {
        let mut telemetry = Telemetry::default();
        telemetry.line(Stream::Function, b"before\n");
        assert!(telemetry.history.is_none());
        telemetry.open(false);
        telemetry.line(Stream::Function, b"kept\n");
        assert_eq!(telemetry.history.as_ref().unwrap().events.len(), 1);
        assert!(telemetry.subscribe("a", subscription(Api::Telemetry, &json!(["function"]))));
        assert!(waiting(&telemetry) > 0);
        telemetry.close();
        assert!(telemetry.history.is_none());
    }

    #[tokio::test]
    async fn a_subscriber_gets_what_it_asked_for_and_its_schema_has() {
        let request = "11111111-2222-4333-8444-555555555555".parse().unwrap();
        for (api, count) in [(Api::Telemetry, 0), (Api::Logs, 1)] {
            let mut telemetry = Telemetry::default();
            telemetry.subscribe("a", subscription(api, &json!(["platform"])));
            telemetry.line(Stream::Function, b"x\n");
            assert_eq!(waiting(&telemetry), 0);
            telemetry.platform(&Platform::End(request), "t");
            assert_eq!(usize::from(waiting(&telemetry) > 0), count);
        }
    }

    #[tokio::test]
    async fn what_finds_no_room_is_counted() {
        let mut telemetry = Telemetry::default();
        telemetry.subscribe("a", subscription(Api::Telemetry, &json!(["function"])));
        let line = vec![b'x'; 100_000];
        for _ in 0..30 {
            telemetry.line(Stream::Function, &line);
        }
        assert!(waiting(&telemetry) <= BACKLOG_BYTES_MAX);
        let (records, bytes) = telemetry.subscribers[0].dropped;
        assert!((5..15).contains(&records) && bytes > records * 100_000, "{records}");
        assert!(!telemetry.subscribe("a", subscription(Api::Telemetry, &json!(["platform"]))));
    }
}
