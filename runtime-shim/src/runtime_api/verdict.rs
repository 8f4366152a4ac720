//! What the actor says of a call, which decides how the call is answered.

use domain::RequestId;
use domain::failure::Failure;
use protocol::runtime_api::Refusal;
use tokio::sync::oneshot;

use super::answers::{self, Answer};
use crate::events::{Event, Events, Reply, RuntimeAnswer};

/// Tells the actor, and waits for its verdict. An actor that drops the question has no use for it any more.
pub(super) async fn ask<T>(events: &Events, event: impl FnOnce(Reply<T>) -> Event) -> Result<T, Refusal> {
    let (reply, verdict) = oneshot::channel();
    events.send(event(reply)).await.map_err(|_| Refusal::Internal)?;
    verdict.await.unwrap_or(Err(Refusal::InvalidStateTransition))
}

/// Tells the actor of an answer that is whole.
pub(super) async fn complete(
    id: RequestId,
    answer: RuntimeAnswer,
    events: &Events,
) -> Result<Answer, Refusal> {
    ask(events, |reply| Event::AnswerCompleted { request: id, answer, reply }).await?;
    Ok(answers::accepted())
}

/// Tells why an answer cannot be used. Its connection stays open until that is known, so that a runtime that
/// broke off because it exited is told as having broken off.
pub(super) async fn unusable(id: RequestId, failure: Failure, events: &Events) -> Result<(), Refusal> {
    ask(events, |reply| Event::AnswerUnusable { request: id, failure, reply }).await
}
