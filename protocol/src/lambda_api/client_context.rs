//! `X-Amz-Client-Context`: base64 of a JSON object, at most 3,583 characters.
//!
//! What was sent is handed to the function byte for byte, never re-keyed: clients differ in how they spell its
//! keys. The one change: line breaks between JSON tokens become spaces, since the Runtime API carries the text
//! in a header. Inside strings JSON allows no raw line break, so nothing else is touched.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use domain::limits::CLIENT_CONTEXT_BASE64_BYTES_MAX;
use serde::de::IgnoredAny;

use super::errors::{Exception, ServiceError};

/// The standard alphabet; padding may be left out, as AWS's decoder lets it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes the header's value.
pub fn decode(header: &[u8]) -> Result<String, ServiceError> {
    if header.len() > CLIENT_CONTEXT_BASE64_BYTES_MAX {
        let constraint =
            format!("Member must have length less than or equal to {CLIENT_CONTEXT_BASE64_BYTES_MAX}");
        let start = String::from_utf8_lossy(header.get(..64).unwrap_or(header));
        let shown = format!("{}...", start.escape_debug());
        return Err(ServiceError::validation(&shown, "clientContext", &constraint));
    }
    let decoded = BASE64.decode(header).ok();
    decoded
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|text| is_json_object(text))
        .map(|text| text.replace(['\r', '\n'], " "))
        .filter(|text| !text.contains('\u{7f}'))
        .ok_or_else(|| {
            let message = "Client context must be a valid Base64-encoded JSON object.";
            ServiceError::new(Exception::InvalidRequestContent, message)
        })
}

fn is_json_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(bytes: &[u8]) -> String {
        BASE64.encode(bytes)
    }

    fn refused(header: &str) -> Exception {
        decode(header.as_bytes()).unwrap_err().exception
    }

    #[test]
    fn a_pretty_printed_object_becomes_one_line_and_nothing_else_changes() {
        let context = "{\r\n  \"Custom\": {\"a\": \"\\n\u{e9}\"},\n\"env\":{}}";
        let expected = "{    \"Custom\": {\"a\": \"\\n\u{e9}\"}, \"env\":{}}";
        assert_eq!(decode(encode(context.as_bytes()).as_bytes()).unwrap(), expected);
        assert_eq!(decode(encode(context.as_bytes()).trim_end_matches('=').as_bytes()).unwrap(), expected);
    }

    #[test]
    fn what_is_no_object_in_base64_is_refused() {
        for context in
            ["", "[]", "\"a\"", "{", "{\"a\":\"\0\"}", "{}\0", "{\"a\":\"\n\"}", "{\"a\":\"\u{7f}\"}"]
        {
            assert_eq!(refused(&encode(context.as_bytes())), Exception::InvalidRequestContent, "{context:?}");
        }
        for header in ["string", "e30=x", "e30\n", "====", "e3"] {
            assert_eq!(refused(header), Exception::InvalidRequestContent, "{header:?}");
        }
        assert_eq!(refused(&encode(b"{\"a\":\"\xff\"}")), Exception::InvalidRequestContent);
    }

    #[test]
    fn the_length_is_bounded_at_3583_characters() {
        // 3,583 is no multiple of four: the longest context of that length leaves its padding out.
        let context = format!("{{\"a\":\"{}\"}}", "x".repeat(2_679));
        let header = encode(context.as_bytes());
        let header = header.trim_end_matches('=');
        assert_eq!(header.len(), 3_583);
        assert_eq!(decode(header.as_bytes()).unwrap(), context);
        assert_eq!(
            decode(&header.as_bytes()[..3_582]).unwrap_err().exception,
            Exception::InvalidRequestContent
        );
        assert_eq!(refused(&format!("{header}=")), Exception::Validation);
    }

    proptest! {
        #[test]
        fn no_header_makes_the_decoder_panic_or_break_a_line(header: Vec<u8>) {
            if let Ok(text) = decode(&header) {
                prop_assert!(!text.contains(['\r', '\n', '\0']));
            }
        }
    }
}
