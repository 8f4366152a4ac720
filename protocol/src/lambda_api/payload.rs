//! The payload of an invoke: JSON, looked at once and never rewritten.
//!
//! The check allocates nothing for the values it passes over, and bounds the nesting that a function's own JSON
//! reader will have to follow.

use bytes::Bytes;
use domain::limits::REQUEST_PAYLOAD_BYTES_MAX;
use serde::de::IgnoredAny;

use super::errors::{Exception, ServiceError};

/// Deepest nesting of a payload, as in the JSON reader that AWS uses.
pub const JSON_NESTING_MAX: usize = 1_000;

/// What the function gets for `body`: the body itself, or `{}` where it is empty.
pub fn check(body: Bytes) -> Result<Bytes, ServiceError> {
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    if body.len() > REQUEST_PAYLOAD_BYTES_MAX {
        return Err(too_large());
    }
    let text = std::str::from_utf8(&body).map_err(|error| unreadable(&error.to_string()))?;
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return Err(unreadable(&error.to_string()));
    }
    if nests_too_deeply(&body) {
        return Err(unreadable(&format!(
            "Document nesting depth exceeds the maximum allowed ({JSON_NESTING_MAX})"
        )));
    }
    Ok(body)
}

/// The answer to a payload over its limit.
pub fn too_large() -> ServiceError {
    let message = format!(
        "Request must be smaller than {REQUEST_PAYLOAD_BYTES_MAX} bytes for the InvokeFunction operation"
    );
    ServiceError::new(Exception::RequestTooLarge, message)
}

fn unreadable(detail: &str) -> ServiceError {
    let message = format!("Could not parse request body into json: {detail}");
    ServiceError::new(Exception::InvalidRequestContent, message)
}

/// Whether valid JSON nests deeper than [`JSON_NESTING_MAX`].
fn nests_too_deeply(json: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in json {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') if depth == JSON_NESTING_MAX => return true,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_body_is_an_empty_object() {
        assert_eq!(check(Bytes::new()).unwrap(), "{}");
    }

    #[test]
    fn what_is_no_json_is_refused_in_awss_words() {
        for body in
            [&b"{"[..], b" ", b"{}x", b"'a'", b"\xff", b"\"\xff\"", b"\"\n\"", b"\xef\xbb\xbf{}", b"NaN"]
        {
            let error = check(Bytes::copy_from_slice(body)).unwrap_err();
            assert_eq!(error.exception, Exception::InvalidRequestContent);
            assert!(error.message.starts_with("Could not parse request body into json: "), "{error:?}");
        }
    }

    #[test]
    fn the_length_is_bounded_at_6_mib() {
        let of_length = |length: usize| Bytes::from(format!("\"{}\"", "x".repeat(length - 2)));
        assert!(check(of_length(REQUEST_PAYLOAD_BYTES_MAX - 1)).is_ok());
        assert!(check(of_length(REQUEST_PAYLOAD_BYTES_MAX)).is_ok());
        assert_eq!(check(of_length(REQUEST_PAYLOAD_BYTES_MAX + 1)), Err(too_large()));
    }

    #[test]
    fn the_nesting_is_bounded() {
        let nested = |depth: usize| Bytes::from("[".repeat(depth) + &"]".repeat(depth));
        assert!(check(nested(JSON_NESTING_MAX)).is_ok());
        assert!(check(nested(JSON_NESTING_MAX + 1)).is_err());
        assert!(check(nested(3_000_000)).is_err());
        let brackets_in_a_string = format!(r#""\"{}""#, "[".repeat(2 * JSON_NESTING_MAX));
        assert!(check(Bytes::from(brackets_in_a_string)).is_ok());
    }

    proptest! {
        #[test]
        fn a_payload_is_never_changed(body: Vec<u8>) {
            if let Ok(payload) = check(Bytes::from(body.clone())) {
                prop_assert!(payload == body || body.is_empty());
            }
        }

        #[test]
        fn every_json_text_passes(text in "\\PC{0,100}", number: f64) {
            let json = serde_json::json!({"text": text, "list": [number, null]}).to_string();
            prop_assert!(check(Bytes::from(json)).is_ok());
        }
    }
}
