//! From values to HTTP answers.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::lambda_api::{ServiceError, headers};

use crate::answer::{Answer, Ran};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The answer of an invocation that ran or would have.
pub(super) fn invoked(answer: Answer, trace: &str) -> Response<Body> {
    let mut response = match answer {
        Answer::DryRun => empty(StatusCode::NO_CONTENT),
        Answer::Ran(ran) => ran_answer(ran),
    };
    set(&mut response, headers::TRACE_ID, trace);
    response
}

fn ran_answer(ran: Ran) -> Response<Body> {
    let mut response = Response::new(Body::from(ran.payload));
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    set(&mut response, headers::EXECUTED_VERSION, &ran.version);
    if ran.is_error {
        set(&mut response, headers::FUNCTION_ERROR, headers::FUNCTION_ERROR_UNHANDLED);
    }
    if let Some(log_tail) = ran.log_tail {
        set(&mut response, headers::LOG_RESULT, &STANDARD.encode(log_tail));
    }
    response
}

/// A description that was asked for.
pub(super) fn json(body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// An error of the Lambda API.
pub(super) fn failed(error: &ServiceError) -> Response<Body> {
    let status = StatusCode::from_u16(error.exception.status());
    let mut response = Response::new(Body::from(error.body()));
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    set(&mut response, headers::ERROR_TYPE, error.exception.name());
    response
}

/// What an error of the Lambda API is called.
pub(super) fn error_type(response: &Response<Body>) -> Option<&str> {
    response.headers().get(headers::ERROR_TYPE)?.to_str().ok()
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Sets a header whose value is known to be fit for one; one that is not is left out rather than sent broken.
pub(super) fn set(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
