//! The responses of the Runtime API, each written with its head in one piece.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use protocol::metadata_api;
use protocol::runtime_api::{ACCEPTED_BODY, Refusal};

use crate::events::RuntimeEvent;

/// A complete response.
pub(super) type Answer = Response<Full<Bytes>>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// An event for the runtime.
pub(super) fn event(event: &Arc<RuntimeEvent>) -> Answer {
    let mut answer = Response::new(Full::new(event.payload.clone()));
    let headers = answer.headers_mut();
    // Clients crash without it, and Python's hands out bytes where it is anything else.
    headers.insert(CONTENT_TYPE, JSON);
    headers.extend(event.headers.iter().cloned());
    answer
}

/// An accepted answer.
pub(super) fn accepted() -> Answer {
    with(StatusCode::ACCEPTED.as_u16(), JSON, ACCEPTED_BODY)
}

/// A refused call.
pub(super) fn refused(refusal: Refusal) -> Answer {
    with(refusal.status(), JSON, refusal.body())
}

/// A call with another method than its path has; `allowed` names those that it has.
pub(super) fn wrong_method(allowed: &'static str) -> Answer {
    let mut answer = refused(Refusal::MethodNotAllowed);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

/// The answer to `ping`: text, as the emulator's server takes it for.
pub(super) fn pong() -> Answer {
    with(StatusCode::OK.as_u16(), TEXT, "pong")
}

/// The metadata endpoint's answer.
pub(super) fn described(zone_id: &str) -> Answer {
    let mut answer = with(StatusCode::OK.as_u16(), JSON, metadata_api::described(zone_id));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(metadata_api::CACHE_CONTROL));
    answer
}

/// The metadata endpoint's refusal.
pub(super) fn not_described(refusal: metadata_api::Refusal) -> Answer {
    with(refusal.status(), TEXT, refusal.body())
}

fn with(status: u16, content_type: HeaderValue, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}
