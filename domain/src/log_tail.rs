//! The last bytes of an invocation's log, kept for a caller that asks for them.

use std::collections::VecDeque;

use crate::limits::LOG_TAIL_BYTES_MAX;

/// The last [`LOG_TAIL_BYTES_MAX`] bytes written since it was last taken.
#[derive(Debug, Default)]
pub struct LogTail(VecDeque<u8>);

impl LogTail {
    /// Adds what was written.
    pub fn push(&mut self, written: &[u8]) {
        let kept = written.len().min(LOG_TAIL_BYTES_MAX);
        let overflow = (self.0.len() + kept).saturating_sub(LOG_TAIL_BYTES_MAX);
        self.0.drain(..overflow);
        self.0.extend(&written[written.len() - kept..]);
    }

    /// The tail, and an empty one in its place. A character that the cut went through becomes U+FFFD, so the
    /// text may be a few bytes longer than the bound, as on AWS.
    pub fn take(&mut self) -> String {
        let bytes: Vec<u8> = self.0.drain(..).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The tail of records that are worth nothing in part: begins with the first whole one.
    pub fn take_whole(&mut self) -> String {
        let cut = self.0.len() >= LOG_TAIL_BYTES_MAX;
        let tail = self.take();
        if !cut {
            return tail;
        }
        tail.split_once('\n').map(|(_, whole)| whole.to_owned()).unwrap_or_default()
    }

    /// Forgets what was written.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_tail_is_the_end_of_all_that_was_written(pieces in proptest::collection::vec("[a-z]{0,3000}", 0..6)) {
            let mut tail = LogTail::default();
            for piece in &pieces {
                tail.push(piece.as_bytes());
            }
            let all = pieces.concat();
            prop_assert_eq!(tail.take(), &all[all.len().saturating_sub(LOG_TAIL_BYTES_MAX)..]);
            prop_assert_eq!(tail.take(), "");
        }
    }

    #[test]
    fn a_tail_of_records_begins_with_a_whole_one() {
        let mut tail = LogTail::default();
        tail.push(b"one\ntwo\n");
        assert_eq!(tail.take_whole(), "one\ntwo\n");
        tail.push(&[b'a'; LOG_TAIL_BYTES_MAX]);
        tail.push(b"\nlast\n");
        assert_eq!(tail.take_whole(), "last\n");
    }

    #[test]
    fn a_character_at_the_cut_is_replaced() {
        let mut tail = LogTail::default();
        tail.push("ü".as_bytes());
        tail.push(&[b'a'; LOG_TAIL_BYTES_MAX - 1]);
        assert_eq!(tail.take(), format!("\u{fffd}{}", "a".repeat(LOG_TAIL_BYTES_MAX - 1)));
    }
}
