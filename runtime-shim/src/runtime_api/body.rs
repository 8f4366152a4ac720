//! Reading the body of a call, within a bound.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::{Body, Incoming};
use protocol::runtime_api::headers;

/// What is read and thrown away of a body that is too large, in bytes, so that a client that writes first and
/// reads afterwards gets to read its status. Beyond it the connection is cut.
const DISCARDED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A body, or why there is none.
#[derive(Debug)]
pub(super) enum Read {
    /// All of it.
    Whole {
        /// As it came.
        body: Vec<Bytes>,
        /// The error in its trailer: a response that failed half-way.
        failed: Option<StreamError>,
    },
    /// It is over the bound.
    TooLarge,
    /// It broke off.
    Truncated,
}

/// An error that a runtime tells of after it has begun its response.
#[derive(Debug)]
pub(super) struct StreamError {
    /// As told.
    pub error_type: String,
    /// The error's JSON.
    pub body: Vec<u8>,
}

/// Reads a body of at most `bytes_max`.
pub(super) async fn read(mut incoming: Incoming, bytes_max: usize) -> Read {
    let announced = incoming.size_hint().lower();
    let mut too_large = usize::try_from(announced).map_or(true, |announced| announced > bytes_max);
    let (mut body, mut length, mut failed) = (Vec::new(), 0_usize, None);
    while let Some(frame) = incoming.frame().await {
        let Ok(frame) = frame else { return if too_large { Read::TooLarge } else { Read::Truncated } };
        match frame.into_data() {
            Ok(data) => {
                length = length.saturating_add(data.len());
                too_large |= length > bytes_max;
                if too_large {
                    body = Vec::new();
                } else if !data.is_empty() {
                    body.push(data);
                }
                if length > DISCARDED_BYTES_MAX {
                    return Read::TooLarge;
                }
            }
            Err(frame) => failed = frame.trailers_ref().and_then(stream_error),
        }
    }
    if too_large { Read::TooLarge } else { Read::Whole { body, failed } }
}

fn stream_error(trailers: &HeaderMap) -> Option<StreamError> {
    let text =
        |name| trailers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let error_type = text(headers::FUNCTION_ERROR_TYPE)?.to_owned();
    let body = text(headers::FUNCTION_ERROR_BODY).and_then(|text| STANDARD.decode(text).ok());
    Some(StreamError { error_type, body: body.unwrap_or_default() })
}
