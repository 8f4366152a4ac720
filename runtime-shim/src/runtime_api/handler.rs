//! From a request to an input of the actor, and from its verdict to a response.

use std::convert::Infallible;

use bytes::Bytes;
use domain::RequestId;
use domain::environment::InitError;
use domain::failure::Failure;
use domain::limits::RESPONSE_PAYLOAD_BYTES_MAX;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{HeaderMap, Request};
use protocol::extensions_api;
use protocol::metadata_api;
use protocol::runtime_api::call::NoCall;
use protocol::runtime_api::error_body::{self, CallersError};
use protocol::runtime_api::{Call, ERROR_BODY_BYTES_MAX, Refusal, error_cause, headers};

use super::answers::{self, Answer};
use super::body::{self, Read};
use super::extensions;
use super::stream;
use super::verdict::{ask, complete, unusable};
use crate::events::{Event, Events, NextCall, RuntimeAnswer};
use crate::far_end::FarEnd;
use crate::metadata::Metadata;
use crate::window::Streaming;

/// Content type of an answer that names none.
const DEFAULT_CONTENT_TYPE: &str = "application/octet-stream";
/// Longest content type that is passed on, in bytes.
const CONTENT_TYPE_BYTES_MAX: usize = 256;

/// Handles one request.
pub(super) async fn handle(
    request: Request<Incoming>,
    events: Events,
    metadata: Metadata,
    far_end: FarEnd,
) -> Result<Answer, Infallible> {
    if metadata_api::is_at(request.uri().path()) {
        return Ok(described(&request, &metadata));
    }
    if let Some(call) = extensions_api::Call::read(request.method().as_str(), request.uri().path()) {
        return Ok(extensions::handle(call, request, &events).await);
    }
    let call = Call::read(request.method().as_str(), request.uri().path());
    let done = match call {
        Ok(Call::Ping) => Ok(answers::pong()),
        Ok(Call::Next) => {
            let event = ask(&events, |reply| Event::Next(NextCall { reply, far_end })).await;
            event.map(|event| answers::event(&event))
        }
        Ok(Call::Response(id)) => response(id, request, &events).await,
        Ok(Call::Error(id)) => error(id, request, &events).await,
        Ok(Call::InitError) => init_error(request, &events).await,
        Err(NoCall::UnknownPath) => Err(Refusal::NotFound),
        Err(NoCall::WrongMethod(allowed)) => Ok(answers::wrong_method(allowed)),
        Err(NoCall::BadRequestId) => Err(Refusal::InvalidRequestId),
    };
    Ok(done.unwrap_or_else(answers::refused))
}

/// The answer of the metadata endpoint.
fn described(request: &Request<Incoming>, metadata: &Metadata) -> Answer {
    let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let allowed = metadata_api::check(request.method().as_str(), authorization, metadata.token());
    match (allowed, metadata.zone_id()) {
        (Ok(()), Some(zone_id)) => answers::described(zone_id),
        (Ok(()), None) => answers::refused(Refusal::Internal),
        (Err(refusal), _) => answers::not_described(refusal),
    }
}

async fn response(id: RequestId, request: Request<Incoming>, events: &Events) -> Result<Answer, Refusal> {
    let (head, incoming) = request.into_parts();
    let mode = head.headers.get(headers::RESPONSE_MODE);
    let is_streamed = mode.is_some_and(|mode| mode == headers::RESPONSE_MODE_STREAMING);
    let streamed = is_streamed.then(|| content_type(&head.headers));
    if let Some(streaming) = begin(id, &head.headers, streamed, events).await? {
        return stream::pass_on(id, incoming, &streaming, events).await;
    }
    if mode.is_some_and(|mode| mode != headers::RESPONSE_MODE_STREAMING) {
        unusable(id, Failure::InvalidResponseMode, events).await?;
        return Err(Refusal::InvalidResponseMode);
    }
    let content_type = content_type(&head.headers);
    let answer = match body::read(incoming, RESPONSE_PAYLOAD_BYTES_MAX).await {
        Read::Whole { body, failed: None } => {
            RuntimeAnswer { error_type: None, content_type, body, cause: None }
        }
        Read::Whole { failed: Some(failed), .. } => failed.into_answer(content_type),
        Read::TooLarge => {
            unusable(id, Failure::ResponseTooLarge, events).await?;
            return Err(Refusal::TooLarge);
        }
        Read::Truncated => {
            unusable(id, Failure::TruncatedResponse, events).await?;
            return Err(Refusal::TruncatedRequest);
        }
    };
    complete(id, answer, events).await
}

