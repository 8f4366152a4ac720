//! Reading the body of a call, within a bound.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::{Body, Frame, Incoming};
use protocol::runtime_api::headers;

use crate::events::RuntimeAnswer;

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

/// What comes next of a body that is passed on as it comes.
#[derive(Debug)]
pub(super) enum Next {
    /// Some of it, not empty.
    Data(Bytes),
    /// Its end, and the error in its trailer.
    End(Option<StreamError>),
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

impl StreamError {
    /// The answer that it makes of the response.
    pub(super) fn into_answer(self, content_type: String) -> RuntimeAnswer {
        RuntimeAnswer {
            error_type: Some(headers::sanitised_error_type(Some(&self.error_type))),
            content_type,
            body: vec![Bytes::from(self.body)],
            cause: None,
        }
    }
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

/// Reads on in a body that is passed on as it comes.
pub(super) async fn next(incoming: &mut Incoming) -> Next {
    let mut failed = None;
    while let Some(frame) = incoming.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) if data.is_empty() => {}
            Ok(Ok(data)) => return Next::Data(data),
            Ok(Err(frame)) => failed = frame.trailers_ref().and_then(stream_error),
            Err(_) => return Next::Truncated,
        }
    }
    Next::End(failed)
}

/// Reads and throws away what is left of a body, within the bound.
pub(super) async fn discard(mut incoming: Incoming) {
    let mut length = 0;
    while let Some(Ok(frame)) = incoming.frame().await
        && length <= DISCARDED_BYTES_MAX
    {
        length += frame.data_ref().map_or(0, Bytes::len);
    }
}

fn stream_error(trailers: &HeaderMap) -> Option<StreamError> {
    let text =
        |name| trailers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let error_type = text(headers::FUNCTION_ERROR_TYPE)?.to_owned();
    let body = text(headers::FUNCTION_ERROR_BODY).and_then(|text| STANDARD.decode(text).ok());
    Some(StreamError { error_type, body: body.unwrap_or_default() })
}
