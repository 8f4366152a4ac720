//! A response that goes to its caller as the runtime writes it.
//!
//! It begins with a head and ends like any other answer ([`super::answer`]), so a time-out, an exit and a body
//! that breaks off end it with the error that they are.

use bytes::Bytes;
use domain::environment::AnswerRefusal;
use domain::{AttemptId, RequestId};
use protocol::link::environment::{FromEnvironment, FunctionError, ResponseHead, ResponseMode, ResponsePart};

use super::Actor;
use super::invocation::Invocation;
use crate::events::LinkId;
use crate::window::{Streaming, Window};

impl Actor {
    /// Lets an answer in. One that its runtime streams goes on at once where the caller wants that; where not,
    /// it is read to its end first.
    pub(super) fn answer_begun(
        &mut self,
        request: RequestId,
        attempt: Option<AttemptId>,
        streamed: Option<String>,
    ) -> Result<Option<Streaming>, AnswerRefusal> {
        self.environment.answer_begun(request, attempt)?;
        let Some(invocation) = &mut self.invocation else { return Ok(None) };
        invocation.forget_payload();
        let (Some(content_type), ResponseMode::Streaming) = (streamed, invocation.invoke.response_mode)
        else {
            return Ok(None);
        };
        let (link, attempt, window) = (invocation.link, invocation.invoke.attempt, Window::new());
        invocation.window = Some(window.clone());
        invocation.marks.responded = true;
        let head = Some(ResponseHead { function_error: None, content_type });
        let part = ResponsePart { attempt, last: false, head, error: None };
        self.peers.send(link, FromEnvironment::Response(part), Bytes::new());
        if self.peers.role(link).is_none() {
            window.discard();
        }
        Ok(Some(Streaming { attempt, window }))
    }

    /// Passes a part on, unless its invocation has ended meanwhile.
    pub(super) fn answer_part(&mut self, attempt: AttemptId, part: Bytes) {
        let Some(invocation) = &mut self.invocation else { return };
        if invocation.window.is_some() && self.environment.is_receiving(attempt) {
            invocation.marks.produced_bytes += part.len();
            let header = ResponsePart { attempt, last: false, head: None, error: None };
            self.peers.send(invocation.link, FromEnvironment::Response(header), part);
        }
    }

    /// Ends the response that is being streamed; false if none is.
    pub(super) fn end_stream(&mut self, error: Option<&FunctionError>, body: &[Bytes]) -> bool {
        let Some(invocation) = &mut self.invocation else { return false };
        let Some(window) = invocation.window.take() else { return false };
        window.close();
        let body = if error.is_some() { Bytes::from(body.concat()) } else { Bytes::new() };
        let attempt = invocation.invoke.attempt;
        let part = ResponsePart { attempt, last: true, head: None, error: error.cloned() };
        self.peers.send(invocation.link, FromEnvironment::Response(part), body);
        true
    }

    /// The caller took parts of the response.
    pub(super) fn caller_took(&mut self, link: LinkId, attempt: AttemptId, parts: u32) {
        let of = |running: &&Invocation| running.link == link && running.invoke.attempt == attempt;
        if let Some(window) = self.invocation.as_ref().filter(of).and_then(|running| running.window.as_ref())
        {
            window.widen(parts);
        }
    }

    /// A peer is gone: what it would have been sent is thrown away, and the function runs on.
    pub(super) fn caller_lost(&mut self, link: LinkId) {
        let of = |running: &&Invocation| running.link == link;
        if let Some(window) = self.invocation.as_ref().filter(of).and_then(|running| running.window.as_ref())
        {
            window.discard();
        }
    }
}
