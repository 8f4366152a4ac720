//! The caller's end of an invocation that was taken on.
//!
//! Whoever drops it goes away: what is still to come is thrown away, and the function runs on.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use domain::RequestId;
use protocol::link::environment::{ResponseHead, STREAM_WINDOW_PARTS};
use tokio::sync::mpsc;

use crate::answer::{InvokeError, Ran};
use crate::fleets::{Ended, Flow, Progress, Ticket};
use crate::payload_budget::PayloadBudget;

/// The caller's end of a flight.
#[derive(Debug)]
pub(crate) struct Listener {
    progress: mpsc::Receiver<Progress>,
    flow: Arc<Flow>,
    request_id: RequestId,
    arn: String,
}

impl Listener {
    pub(crate) fn new(progress: mpsc::Receiver<Progress>, request_id: RequestId, arn: String) -> Self {
        Self { progress, flow: Flow::new(), request_id, arn }
    }

    /// Waits until an environment has the invocation, at most `wait`.
    pub(crate) async fn hand_over(&mut self, ticket: &Ticket, wait: Duration) -> Result<(), InvokeError> {
        let first = match tokio::time::timeout(wait, self.progress.recv()).await {
            Ok(first) => first,
            Err(_) if ticket.cancel() => return Err(InvokeError::WaitedTooLong(wait)),
            // It is on its way to an environment, whose link has a bound of its own.
            Err(_) => self.progress.recv().await,
        };
        match first {
            Some(Progress::HandedOver(flow)) => {
                self.flow = flow;
                Ok(())
            }
            other => Err(self.failure(other)),
        }
    }

    /// What comes next of a streamed answer; a part counts as taken with this.
    pub(crate) async fn next(&mut self) -> Option<Progress> {
        let next = self.progress.recv().await;
        if matches!(next, Some(Progress::Part(_))) {
            self.flow.took(1);
        }
        next
    }

    /// Collects the whole answer.
    pub(crate) async fn answer(
        &mut self,
        wants_log_tail: bool,
        version: String,
        budget: &Arc<PayloadBudget>,
    ) -> Result<Ran, InvokeError> {
        let (mut head, mut parts, mut complete): (Option<ResponseHead>, Vec<Bytes>, bool) =
            (None, Vec::new(), false);
        let (mut log_tail, mut is_error) = (None, false);
        while !complete || (wants_log_tail && log_tail.is_none()) {
            match self.progress.recv().await {
                Some(Progress::Head(first)) => head = Some(first),
                Some(Progress::Part(part)) => parts.push(part),
                Some(Progress::End(ended)) => {
                    complete = true;
                    if let Ended::HalfWay(_, error) = ended {
                        (is_error, parts) = (true, vec![error]);
                    }
                }
                Some(Progress::Finished(tail)) => log_tail = Some(tail),
                // The answer is there, the log is lost: the answer is worth more.
                None if complete => break,
                other => return Err(self.failure(other)),
            }
        }
        is_error |= head.is_some_and(|head| head.function_error.is_some());
        let log_tail = log_tail.filter(|_| wants_log_tail);
        Ok(Ran { version, is_error, log_tail, payload: joined(parts, budget) })
    }

    pub(crate) fn failure(&self, progress: Option<Progress>) -> InvokeError {
        match progress {
            Some(Progress::Obstructed(blocked)) => {
                InvokeError::Obstructed { reason: blocked.reason, message: blocked.message }
            }
            Some(Progress::Deleted) => InvokeError::Deleted { arn: self.arn.clone() },
            _ => InvokeError::Lost { request_id: self.request_id },
        }
    }
}

impl Drop for Listener {
    /// What waits here to be read makes room too: nobody will take it.
    fn drop(&mut self) {
        self.progress.close();
        self.flow.took(STREAM_WINDOW_PARTS);
    }
}

/// Parts count on their own, so only a copy is counted here.
fn joined(mut parts: Vec<Bytes>, budget: &Arc<PayloadBudget>) -> Bytes {
    if parts.len() < 2 {
        return parts.pop().unwrap_or_default();
    }
    let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    for part in &parts {
        whole.extend_from_slice(part);
    }
    budget.count(whole.freeze())
}
