//! The frames in which AWS's runtime clients write log records to `_LAMBDA_TELEMETRY_LOG_FD`, so that a record
//! may have several lines.
//!
//! ```text
//! 0–3   0xA55A0000 | level << 2 | 2 (a timestamp follows) | 1 (the message is text, not JSON), big-endian
//! 4–7   length of the message in bytes, big-endian
//! 8–15  microseconds since the epoch, big-endian
//! 16–   message
//! ```

/// Length of what precedes a message, in bytes.
pub const HEAD_BYTES: usize = 16;
/// How every frame begins. No UTF-8 text holds these bytes: the first continues a character and the third is NUL.
pub const MAGIC: [u8; 3] = [0xA5, 0x5A, 0x00];
/// Longest message that counts as one, in bytes: four CloudWatch events.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

const LEVEL_MAX: u8 = 6;
const HAS_TIMESTAMP: u8 = 2;
const IS_TEXT: u8 = 1;

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
    pub timestamp_micros: u64,
}

impl Head {
    /// Reads a head; none if these bytes are something else.
    pub fn read(bytes: &[u8; HEAD_BYTES]) -> Option<Self> {
        let [magic_0, magic_1, magic_2, kind, l0, l1, l2, l3, timestamp @ ..] = *bytes;
        let level = kind >> 2;
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        let known = [magic_0, magic_1, magic_2] == MAGIC
            && kind & HAS_TIMESTAMP != 0
            && level <= LEVEL_MAX
            && length <= MESSAGE_BYTES_MAX;
        let timestamp_micros = u64::from_be_bytes(timestamp);
        known.then_some(Self { level, text: kind & IS_TEXT != 0, length, timestamp_micros })
    }

    /// Writes the head; a length over [`MESSAGE_BYTES_MAX`] is the caller's mistake and is cut to it.
    pub fn write(&self) -> [u8; HEAD_BYTES] {
        let kind = self.level << 2 | HAS_TIMESTAMP | u8::from(self.text);
        let length = u32::try_from(self.length.min(MESSAGE_BYTES_MAX)).unwrap_or_default();
        let mut bytes = [0; HEAD_BYTES];
        bytes[..3].copy_from_slice(&MAGIC);
        bytes[3] = kind;
        bytes[4..8].copy_from_slice(&length.to_be_bytes());
        bytes[8..].copy_from_slice(&self.timestamp_micros.to_be_bytes());
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
            let mut bytes = [0; HEAD_BYTES];
            bytes[..4].copy_from_slice(&[0xA5, 0x5A, 0x00, kind]);
            bytes[7] = 9;
            let expected = Head { level, text, length: 9, timestamp_micros: 0 };
            assert_eq!(Head::read(&bytes), Some(expected), "{kind:x}");
        }
    }

    proptest! {
        #[test]
        fn a_head_is_read_as_it_was_written(level in 0_u8..=6, text: bool, length in 0..=MESSAGE_BYTES_MAX, timestamp_micros: u64) {
            let head = Head { level, text, length, timestamp_micros };
            prop_assert_eq!(Head::read(&head.write()), Some(head));
        }

        #[test]
        fn what_is_no_head_is_not_read_as_one(bytes: [u8; HEAD_BYTES]) {
            if let Some(head) = Head::read(&bytes) {
                prop_assert!(bytes.starts_with(&MAGIC) && head.length <= MESSAGE_BYTES_MAX);
            }
        }
    }
}
