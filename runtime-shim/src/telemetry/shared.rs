//! What a subscriber and its task both know.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use protocol::telemetry::{Buffering, Destination, Subscription};
use tokio::sync::{Notify, watch};

/// What a subscriber and its task both know.
#[derive(Debug)]
pub(super) struct Shared {
    /// Of events that are not delivered.
    waiting_bytes: AtomicUsize,
    waiting_records: AtomicUsize,
    /// The receiver may be there now.
    pub wake: Notify,
    /// Where events go and how; an extension may take another port in each life.
    target: watch::Sender<(Destination, Buffering)>,
    /// How often the connection to the receiver that there was became worth nothing.
    hang_ups: AtomicU32,
    /// The environment's processes are stopped, or gone until its next life: nobody answers, and nobody listens anew.
    asleep: AtomicBool,
    /// What waits goes nowhere any more.
    ended: AtomicBool,
    /// Records and bytes that were given up, and that the subscriber has not counted yet.
    lost_records: AtomicUsize,
    lost_bytes: AtomicUsize,
}

impl Shared {
    /// Nothing waits yet for this subscription.
    pub(super) fn new(subscription: &Subscription) -> Self {
        Self {
            waiting_bytes: AtomicUsize::default(),
            waiting_records: AtomicUsize::default(),
            wake: Notify::default(),
            target: watch::Sender::new((subscription.destination.clone(), subscription.buffering)),
            hang_ups: AtomicU32::default(),
            asleep: AtomicBool::default(),
            ended: AtomicBool::default(),
            lost_records: AtomicUsize::default(),
            lost_bytes: AtomicUsize::default(),
        }
    }

    /// Where events go and how.
    pub(super) fn target(&self) -> (Destination, Buffering) {
        self.target.borrow().clone()
    }

    /// An event of so many bytes waits.
    pub(super) fn hold(&self, bytes: usize) {
        self.waiting_records.fetch_add(1, Ordering::Relaxed);
        self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So much does not wait any more.
    pub(super) fn let_go(&self, records: usize, bytes: usize) {
        self.waiting_records.fetch_sub(records, Ordering::Relaxed);
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// What waits: records and bytes.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.waiting_records.load(Ordering::Relaxed), self.waiting_bytes.load(Ordering::Relaxed))
    }

    /// Nothing more is sent.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// Nothing more is to be sent.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// How often connections became worth nothing so far.
    pub(super) fn hang_ups(&self) -> u32 {
        self.hang_ups.load(Ordering::Relaxed)
    }

    /// The next batch takes another connection: whoever this one leads to is gone, or not meant any more.
    pub(super) fn hang_up(&self) {
        self.hang_ups.fetch_add(1, Ordering::Relaxed);
    }

    /// Goes on at the destination and with the buffering of this subscription.
    pub(super) fn move_to(&self, subscription: &Subscription) {
        self.target.send_replace((subscription.destination.clone(), subscription.buffering));
        self.hang_up();
        self.wake.notify_one();
    }

    /// The environment's processes stop, or run again.
    pub(super) fn set_asleep(&self, asleep: bool) {
        self.asleep.store(asleep, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// The environment's processes are stopped, or gone.
    pub(super) fn is_asleep(&self) -> bool {
        self.asleep.load(Ordering::Relaxed)
    }

    /// Returns when the environment's processes have run for about that long: what they are stopped in one of the
    /// `parts` of it does not count.
    pub(super) async fn awake_for(&self, duration: Duration, parts: u32) {
        for _ in 0..parts {
            while self.is_asleep() {
                self.wake.notified().await;
            }
            tokio::time::sleep(duration / parts).await;
        }
    }

    /// Returns when the receiver is worth another try: after this time, or when something has changed. While the
    /// environment's processes are stopped only the latter counts.
    pub(super) async fn pause(&self, pause: Duration) {
        if self.is_asleep() {
            return self.wake.notified().await;
        }
        tokio::select! {
            () = self.wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    /// A batch is given up.
    pub(super) fn lose(&self, records: usize, bytes: usize) {
        self.lost_records.fetch_add(records, Ordering::Relaxed);
        self.lost_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What was given up since the last call: records and bytes.
    pub(super) fn take_lost(&self) -> (u64, u64) {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed) as u64;
        (take(&self.lost_records), take(&self.lost_bytes))
    }
}
