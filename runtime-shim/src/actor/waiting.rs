//! The runtime's calls of `next` that wait for an event: usually one, more where it polls from several threads.
//!
//! As in AWS's emulator whoever has waited longest gets the event, and the others go on waiting: nobody is refused. But
//! a call whose client has closed its connection is passed over: an event that it got would reach nobody.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::events::{NextCall, RuntimeEvent};

/// Calls that wait. Each has a connection of its own, of which the Runtime API bounds the number.
#[derive(Debug, Default)]
pub(super) struct Waiting(VecDeque<NextCall>);

impl Waiting {
    /// One more waits.
    pub(super) fn add(&mut self, call: NextCall) {
        self.0.push_back(call);
    }

    /// One asks for what has been handed over before, and is not to wait behind those that wait for the event after it.
    pub(super) fn add_first(&mut self, call: NextCall) {
        self.0.push_front(call);
    }

    /// Gives the event to whoever has waited longest, where anybody waits.
    pub(super) fn hand_over(&mut self, event: &Arc<RuntimeEvent>) {
        while let Some(call) = self.0.pop_front() {
            // The last one may have closed for writing only, and then it is there.
            if (self.0.is_empty() || !call.far_end.has_hung_up())
                && call.reply.send(Ok(event.clone())).is_ok()
            {
                return;
            }
        }
    }

    /// Whoever waited is dead.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
