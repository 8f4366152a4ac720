//! The frames in which AWS's runtime clients write log records to `_LAMBDA_TELEMETRY_LOG_FD`, so that a record
//! may have several lines.
//!
//! ```text
//! 0–3   0xA55A0000 | level << 2 | 2 (a timestamp follows) | 1 (the message is text, not JSON), big-endian
//! 4–7   length of the message in bytes, big-endian
//! 8–15  microseconds since the epoch, big-endian, if the type says so
//! then  message
//! ```
//!
//! Older clients (Python's up to 2.0.4, and .NET's) write no timestamp, and know one type only: 0xA55A0001.

/// Length of what precedes a message at least and at most, in bytes: without and with a timestamp.
pub const HEAD_BYTES_MIN: usize = 8;
/// See [`HEAD_BYTES_MIN`].
pub const HEAD_BYTES_MAX: usize = 16;
/// How every frame begins. No UTF-8 text holds these bytes: the first continues a character and the third is NUL.
pub const MAGIC: [u8; 3] = [0xA5, 0x5A, 0x00];
/// Longest message that a head may announce, in bytes. What announces more is no head.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

const LEVEL_MAX: u8 = 6;
const HAS_TIMESTAMP: u8 = 2;
const IS_TEXT: u8 = 1;
/// The one type without a timestamp: text without a level.
const PLAIN: u8 = IS_TEXT;

/// What precedes a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// 0 undefined, 1 trace, 2 debug, 3 info, 4 warn, 5 error, 6 fatal.
    pub level: u8,
    /// The message is text; otherwise it is JSON.
    pub text: bool,
    /// Length of the message, in bytes.
    pub length: usize,
    /// Microseconds since the epoch.
    pub timestamp_micros: Option<u64>,
}

/// What some bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// A head, all of it.
    Head(Head),
    /// The beginning of a head, perhaps.
    Part,
    /// Something else.
    Other,
}

impl Head {
    /// Reads bytes that may be a head; what follows it is not looked at.
    pub fn read(bytes: &[u8]) -> Read {
        let Some((start, rest)) = bytes.split_first_chunk::<HEAD_BYTES_MIN>() else { return Read::Part };
        let [magic_0, magic_1, magic_2, kind, length @ ..] = *start;
        let (level, length) = (kind >> 2, u32::from_be_bytes(length) as usize);
        let timed = kind & HAS_TIMESTAMP != 0;
        let known = [magic_0, magic_1, magic_2] == MAGIC
            && (timed || kind == PLAIN)
            && level <= LEVEL_MAX
            && length <= MESSAGE_BYTES_MAX;
        if !known {
            return Read::Other;
        }
        let timestamp_micros = rest.first_chunk().filter(|_| timed).map(|bytes| u64::from_be_bytes(*bytes));
        if timed && timestamp_micros.is_none() {
            return Read::Part;
        }
        Read::Head(Self { level, text: kind & IS_TEXT != 0, length, timestamp_micros })
    }

    /// Writes the head; a length over [`MESSAGE_BYTES_MAX`] is the caller's mistake and is cut to it, and without a
    /// timestamp there is one type only.
    pub fn write(&self) -> Vec<u8> {
        let kind = match self.timestamp_micros {
            Some(_) => self.level << 2 | HAS_TIMESTAMP | u8::from(self.text),
            None => PLAIN,
        };
        let length = u32::try_from(self.length.min(MESSAGE_BYTES_MAX)).unwrap_or_default();
        let mut bytes = MAGIC.to_vec();
        bytes.push(kind);
        bytes.extend(length.to_be_bytes());
        bytes.extend(self.timestamp_micros.into_iter().flat_map(u64::to_be_bytes));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_frame_types_of_the_clients_are_known() {
        for (kind, level, text) in [(0x03, 0, true), (0x02, 0, false), (0x0F, 3, true), (0x16, 5, false)] {
            let mut bytes = [0; HEAD_BYTES_MAX];
            bytes[..4].copy_from_slice(&[0xA5, 0x5A, 0x00, kind]);
            bytes[7] = 9;
            let expected = Head { level, text, length: 9, timestamp_micros: Some(0) };
            assert_eq!(Head::read(&bytes), Read::Head(expected), "{kind:x}");
            assert_eq!(Head::read(&bytes[..15]), Read::Part, "{kind:x}");
        }
    }

    #[test]
    fn the_older_clients_one_type_has_no_timestamp() {
        let bytes = [0xA5, 0x5A, 0x00, 0x01, 0, 0, 1, 2, b'm'];
        let expected = Head { level: 0, text: true, length: 258, timestamp_micros: None };
        assert_eq!(Head::read(&bytes), Read::Head(expected));
        assert_eq!(Head::read(&bytes[..7]), Read::Part);
        assert_eq!(expected.write(), bytes[..8]);
        for kind in [0x00, 0x04, 0x05, 0x0D] {
            let bytes = [0xA5, 0x5A, 0x00, kind, 0, 0, 1, 2];
            assert_eq!(Head::read(&bytes), Read::Other, "{kind:x}");
        }
    }

    proptest! {
        #[test]
        fn a_head_is_read_as_it_was_written(level in 0_u8..=6, text: bool, length in 0..=MESSAGE_BYTES_MAX, timestamp_micros: u64) {
            let head = Head { level, text, length, timestamp_micros: Some(timestamp_micros) };
            prop_assert_eq!(Head::read(&head.write()), Read::Head(head));
        }

        #[test]
        fn what_is_no_head_is_not_read_as_one(bytes: [u8; HEAD_BYTES_MAX]) {
            if let Read::Head(head) = Head::read(&bytes) {
                prop_assert!(bytes.starts_with(&MAGIC) && head.length <= MESSAGE_BYTES_MAX);
            }
        }
    }
}
