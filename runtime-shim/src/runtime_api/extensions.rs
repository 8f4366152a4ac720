//! The Extensions API's calls: from a request to an input of the actor, and from its verdict to a response.

use bytes::Bytes;
use domain::ExtensionId;
use domain::extensions::Refusal;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Response, StatusCode};
use protocol::extensions_api::{self, BODY_BYTES_MAX, Call, REFUSED_STATUS, Register, headers};
use protocol::runtime_api::{self, ACCEPTED_BODY};
use protocol::telemetry::{Api, Subscription};
use tokio::sync::oneshot;

use super::answers::{self, Answer};
use super::body::{self, Read};
use crate::events::{Event, Events, ExtensionAnswer, ExtensionCall};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Handles one call; `call` names the right methods where the method is wrong.
pub(super) async fn handle(
    call: Result<Call, &'static str>,
    request: Request<Incoming>,
    events: &Events,
) -> Answer {
    let call = match call {
        Ok(call) => call,
        Err(allowed) => return answers::wrong_method(allowed),
    };
    let (head, incoming) = request.into_parts();
    let Read::Whole { body, .. } = body::read(incoming, BODY_BYTES_MAX).await else {
        return refused(&Refusal::InvalidFormat("the body is too large or was cut off".to_owned()));
    };
    let call = match read(call, &head.headers, &body.concat()) {
        Ok(call) => call,
        Err(refusal) => return refused(&refusal),
    };
    match ask(events, call).await {
        Ok(Ok(answer)) => answered(answer),
        Ok(Err(refusal)) => refused(&refusal),
        Err(refusal) => answers::refused(refusal),
    }
}

fn read(call: Call, head: &HeaderMap, body: &[u8]) -> Result<ExtensionCall, Refusal> {
    match call {
        Call::Register => {
            let name = text(head, headers::NAME).unwrap_or_default().to_owned();
            if name.is_empty() {
                return Err(Refusal::EmptyName);
            }
            let features = text(head, headers::ACCEPT_FEATURE).unwrap_or_default();
            let account = features.split(',').any(|feature| feature.trim() == headers::FEATURE_ACCOUNT_ID);
            Ok(ExtensionCall::Register { name, events: Register::read(body)?.events, account })
        }
        Call::Next => Ok(ExtensionCall::Next { id: identifier(head)? }),
        Call::SubscribeTelemetry => subscribe(head, body, Api::Telemetry),
        Call::SubscribeLogs => subscribe(head, body, Api::Logs),
        Call::InitError => {
            let (id, error_type) = error(head, "Extension.InitError")?;
            Ok(ExtensionCall::InitError { id, error_type })
        }
        Call::ExitError => {
            let (id, error_type) = error(head, "Extension.ExitError")?;
            Ok(ExtensionCall::ExitError { id, error_type })
        }
    }
}

fn subscribe(head: &HeaderMap, body: &[u8], api: Api) -> Result<ExtensionCall, Refusal> {
    let id = identifier(head)?;
    Ok(ExtensionCall::Subscribe { id, api, subscription: Subscription::read(api, body) })
}

fn error(head: &HeaderMap, default: &'static str) -> Result<(ExtensionId, String), Refusal> {
    let id = identifier(head)?;
    let told = text(head, headers::FUNCTION_ERROR_TYPE).filter(|told| !told.is_empty());
    let told = told.ok_or(Refusal::MissingHeader(headers::FUNCTION_ERROR_TYPE))?;
    Ok((id, extensions_api::sanitised_error_type(told, default)))
}

fn identifier(head: &HeaderMap) -> Result<ExtensionId, Refusal> {
    let told = text(head, headers::IDENTIFIER).filter(|told| !told.is_empty());
    told.ok_or(Refusal::MissingIdentifier)?.parse().map_err(|_| Refusal::InvalidIdentifier)
}

fn text<'a>(head: &'a HeaderMap, name: &str) -> Option<&'a str> {
    head.get(name)?.to_str().ok()
}

/// Tells the actor and waits for its verdict.
async fn ask(
    events: &Events,
    call: ExtensionCall,
) -> Result<Result<ExtensionAnswer, Refusal>, runtime_api::Refusal> {
    let (reply, verdict) = oneshot::channel();
    let told = events.send(Event::Extension { call, reply }).await;
    told.map_err(|_| runtime_api::Refusal::Internal)?;
    verdict.await.map_err(|_| runtime_api::Refusal::InvalidStateTransition)
}

fn answered(answer: ExtensionAnswer) -> Answer {
    match answer {
        ExtensionAnswer::Registered(id, body) => {
            with(StatusCode::OK, body, Some((headers::IDENTIFIER, id.to_string())))
        }
        ExtensionAnswer::Event { identifier: Some(id), body } => {
            with(StatusCode::OK, body, Some((headers::EVENT_IDENTIFIER, id)))
        }
        ExtensionAnswer::Event { identifier: None, body } => {
            let mut answer = with(StatusCode::OK, body, None);
            // The last event. Recorded: AWS names no type for it, so its server takes the JSON for text.
            answer.headers_mut().insert(CONTENT_TYPE, answers::TEXT);
            answer
        }
        ExtensionAnswer::Subscribed { status, body } => {
            with(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body, None)
        }
        ExtensionAnswer::Accepted => with(StatusCode::ACCEPTED, ACCEPTED_BODY.to_owned(), None),
    }
}

fn refused(refusal: &Refusal) -> Answer {
    let status = StatusCode::from_u16(REFUSED_STATUS).unwrap_or(StatusCode::FORBIDDEN);
    with(status, extensions_api::refused(refusal), None)
}

fn with(status: StatusCode, body: String, header: Option<(&'static str, String)>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    if let Some((name, value)) = header
        && let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(value))
    {
        answer.headers_mut().insert(HeaderName::from_static(name), value);
    }
    answer
}
