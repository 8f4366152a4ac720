//! The responses of the Runtime API, each written with its head in one piece.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use protocol::runtime_api::{ACCEPTED_BODY, Refusal};

use crate::events::RuntimeEvent;

/// A complete response.
pub(super) type Answer = Response<Full<Bytes>>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

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
    with(StatusCode::ACCEPTED, ACCEPTED_BODY)
}

/// A refused call.
pub(super) fn refused(refusal: Refusal) -> Answer {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    with(status, refusal.body())
}

/// The answer to `/ping`.
pub(super) fn pong() -> Answer {
    Response::new(Full::new(Bytes::from_static(b"pong")))
}

fn with(status: StatusCode, body: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}