async fn error(id: RequestId, request: Request<Incoming>, events: &Events) -> Result<Answer, Refusal> {
    let (head, incoming) = request.into_parts();
    begin(id, &head.headers, None, events).await?;
    match body::read(incoming, ERROR_BODY_BYTES_MAX).await {
        Read::Whole { body, .. } => complete(id, told_error(&head.headers, body), events).await,
        Read::TooLarge => {
            unusable(id, Failure::ResponseTooLarge, events).await?;
            Err(Refusal::TooLarge)
        }
        Read::Truncated => {
            unusable(id, Failure::TruncatedResponse, events).await?;
            Err(Refusal::TruncatedRequest)
        }
    }
}

/// The error that a runtime tells, and its cause; of one that has this in its body, what is the caller's.
fn told_error(head: &HeaderMap, body: Vec<Bytes>) -> RuntimeAnswer {
    let (error_type, content_type) = (Some(told_error_type(head)), content_type(head));
    if content_type != error_body::ERROR_WITH_CAUSE {
        let told = head.get(headers::XRAY_ERROR_CAUSE);
        let cause = told.and_then(|told| error_cause::checked(told.as_bytes())).map(Bytes::from);
        return RuntimeAnswer { error_type, content_type, body, cause };
    }
    let CallersError { body, content_type, cause } = error_body::without_cause(&body.concat());
    let (body, cause) = (vec![body.into()], cause.map(Bytes::from));
    RuntimeAnswer { error_type, content_type: content_type.to_owned(), body, cause }
}

async fn init_error(request: Request<Incoming>, events: &Events) -> Result<Answer, Refusal> {
    let (head, incoming) = request.into_parts();
    let body = match body::read(incoming, ERROR_BODY_BYTES_MAX).await {
        Read::Whole { body, .. } => body.concat(),
        Read::TooLarge => return Err(Refusal::TooLarge),
        Read::Truncated => return Err(Refusal::TruncatedRequest),
    };
    let error = InitError {
        error_type: told_error_type(&head.headers),
        body,
        content_type: content_type(&head.headers),
    };
    ask(events, |reply| Event::InitError { error, reply }).await?;
    Ok(answers::accepted())
}

/// Asks whether the answer is let in, before any of its body is read, and whether it is to be passed on as it
/// comes.
async fn begin(
    id: RequestId,
    head: &HeaderMap,
    streamed: Option<String>,
    events: &Events,
) -> Result<Option<Streaming>, Refusal> {
    // An echo that cannot be read is some other attempt's; one that is absent is an older client's.
    let attempt = head
        .get(headers::INVOCATION_ID)
        .map(|echo| echo.to_str().ok().and_then(|echo| echo.parse().ok()).ok_or(Refusal::InvokeTimeout))
        .transpose()?;
    ask(events, |reply| Event::AnswerBegun { request: id, attempt, streamed, reply }).await
}

fn told_error_type(head: &HeaderMap) -> String {
    headers::sanitised_error_type(head.get(headers::FUNCTION_ERROR_TYPE).and_then(|told| told.to_str().ok()))
}

fn content_type(head: &HeaderMap) -> String {
    let told = head.get(CONTENT_TYPE).and_then(|told| told.to_str().ok());
    told.filter(|told| told.len() <= CONTENT_TYPE_BYTES_MAX).unwrap_or(DEFAULT_CONTENT_TYPE).to_owned()
}
