//! Events for extensions that subscribed to the Telemetry or the Logs API.
//!
//! Each subscription has a task of its own, with a bounded backlog; one that does not keep up loses events, which
//! are counted and told in `platform.logsDropped`. While subscriptions are open, events are kept for whoever
//! subscribes later. Without a subscriber nothing is written down, and after the init phase nothing is kept.
//!
//! A subscription outlives a reset by its extension's name, as on AWS: what happened at the end of one life of the
//! environment reaches the subscriber in the next, also at another port. And it is added to: an extension that
//! subscribes again in the same life with another destination gets events at both, as recorded from the service. What
//! an extension had subscribed to in an earlier life, and does not ask for in a later one, ends with its init phase, if
//! the extension has subscribed to anything else, or is gone.

mod batches;
mod delivery;
mod event;
mod history;
mod receiver;
mod shared;
mod subscriber;
#[cfg(test)]
mod tests;

use protocol::telemetry::{Api, Platform, Stream, Subscription, line_event};

use crate::clock;
use crate::diagnostics::say;
use event::Event;
use history::History;
use subscriber::{Subscriber, wants};

/// Subscriptions at once. Beyond it the oldest ends.
const SUBSCRIPTIONS_MAX: usize = 20;

/// All subscribers, and what is kept for later ones.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    subscribers: Vec<Subscriber>,
    history: Option<History>,
    /// Of the environment's processes.
    life: u32,
    /// Objects that a function writes stay objects.
    json: bool,
    /// Losses that the log was not told of yet.
    losses: Vec<Platform>,
}

impl Telemetry {
    /// Subscriptions are open: events are kept.
    pub(crate) fn open(&mut self, json: bool) {
        self.json = json;
        self.set_asleep(false);
        self.history = Some(History::default());
    }

    /// Subscriptions are closed.
    pub(crate) fn close(&mut self) {
        self.history = None;
    }

    /// The extension `name` subscribes; false if it had subscribed to all of that before.
    pub(crate) fn subscribe(&mut self, name: &str, subscription: Subscription) -> bool {
        // Asked for in another form than in an earlier life, it begins anew.
        let form = (subscription.api, subscription.schema);
        let (life, destination) = (self.life, subscription.destination.clone());
        let ended = self.end(|known| {
            let own = &known.subscription;
            known.name == name
                && known.life != life
                && own.destination == destination
                && form != (own.api, own.schema)
        });
        let fresh = self.add(name, subscription);
        self.tell_of_ended(ended);
        fresh
    }

    fn add(&mut self, name: &str, subscription: Subscription) -> bool {
        let life = self.life;
        let same = |known: &&mut Subscriber| {
            known.name == name && known.subscription.destination == subscription.destination
        };
        if let Some(known) = self.subscribers.iter_mut().find(same) {
            known.wake();
            known.life = life;
            let types = known.subscription.types.with(subscription.types);
            let fresh = types != known.subscription.types;
            known.subscription.types = types;
            return fresh;
        }
        let takes_up = |known: &&mut Subscriber| known.is_taken_up_by(name, &subscription, life);
        // Of several the one that was for the same, if there is one.
        let others = |known: &&mut Subscriber| known.subscription.types != subscription.types;
        if let Some(known) = self.subscribers.iter_mut().filter(takes_up).min_by_key(others) {
            known.move_to(subscription, life);
            return true;
        }
        self.start(name, subscription);
        true
    }

    /// Ends subscriptions. Returns for each whose it was, and the records and bytes that it still held.
    fn end(&mut self, is_over: impl Fn(&Subscriber) -> bool) -> Vec<(String, u64, u64)> {
        let ended = self.subscribers.extract_if(.., |known| is_over(known));
        let held = ended.map(|mut known| {
            let name = std::mem::take(&mut known.name);
            let (records, bytes) = known.end();
            (name, records, bytes)
        });
        held.filter(|(_, records, _)| *records > 0).collect()
    }

