//! Frames of a streamed response, with AWS's own crate for them as the second opinion: it reads what we write, and
//! writes the same bytes for the same message.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder, read_message_from, write_message_to};
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::{Buf, Bytes, BytesMut};
use protocol::event_stream::{InvokeComplete, payload_chunk};

use crate::run::Target;

pub const TARGETS: [Target; 1] = [Target { name: "event_stream_frames", seeds, check }];

fn seeds() -> Vec<Vec<u8>> {
    let complete = InvokeComplete {
        error_code: Some("Runtime.ExitError".into()),
        error_details: Some("RequestId: 8 Error: Runtime exited".into()),
        log_result: Some("TE9H".into()),
    };
    vec![
        b"{\"statusCode\":200}\0\0\0\0\0\0\0\0hello".to_vec(),
        payload_chunk(b"first").to_vec(),
        complete.frame().to_vec(),
        [payload_chunk(b"a"), payload_chunk(b""), InvokeComplete::default().frame()].concat(),
    ]
}

/// The input is a stream that somebody sent, and then the payload and the words of messages of our own.
fn check(input: &[u8]) -> String {
    let half = input.len() / 2;
    let text =
        |bytes: &[u8]| Some(String::from_utf8_lossy(bytes).into_owned()).filter(|text| !text.is_empty());
    let complete = InvokeComplete {
        error_code: text(&input[..half]),
        error_details: text(&input[half..]),
        log_result: text(input),
    };
    let frames = [payload_chunk(&input[..half]), complete.frame(), payload_chunk(input)];
    let payloads = [input[..half].to_vec(), serde_json::to_vec(&complete).unwrap(), input.to_vec()];
    for (frame, payload) in frames.iter().zip(&payloads) {
        assert_as_theirs(frame, payload);
    }
    assert_in_pieces(&frames, input.first().map_or(1, |first| usize::from(*first) + 1));
    theirs(input)
}

/// Their reader finds the payload, and what it read is written by their writer in our bytes.
fn assert_as_theirs(frame: &Bytes, payload: &[u8]) {
    let message = read_message_from(&mut frame.clone()).unwrap();
    assert_eq!(message.payload(), payload);
    let is_last = message.payload().starts_with(b"{") && named(&message, ":event-type") == "InvokeComplete";
    let (event, content) = if is_last {
        ("InvokeComplete", "application/json")
    } else {
        ("PayloadChunk", "application/octet-stream")
    };
    let expected = [(":event-type", event), (":content-type", content), (":message-type", "event")];
    let mut own = Message::new(Bytes::copy_from_slice(payload));
    for (name, value) in expected {
        assert_eq!(named(&message, name), value);
        own = own.add_header(Header::new(name, HeaderValue::String(value.into())));
    }
    let mut written = Vec::new();
    write_message_to(&own, &mut written).unwrap();
    assert_eq!(written, **frame);
}

fn named<'a>(message: &'a Message, name: &str) -> &'a str {
    let header = message.headers().iter().find(|header| header.name().as_str() == name);
    header.and_then(|header| header.value().as_string().ok()).unwrap().as_str()
}

/// However a stream is cut on its way, the same messages come out.
fn assert_in_pieces(frames: &[Bytes], piece: usize) {
    let (stream, mut decoder, mut buffer) = (frames.concat(), MessageFrameDecoder::new(), BytesMut::new());
    let mut count = 0;
    for part in stream.chunks(piece) {
        buffer.extend_from_slice(part);
        while let DecodedFrame::Complete(message) = decoder.decode_frame(&mut buffer).unwrap() {
            assert_eq!(read_message_from(&mut frames[count].clone()).unwrap(), message);
            count += 1;
        }
    }
    assert_eq!((count, buffer.remaining()), (frames.len(), 0));
}

/// What their reader says of the input itself: shows that the mutations are near enough to frames.
fn theirs(input: &[u8]) -> String {
    match read_message_from(input) {
        Ok(message) => {
            format!("message with {} headers", if message.headers().is_empty() { "no" } else { "some" })
        }
        Err(error) => format!("{error}"),
    }
}
