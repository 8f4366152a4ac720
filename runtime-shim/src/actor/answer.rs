//! What a caller is answered, by the runtime or in its stead.

use bytes::{Bytes, BytesMut};
use domain::failure::Failure;
use protocol::link::environment::{
    FromEnvironment, FunctionError, FunctionErrorCause, ResponseHead, ResponsePart,
};
use protocol::link::frame::CHUNK_BYTES_MAX;
use protocol::telemetry::Platform;

use super::Actor;
use super::records::sampled_trace;
use crate::clock;
use crate::events::RuntimeAnswer;

/// Content type of an error that the platform makes.
const JSON: &str = "application/json";

impl Actor {
    pub(super) fn fail(&mut self, failure: &Failure) {
        let Some(invocation) = &self.invocation else { return };
        let request = invocation.invoke.request_id;
        self.logs.drain();
        if let Some(lines) = failure.log_lines(request, &clock::iso(clock::epoch_millis())) {
            self.logs.record(|| Platform::Fault(failure.fault(request, &lines)), Some(&lines));
        }
        let cause = match failure {
            Failure::TimedOut { .. } => FunctionErrorCause::TimedOut,
            // Whatever it was, it happened while the runtime was started again.
            _ if !invocation.handed_over => FunctionErrorCause::Init,
            _ => FunctionErrorCause::Crashed,
        };
        let error_type = failure.error_type().to_owned();
        let payload = Bytes::from(failure.payload(request));
        self.answer(Some(FunctionError { cause, error_type }), JSON.to_owned(), vec![payload]);
    }

    /// The runtime's own answer.
    pub(super) fn forward(&mut self, answer: RuntimeAnswer) {
        let error = answer
            .error_type
            .map(|error_type| FunctionError { cause: FunctionErrorCause::Handler, error_type });
        self.answer(error, answer.content_type, answer.body);
        if let Some(cause) = answer.cause {
            self.tell_cause(cause);
        }
    }

    /// Why the handler failed, for its trace where that is collected; it may be lost.
    fn tell_cause(&mut self, cause: Bytes) {
        let Some(invocation) = self.invocation.as_ref().filter(|running| sampled_trace(running).is_some())
        else {
            return;
        };
        let message = FromEnvironment::ErrorCause { attempt: invocation.invoke.attempt };
        self.peers.send_if_room(invocation.link, message, cause);
    }

    pub(super) fn answer(
        &mut self,
        function_error: Option<FunctionError>,
        content_type: String,
        body: Vec<Bytes>,
    ) {
        let Some(invocation) = &mut self.invocation else { return };
        invocation.remaining_ms = invocation.remaining().as_millis();
        invocation.marks.answered = Some(clock::now());
        if function_error.is_none() {
            invocation.marks.responded = true;
            invocation.marks.produced_bytes += body.iter().map(Bytes::len).sum::<usize>();
        }
        if self.end_stream(function_error.as_ref(), &body) {
            return;
        }
        let Some(invocation) = &self.invocation else { return };
        let (link, attempt) = (invocation.link, invocation.invoke.attempt);
        let mut head = Some(ResponseHead { function_error, content_type });
        let mut parts = parts_of(body).into_iter().peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            let message =
                FromEnvironment::Response(ResponsePart { attempt, last, head: head.take(), error: None });
            self.peers.send(link, message, part);
        }
    }
}

/// A body in parts of at most [`CHUNK_BYTES_MAX`]; an empty one is one empty part.
///
/// Each piece is let go of as soon as it is copied, so the body is never there twice.
fn parts_of(body: Vec<Bytes>) -> Vec<Bytes> {
    let (mut parts, mut part) = (Vec::new(), BytesMut::new());
    if let [only] = body.as_slice()
        && only.len() <= CHUNK_BYTES_MAX
    {
        return body;
    }
    for mut piece in body {
        while !piece.is_empty() {
            let room = CHUNK_BYTES_MAX - part.len();
            part.extend_from_slice(&piece.split_to(room.min(piece.len())));
            if part.len() == CHUNK_BYTES_MAX {
                parts.push(std::mem::take(&mut part).freeze());
            }
        }
    }
    if !part.is_empty() || parts.is_empty() {
        parts.push(part.freeze());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_cut_at_the_bound_and_nowhere_else() {
        for (pieces, expected) in [
            (vec![], vec![0]),
            (vec![0], vec![0]),
            (vec![5], vec![5]),
            (vec![CHUNK_BYTES_MAX], vec![CHUNK_BYTES_MAX]),
            (vec![CHUNK_BYTES_MAX + 1], vec![CHUNK_BYTES_MAX, 1]),
            (vec![CHUNK_BYTES_MAX, 3, 4], vec![CHUNK_BYTES_MAX, 7]),
        ] {
            let body = pieces.iter().map(|length| Bytes::from(vec![b'x'; *length])).collect();
            let lengths: Vec<usize> = parts_of(body).iter().map(Bytes::len).collect();
            assert_eq!(lengths, expected, "{pieces:?}");
        }
    }
}
