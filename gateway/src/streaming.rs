//! InvokeWithResponseStream: an invocation whose answer reaches its caller as the function writes it.
//!
//! What AWS was recorded to answer: a time-out, and an exception of a function that streams, end the stream like
//! a success, with what was written so far. For every other failure (`/error` of a function that does not
//! stream, a crash, a body that breaks off, a failed init phase) no recording is known, and the documented
//! `ErrorCode` and `ErrorDetails` are sent. The metrics and the log tell all of them.

use std::sync::Arc;

use bytes::Bytes;
use protocol::lambda_api::invoke::LogType;
use protocol::link::environment::{FunctionError, FunctionErrorCause, ResponseHead, ResponseMode};

use crate::answer::InvokeError;
use crate::fleets::{Ended, Progress, Ticket};
use crate::gateway::Gateway;
use crate::invocation::{Call, count};
use crate::listener::Listener;

/// The code of a stream whose environment was lost half-way.
pub(crate) const LOST_CODE: &str = "ServiceException";

/// An answer that has begun.
#[derive(Debug)]
pub(crate) struct Streamed {
    /// The version that runs.
    pub(crate) version: String,
    /// The runtime's content type.
    pub(crate) content_type: String,
    /// The rest.
    pub(crate) events: Events,
}

/// What comes of an answer.
#[derive(Debug)]
pub(crate) enum StreamEvent {
    /// Bytes of it.
    Payload(Bytes),
    /// Its end.
    Complete(Completed),
}

/// How an answer ended.
#[derive(Debug, Default)]
pub(crate) struct Completed {
    /// Code and details of a failure that the caller is told of.
    pub(crate) error: Option<(String, String)>,
    /// The environment was lost.
    pub(crate) lost: bool,
    /// The log tail, where it was asked for.
    pub(crate) log_tail: Option<Bytes>,
}

/// The rest of an answer. Whoever drops it goes away, and the function runs on.
#[derive(Debug)]
pub(crate) struct Events {
    listener: Listener,
    _ticket: Ticket,
    wants_log_tail: bool,
    /// The error that the answer is as a whole; its payload so far.
    failed: Option<(FunctionError, Vec<u8>)>,
    over: bool,
}

impl Gateway {
    /// Runs one invocation up to the beginning of its answer. As on AWS, the invocation type is not looked at.
    pub(crate) async fn invoke_streaming(&self, call: Call) -> Result<Streamed, InvokeError> {
        let function = Arc::clone(&call.resolved.function);
        if let Some(unavailable) = &function.unavailable {
            return Err(InvokeError::Unavailable(unavailable.clone()));
        }
        let wants_log_tail = call.options.log_type == LogType::Tail;
        let (order, payload) = call.order(ResponseMode::Streaming);
        let series = self.series_of(&function);
        let handed_over = self.hand_over(&function, order, payload, &series).await;
        count(&series, &handed_over);
        let (mut listener, ticket) = handed_over?;
        let head = match listener.next().await {
            Some(Progress::Head(head)) => head,
            other => return Err(listener.failure(other)),
        };
        let ResponseHead { function_error, content_type } = head;
        let failed = function_error.map(|error| (error, Vec::new()));
        let events = Events { listener, _ticket: ticket, wants_log_tail, failed, over: false };
        Ok(Streamed { version: function.revision.version.clone(), content_type, events })
    }
}

impl Events {
    /// What comes next; `None` after the end.
    pub(crate) async fn next(&mut self) -> Option<StreamEvent> {
        if self.over {
            return None;
        }
        loop {
            match self.listener.next().await {
                Some(Progress::Part(part)) => match &mut self.failed {
                    Some((_, details)) => details.extend_from_slice(&part),
                    None => return Some(StreamEvent::Payload(part)),
                },
                Some(Progress::End(ended)) => return Some(self.complete(ended).await),
                other => return Some(self.lost(other)),
            }
        }
    }

    async fn complete(&mut self, ended: Ended) -> StreamEvent {
        self.over = true;
        let failed = match ended {
            Ended::HalfWay(error, details) => told_half_way(&error).then(|| (error, details.to_vec())),
            Ended::Whole => self.failed.take().filter(|(error, _)| told(error)),
        };
        let error =
            failed.map(|(error, details)| (error.error_type, String::from_utf8_lossy(&details).into_owned()));
        let mut log_tail = None;
        if self.wants_log_tail
            && let Some(Progress::Finished(tail)) = self.listener.next().await
        {
            log_tail = Some(tail);
        }
        StreamEvent::Complete(Completed { error, lost: false, log_tail })
    }

    fn lost(&mut self, progress: Option<Progress>) -> StreamEvent {
        self.over = true;
        let details = self.listener.failure(progress).to_string();
        let error = Some((LOST_CODE.to_owned(), details));
        StreamEvent::Complete(Completed { error, lost: true, log_tail: None })
    }
}

/// Whether a caller is told of a failure of a whole answer.
fn told(error: &FunctionError) -> bool {
    error.cause != FunctionErrorCause::TimedOut
}

/// Whether a caller is told of a failure half-way.
fn told_half_way(error: &FunctionError) -> bool {
    !matches!(error.cause, FunctionErrorCause::TimedOut | FunctionErrorCause::Handler)
}
