//! `application/vnd.amazon.eventstream`: the frames in which a streamed response reaches a caller.
//!
//! ```text
//! total length u32 │ headers' length u32 │ CRC-32 of both │ headers │ payload │ CRC-32 of all before it
//! header: name length u8 │ name │ 7 (a string) │ value length u16 │ value
//! ```
//!
//! All numbers are big-endian. Payload chunks come as the function writes them; one `InvokeComplete` ends the
//! stream, and a stream without it broke off.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;

/// Content type of a body of frames.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// Bytes of a frame besides headers and payload: three numbers before them and one after.
const FRAMING_BYTES: usize = 16;
/// The type of a header whose value is a string.
const STRING: u8 = 7;

/// What the last frame tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct InvokeComplete {
    /// Such as `Runtime.ExitError`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The error, as a caller of Invoke reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_details: Option<String>,
    /// The log tail, base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_result: Option<String>,
}

impl InvokeComplete {
    /// The frame.
    pub fn frame(&self) -> Bytes {
        // Three strings can always be written.
        let payload = serde_json::to_vec(self).unwrap_or_else(|_| b"{}".to_vec());
        frame("InvokeComplete", "application/json", &payload)
    }
}

/// A frame with a part of the payload.
pub fn payload_chunk(payload: &[u8]) -> Bytes {
    frame("PayloadChunk", "application/octet-stream", payload)
}

/// A frame of an event, its headers in the order in which AWS sends them.
fn frame(event: &'static str, content_type: &'static str, payload: &[u8]) -> Bytes {
    let mut headers = BytesMut::with_capacity(128);
    for (name, value) in [(":event-type", event), (":content-type", content_type), (":message-type", "event")]
    {
        put_header(&mut headers, name, value);
    }
    let total = FRAMING_BYTES + headers.len() + payload.len();
    let mut frame = BytesMut::with_capacity(total);
    frame.put_u32(length(total));
    frame.put_u32(length(headers.len()));
    let checksum = crc32fast::hash(&frame);
    frame.put_u32(checksum);
    frame.extend_from_slice(&headers);
    frame.extend_from_slice(payload);
    let checksum = crc32fast::hash(&frame);
    frame.put_u32(checksum);
    frame.freeze()
}

fn put_header(headers: &mut BytesMut, name: &'static str, value: &'static str) {
    headers.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
    headers.extend_from_slice(name.as_bytes());
    headers.put_u8(STRING);
    headers.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
    headers.extend_from_slice(value.as_bytes());
}

/// A length on the wire; payloads are bounded by the link's frames, far below what fits.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq)]
    struct Read {
        headers: Vec<(String, String)>,
        payload: Vec<u8>,
    }

    fn number(bytes: &[u8]) -> usize {
        bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
    }

    /// Takes one frame off `wire` as botocore does: prelude, its checksum, the whole frame's, the headers.
    fn read(wire: &mut &[u8]) -> Read {
        let (total, headers_length) = (number(&wire[..4]), number(&wire[4..8]));
        assert_eq!(number(&wire[8..12]), crc32fast::hash(&wire[..8]) as usize, "the prelude's checksum");
        let (frame, rest) = wire.split_at(total);
        let (covered, checksum) = frame.split_at(total - 4);
        assert_eq!(number(checksum), crc32fast::hash(covered) as usize, "the frame's checksum");
        *wire = rest;
        let (mut headers, payload) = covered[12..].split_at(headers_length);
        let mut take = |length: usize| {
            let (taken, rest) = headers.split_at(length);
            headers = rest;
            taken.to_vec()
        };
        let mut read = Vec::new();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let mut left = headers_length;
        while left > 0 {
            let name_length = number(&take(1));
            let name = text(take(name_length));
            assert_eq!(take(1), [STRING]);
            let value_length = number(&take(2));
            let value = text(take(value_length));
            left -= 4 + name.len() + value.len();
            read.push((name, value));
        }
        Read { headers: read, payload: payload.to_vec() }
    }

    fn headers(event: &str, content_type: &str) -> Vec<(String, String)> {
        [(":event-type", event), (":content-type", content_type), (":message-type", "event")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    #[test]
    fn the_frame_is_the_one_that_aws_was_seen_to_send() {
        // PayloadChunk with a newline, the bytes before the payload from a capture of the service.
        let captured =
            b"\x0b:event-type\x07\x00\x0cPayloadChunk\x0d:content-type\x07\x00\x18application/octet-stream\
                         \x0d:message-type\x07\x00\x05event";
        let wire = payload_chunk(b"\n");
        assert_eq!(&wire[12..wire.len() - 5], captured);
        // Total length, length of the headers, and their checksum in that capture, whose payload had 11 bytes.
        let prelude = [0, 0, 0, 0x76, 0, 0, 0, 0x5a, 0x98, 0x0e, 0x72, 0xec];
        assert_eq!(payload_chunk(&[b'x'; 12])[..12], prelude);
        assert_eq!(wire.len(), number(&wire[..4]));
    }

    #[test]
    fn the_end_tells_only_what_there_is() {
        let payload = |complete: &InvokeComplete| {
            let read = read(&mut &complete.frame()[..]);
            assert_eq!(read.headers, headers("InvokeComplete", "application/json"));
            String::from_utf8(read.payload).unwrap()
        };
        assert_eq!(payload(&InvokeComplete::default()), "{}");
        let all = InvokeComplete {
            error_code: Some("Runtime.ExitError".into()),
            error_details: Some("{\"a\":1}".into()),
            log_result: Some("TE9H".into()),
        };
        let expected = r#"{"ErrorCode":"Runtime.ExitError","ErrorDetails":"{\"a\":1}","LogResult":"TE9H"}"#;
        assert_eq!(payload(&all), expected);
    }

    proptest! {
        #[test]
        fn a_decoder_reads_what_was_written(parts: Vec<Vec<u8>>) {
            let wire: Vec<u8> = parts.iter().flat_map(|part| payload_chunk(part)).collect();
            let mut left = wire.as_slice();
            for part in parts {
                let expected = Read { headers: headers("PayloadChunk", "application/octet-stream"), payload: part };
                prop_assert_eq!(read(&mut left), expected);
            }
            prop_assert!(left.is_empty());
        }
    }
}