    /// What ended subscriptions still held is told to their extension, if it has subscribed in this life, and else to
    /// the log alone.
    fn tell_of_ended(&mut self, ended: Vec<(String, u64, u64)>) {
        for (name, records, bytes) in ended {
            let heir = |known: &&mut Subscriber| known.name == name && known.life == self.life;
            match self.subscribers.iter_mut().find(heir) {
                Some(heir) => heir.inherit_loss(records, bytes),
                None => self.losses.push(Platform::LogsDropped { records, bytes }),
            }
        }
    }

    fn start(&mut self, name: &str, subscription: Subscription) {
        let types = subscription.types;
        let mut subscriber = Subscriber::start(name, subscription, self.life);
        if let Some(history) = &self.history {
            for event in &history.events {
                subscriber.offer(event);
            }
            let (records, bytes) = history.lost(types);
            subscriber.missed(records, bytes);
        }
        if self.subscribers.len() >= SUBSCRIPTIONS_MAX {
            let oldest = self.subscribers.remove(0);
            say(format_args!("a subscription of the extension {} gives way to a newer one", oldest.name));
        }
        self.subscribers.push(subscriber);
    }

    /// An init phase has succeeded: what earlier lives had subscribed to is over, unless its extension is one of
    /// this life's too and has not subscribed anew.
    pub(crate) fn forget_earlier(&mut self, is_here: impl Fn(&str) -> bool) {
        let life = self.life;
        let renewed: Vec<String> = self
            .subscribers
            .iter()
            .filter(|known| known.life == life)
            .map(|known| known.name.clone())
            .collect();
        let ended =
            self.end(|known| known.life != life && (!is_here(&known.name) || renewed.contains(&known.name)));
        self.tell_of_ended(ended);
    }

    /// What an extension has subscribed to in this life.
    pub(crate) fn api_of(&self, name: &str) -> Option<Api> {
        let mut own = self.subscribers.iter().filter(|known| known.name == name && known.life == self.life);
        own.next().map(|known| known.subscription.api)
    }

    /// A record of the platform.
    pub(crate) fn platform(&mut self, record: Platform, time: String) {
        self.push(Event::Record { record: Box::new(record), time });
    }

    /// A record that a function or an extension wrote, now or when it told.
    pub(crate) fn line(&mut self, stream: Stream, line: &[u8], told_millis: Option<u64>) {
        if self.is_wanted(stream) {
            let time = clock::iso(told_millis.unwrap_or_else(clock::epoch_millis));
            let body = line_event(&time, stream, &String::from_utf8_lossy(line), self.json).into();
            self.push(Event::Line { stream, body });
        }
    }

    /// Whatever waits is to be sent now.
    pub(crate) fn flush(&self) {
        self.subscribers.iter().for_each(Subscriber::flush);
    }

    /// All processes of the environment have ended; those of its next life listen anew.
    pub(crate) fn life_ended(&mut self) {
        self.life += 1;
        self.subscribers.iter().for_each(Subscriber::life_ended);
    }

    /// The environment's processes stop, or run again: no subscriber is blamed for what it does not do while stopped.
    pub(crate) fn set_asleep(&self, asleep: bool) {
        self.subscribers.iter().for_each(|subscriber| subscriber.set_asleep(asleep));
    }

    /// Somebody may be interested in the platform's records.
    pub(crate) fn wants_records(&self) -> bool {
        self.is_wanted(Stream::Platform)
    }

    /// What subscribers were told to have lost since the last call, for the log.
    pub(crate) fn take_losses(&mut self) -> Vec<Platform> {
        std::mem::take(&mut self.losses)
    }

    fn is_wanted(&self, stream: Stream) -> bool {
        let wanted = |subscriber: &Subscriber| wants(subscriber.subscription.types, stream);
        self.history.is_some() || self.subscribers.iter().any(wanted)
    }

    fn push(&mut self, event: Event) {
        for subscriber in &mut self.subscribers {
            if let Some((records, bytes)) = subscriber.offer(&event) {
                self.losses.push(Platform::LogsDropped { records, bytes });
            }
        }
        if let Some(history) = &mut self.history {
            history.push(event);
        }
    }
}
