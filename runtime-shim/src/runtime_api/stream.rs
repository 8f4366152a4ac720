//! A response that is passed on part by part, as the runtime writes it.
//!
//! Its bandwidth is not limited: it goes as fast as its caller reads. An error in the trailer ends it as a
//! function error. A client that writes its trailer as text into the body (Rust's) has written payload: what is
//! in a payload is never taken for a failure.

use bytes::Bytes;
use domain::RequestId;
use domain::failure::Failure;
use domain::limits::STREAMED_RESPONSE_BYTES_MAX;
use hyper::body::Incoming;
use protocol::link::environment::STREAM_PART_BYTES_MAX;
use protocol::runtime_api::Refusal;

use super::answers::Answer;
use super::body::{self, Next, StreamError};
use super::verdict::{complete, unusable};
use crate::events::{Event, Events, RuntimeAnswer};
use crate::window::Streaming;

/// Passes a body on to its end.
pub(super) async fn pass_on(
    id: RequestId,
    mut incoming: Incoming,
    streaming: &Streaming,
    events: &Events,
) -> Result<Answer, Refusal> {
    let mut room_bytes = STREAMED_RESPONSE_BYTES_MAX;
    loop {
        match body::next(&mut incoming).await {
            Next::Data(mut data) => {
                let too_large = data.len() > room_bytes;
                data.truncate(room_bytes);
                room_bytes -= data.len();
                parts(data, streaming, events).await?;
                if too_large {
                    unusable(id, Failure::StreamedResponseTooLarge, events).await?;
                    body::discard(incoming).await;
                    return Err(Refusal::TooLarge);
                }
            }
            Next::End(failed) => return complete(id, end(failed), events).await,
            Next::Truncated => {
                unusable(id, Failure::TruncatedResponse, events).await?;
                return Err(Refusal::TruncatedRequest);
            }
        }
    }
}

/// Sends bytes on, each part once there is room for it.
async fn parts(mut data: Bytes, streaming: &Streaming, events: &Events) -> Result<(), Refusal> {
    while !data.is_empty() {
        let part = data.split_to(data.len().min(STREAM_PART_BYTES_MAX));
        if !streaming.window.room().await {
            return Err(Refusal::InvokeTimeout);
        }
        let told = events.send(Event::AnswerPart { attempt: streaming.attempt, part }).await;
        told.map_err(|_| Refusal::Internal)?;
    }
    Ok(())
}

/// The end of a response whose payload was passed on before.
fn end(failed: Option<StreamError>) -> RuntimeAnswer {
    let success =
        || RuntimeAnswer { error_type: None, content_type: String::new(), body: Vec::new(), cause: None };
    failed.map_or_else(success, |failed| failed.into_answer(String::new()))
}
