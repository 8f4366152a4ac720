//! One link with one environment that has said what it is: what its two sides share, and the side that writes.
//!
//! What the two sides share is the attempt that is under way ([`Underway`]): set by the writer before the first
//! byte of an invoke is written, cleared by the reader. At the end the fleet is told whether that attempt may
//! have reached the environment. A frame that was not written whole cannot have: the environment acts on whole
//! frames only.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::AttemptId;
use domain::placement::{EnvironmentKey, Reported};
use protocol::link::assignment::Revision;
use protocol::link::environment::ToEnvironment;
use protocol::link::frame::{Frame, FrameError, write_frame};
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::context::LinkContext;
use super::said::Said;
use super::underway::{Underway, Written};
use crate::fleets::{Flight, Flow, FunctionFleet};
use crate::payload_budget::PayloadBudget;
use crate::traces::Traces;
use crate::{chance, limits};

/// What a link is asked to send.
#[derive(Debug)]
pub(crate) enum ToLink {
    /// An invocation.
    Invoke(Arc<Flight>),
    /// The age of the oldest waiter, in milliseconds.
    Waiting(Option<u64>),
}

/// Why a link ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionEnd {
    #[error("it ended before it said what it is: {0}")]
    Useless(FrameError),
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("it kept silent about attempt {0}")]
    Silent(AttemptId),
    #[error("it broke the protocol: {0}")]
    Broken(&'static str),
    #[error("it says that it is another revision's: {}/{}", .0.namespace, .0.function)]
    Stranger(Box<Revision>),
    #[error("the environment is gone")]
    Gone,
}

/// A link whose environment has said what it is.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) key: EnvironmentKey,
    pub(super) fleet: Arc<FunctionFleet>,
    revision: Revision,
    /// The payload bytes of the whole gateway.
    pub(super) payload: Arc<PayloadBudget>,
    /// Where segment documents go.
    pub(super) traces: Traces,
    underway: Mutex<Option<Underway>>,
    gone: CancellationToken,
}

impl Session {
    /// Attaches an environment of `revision` to its function's fleet, which sends by `orders`.
    pub(super) fn begin(
        context: &LinkContext,
        revision: Revision,
        orders: mpsc::Sender<ToLink>,
        gone: CancellationToken,
    ) -> Self {
        let key = EnvironmentKey(context.sessions.fetch_add(1, Ordering::Relaxed));
        let fleet = context.fleets.of(&revision);
        let (payload, traces) = (Arc::clone(&context.payload), context.traces.clone());
        fleet.attach(key, &revision, orders);
        Self { key, fleet, revision, payload, traces, underway: Mutex::new(None), gone }
    }

    /// What it says of itself; one that is gone takes nothing new, whatever it says.
    pub(super) fn state(&self, said: Said) {
        let reported = if self.gone.is_cancelled() { Reported::Leaving } else { said.reported };
        self.fleet.state(self.key, said.tenant, reported);
    }

    /// The same, where it says nothing new of whose it is.
    pub(super) fn report(&self, reported: Reported) {
        let reported = if self.gone.is_cancelled() { Reported::Leaving } else { reported };
        self.fleet.report(self.key, reported);
    }

    /// Once it is gone, ends when nothing is under way any more: the rest of an answer may still be on the wire.
    /// At the gateway's end, ends at once.
    pub(super) async fn leave(&self, ended: &CancellationToken) -> SessionEnd {
        self.gone.cancelled().await;
        self.report(Reported::Leaving);
        while self.underway().is_some() && !ended.is_cancelled() {
            tokio::time::sleep(limits::GONE_LOOK).await;
        }
        SessionEnd::Gone
    }

    pub(super) fn underway(&self) -> MutexGuard<'_, Option<Underway>> {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends once an attempt takes longer than anything may.
    pub(super) async fn watch(&self) -> SessionEnd {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            if let Some(underway) = self.underway().as_ref()
                && underway.overdue < Instant::now()
            {
                return SessionEnd::Silent(underway.attempt);
            }
        }
    }

    pub(super) async fn write(
        &self,
        mut writer: impl AsyncWrite + Unpin,
        queue: &mut mpsc::Receiver<ToLink>,
    ) -> SessionEnd {
        let mut streamed: Option<(AttemptId, Arc<Flow>)> = None;
        loop {
            let order = tokio::select! {
                order = queue.recv() => order,
                more = taken(streamed.as_ref()) => {
                    if let Err(error) = write_frame(&mut writer, &Frame::bare(more)).await {
                        return error.into();
                    }
                    continue;
                }
            };
            let written = match order {
                None => return SessionEnd::Gone,
                Some(ToLink::Waiting(oldest_ms)) => {
                    write_frame(&mut writer, &Frame::bare(ToEnvironment::Waiting { oldest_ms })).await
                }
                Some(ToLink::Invoke(flight)) => {
                    let is_streamed = flight.is_streamed();
                    let written = self.write_invoke(&mut writer, flight).await;
                    let flow = |underway: &Underway| (underway.attempt, Arc::clone(&underway.flow));
                    streamed = self.underway().as_ref().filter(|_| is_streamed).map(flow);
                    written
                }
            };
            if let Err(error) = written {
                return error.into();
            }
        }
    }

    async fn write_invoke(
        &self,
        writer: &mut (impl AsyncWrite + Unpin),
        flight: Arc<Flight>,
    ) -> Result<(), FrameError> {
        let attempt = match chance::attempt_id() {
            Ok(attempt) => attempt,
            Err(error) => return Err(FrameError::Io(std::io::Error::other(error))),
        };
        let (invoke, body) = flight.invoke(attempt, self.revision.clone());
        *self.underway() = Some(Underway::new(attempt, flight));
        let frame = Frame { header: ToEnvironment::Invoke(Box::new(invoke)), body };
        let written = write_frame(writer, &frame).await;
        if written.is_err()
            && let Some(underway) = self.underway().as_mut()
        {
            underway.written = Written::Failed;
        }
        written
    }

    /// The link is over: what was under way waits again, or is lost.
    pub(super) fn end(&self) {
        let underway = self.underway().take();
        let invocation = underway.as_ref().map(|underway| underway.flight.key);
        let handed_over = underway.as_ref().is_some_and(|of| of.accepted || of.written == Written::Maybe);
        if let Some(lost) = underway.filter(|_| handed_over).filter(|underway| !underway.answered) {
            let request_id = lost.flight.request_id();
            tracing::warn!(%request_id, "Environment was lost while it had an invocation");
        }
        self.fleet.lost(self.key, invocation, handed_over);
    }
}

/// Waits until the caller has taken something; for ever where no answer is streamed.
async fn taken(streamed: Option<&(AttemptId, Arc<Flow>)>) -> ToEnvironment {
    match streamed {
        Some((attempt, flow)) => ToEnvironment::More { attempt: *attempt, parts: flow.taken().await },
        None => std::future::pending().await,
    }
}
