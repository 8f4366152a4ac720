//! The last moments of the program: nobody is left waiting, and nothing that was said is lost.

use std::time::Duration;

use tokio::sync::mpsc;

use super::Actor;
use crate::clock;
use crate::events::Event;

/// How long invocations are still refused that gateways sent before they knew, in milliseconds. Without the
/// refusal a gateway could not tell whether its invocation was handed to a runtime.
const REFUSE_MILLIS: u64 = 100;
/// How long peers may take to accept what is written to them, and the log's reader likewise, in milliseconds.
const FLUSH_MILLIS_MAX: u64 = 500;

impl Actor {
    /// Ends the function, refuses what still comes, and hands over what waits to be written.
    pub(super) async fn leave(&mut self, queue: &mut mpsc::Receiver<Event>) {
        self.processes.end();
        self.logs.drain();
        self.logs.pump();
        let until = clock::now() + Duration::from_millis(REFUSE_MILLIS);
        while !self.peers.is_empty()
            && let Ok(Some(event)) = tokio::time::timeout_at(until, queue.recv()).await
        {
            self.take(event);
        }
        let until = clock::now() + Duration::from_millis(FLUSH_MILLIS_MAX);
        let mut links = self.peers.let_go();
        while links > 0
            && let Ok(Some(event)) = tokio::time::timeout_at(until, queue.recv()).await
        {
            // A link is down once its writer has written everything.
            links -= usize::from(matches!(event, Event::LinkDown { .. }));
        }
        while self.logs.is_pending() && tokio::time::timeout_at(until, self.logs.writable()).await.is_ok() {
            self.logs.pump();
        }
    }
}
