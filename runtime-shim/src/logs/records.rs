//! What a function writes, text and frames, into records.
//!
//! Frames and plain text share one pipe, so their order is that in which they were written; no text holds the
//! bytes that a frame begins with.
//!
//! The kernel parts a write over 4 KiB only where the pipe is full, and Node.js's client writes head and message one
//! after the other, so a frame is torn only by another process or thread that writes meanwhile. With a pipe of their
//! own frames would be whole, and what a function prints and logs in turn, which is common, out of order: measured, in
//! up to a third of bursts of four.

use domain::log_format::Level;
use protocol::telemetry::level_of_start;
use protocol::telemetry_log::{Head, MAGIC, Read};

use super::lines::{LINE_BYTES_MAX, Lines};
use super::record::Record;

/// Longest framed record that is kept in one piece, in bytes with a line feed: a CloudWatch event's bound, as for
/// lines, and small against what may wait to be written, where a piece finds room or is lost as a whole.
const FRAME_BYTES_MAX: usize = LINE_BYTES_MAX;
/// The last point that ISO 8601 writes with a year of four digits, in milliseconds since the epoch. A time that a
/// frame tells beyond it is none.
const TIME_MILLIS_MAX: u64 = 253_402_300_799_999;

/// The function's output so far.
#[derive(Debug, Default)]
pub(super) struct Records {
    lines: Lines,
    /// What may become the head of a frame.
    head: Vec<u8>,
    frame: Option<Frame>,
}

/// A frame that is not complete.
#[derive(Debug)]
struct Frame {
    time_millis: Option<u64>,
    missing: usize,
    /// What there is of it, but for pieces that were given.
    message: Vec<u8>,
    /// The level of the whole, once a piece was given.
    level: Option<Level>,
}

impl Records {
    /// Takes bytes and gives every record that they complete, ended with a line feed.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut give: impl FnMut(Record)) {
        while !bytes.is_empty() {
            bytes = if self.frame.is_some() {
                self.continue_frame(bytes, &mut give)
            } else if self.head.is_empty() {
                self.text(bytes, &mut give)
            } else {
                self.continue_head(bytes, &mut give)
            };
        }
    }

    /// Gives what has not ended: its writer is gone.
    pub(super) fn end(&mut self, mut give: impl FnMut(Record)) {
        let head = std::mem::take(&mut self.head);
        self.lines.push(&head, &mut give);
        self.lines.end_fragment(&mut give);
        if let Some(frame) = self.frame.take() {
            finish(frame, &mut give);
        }
    }

    /// Text up to where a frame may begin.
    fn text<'a>(&mut self, bytes: &'a [u8], give: &mut impl FnMut(Record)) -> &'a [u8] {
        let end = bytes.iter().position(|byte| *byte == MAGIC[0]).unwrap_or(bytes.len());
        let (text, rest) = bytes.split_at(end);
        self.lines.push(text, give);
        let Some((first, rest)) = rest.split_first() else { return rest };
        self.head.push(*first);
        rest
    }

    fn continue_head<'a>(&mut self, bytes: &'a [u8], give: &mut impl FnMut(Record)) -> &'a [u8] {
        let Some((next, rest)) = bytes.split_first() else { return bytes };
        if let Some(expected) = MAGIC.get(self.head.len())
            && next != expected
        {
            // It was text after all; the byte that shows it may begin a frame itself.
            let head = std::mem::take(&mut self.head);
            self.lines.push(&head, give);
            return bytes;
        }
        self.head.push(*next);
        match Head::read(&self.head) {
            Read::Part => return rest,
            Read::Head(head) if head.length > 0 => {
                let time_millis = head.timestamp_micros.map(|micros| micros / 1_000);
                let time_millis = time_millis.filter(|millis| (1..=TIME_MILLIS_MAX).contains(millis));
                self.frame =
                    Some(Frame { time_millis, missing: head.length, message: Vec::new(), level: None });
            }
            Read::Head(_) => {}
            Read::Other => self.lines.push(&self.head, give),
        }
        self.head.clear();
        rest
    }

    fn continue_frame<'a>(&mut self, bytes: &'a [u8], give: &mut impl FnMut(Record)) -> &'a [u8] {
        let Some(mut frame) = self.frame.take() else { return bytes };
        let room = FRAME_BYTES_MAX - 1 - frame.message.len();
        let (part, rest) = bytes.split_at(bytes.len().min(frame.missing).min(room));
        frame.message.extend_from_slice(part);
        frame.missing -= part.len();
        if frame.missing == 0 {
            finish(frame, give);
        } else {
            if part.len() == room {
                frame.level.get_or_insert_with(|| level_of_start(&frame.message));
                give_piece(&mut frame, give);
            }
            self.frame = Some(frame);
        }
        rest
    }
}

/// A message may have several lines; the last of them may lack its end.
fn finish(mut frame: Frame, give: &mut impl FnMut(Record)) {
    if !frame.message.is_empty() {
        give_piece(&mut frame, give);
    }
}

/// Gives what there is of a message, ended.
fn give_piece(frame: &mut Frame, give: &mut impl FnMut(Record)) {
    let ended = !frame.message.ends_with(b"\n");
    if ended {
        frame.message.push(b'\n');
    }
    give(Record { line: &frame.message, ended, time_millis: frame.time_millis, level: frame.level });
    frame.message.clear();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(message: &str) -> Vec<u8> {
        let head = Head { level: 3, text: true, length: message.len(), timestamp_micros: Some(1) };
        [&head.write()[..], message.as_bytes()].concat()
    }

    fn records(pieces: &[&[u8]]) -> Vec<String> {
        let (mut records, mut given) = (Records::default(), Vec::new());
        let mut give = |record: Record| given.push(String::from_utf8_lossy(record.line).into_owned());
        for piece in pieces {
            records.push(piece, &mut give);
        }
        records.end(&mut give);
        given
    }

    #[test]
    fn frames_and_text_come_in_the_order_in_which_they_were_written() {
        let written = [b"one\n".to_vec(), frame("two\nlines"), b"three\n".to_vec(), frame("four\n")].concat();
        let expected = ["one\n", "two\nlines\n", "three\n", "four\n"];
        assert_eq!(records(&[&written]), expected);
        for cut in 0..written.len() {
            assert_eq!(records(&[&written[..cut], &written[cut..]]), expected, "{cut}");
        }
    }

    #[test]
    fn a_frame_does_not_end_the_text_around_it() {
        let written = [b"be".to_vec(), frame("frame"), b"fore\n".to_vec()].concat();
        assert_eq!(records(&[&written]), ["frame\n", "before\n"]);
    }

    #[test]
    fn a_message_is_told_as_it_was_written() {
        let mut told = Vec::new();
        let mut records = Records::default();
        let mut give = |record: Record| told.push(record.as_written().to_vec());
        records.push(&[frame("one\ntwo"), frame("three\n"), b"four\nfive".to_vec()].concat(), &mut give);
        records.end(&mut give);
        assert_eq!(told, [&b"one\ntwo"[..], b"three\n", b"four\n", b"five"]);
    }

    #[test]
    fn every_frame_type_of_the_clients_is_read() {
        // 0xA55A0000, level << 2, timestamp present, format.
        for level in 0..=6 {
            for text in [true, false] {
                let head = Head { level, text, length: 2, timestamp_micros: Some(u64::MAX) }.write();
                assert_eq!(head[..4], [0xA5, 0x5A, 0x00, level << 2 | 2 | u8::from(text)]);
                assert_eq!(records(&[&head, b"{}", b"after\n"]), ["{}\n", "after\n"], "{level} {text}");
            }
        }
    }

    #[test]
    fn a_frame_of_the_older_clients_is_read() {
        let head = Head { level: 0, text: true, length: 9, timestamp_micros: None }.write();
        assert_eq!(head, b"\xA5\x5A\x00\x01\x00\x00\x00\x09");
        let written =
            [b"one\n", &head[..], b"two\nlines", &head, b"and\nthree", &frame("four"), b"five\n"].concat();
        let expected = ["one\n", "two\nlines\n", "and\nthree\n", "four\n", "five\n"];
        for cut in 0..written.len() {
            assert_eq!(records(&[&written[..cut], &written[cut..]]), expected, "{cut}");
        }
    }

    #[test]
    fn a_frame_tells_when_it_was_written_if_that_is_a_time() {
        for (timestamp_micros, expected) in [
            (Some(1_700_000_000_123_456), Some(1_700_000_000_123)),
            (Some(0), None),
            (Some(u64::MAX), None),
            (None, None),
        ] {
            let head = Head { level: 0, text: true, length: 1, timestamp_micros }.write();
            let mut told = Vec::new();
            Records::default().push(&[&head, &b"x"[..]].concat(), |record| told.push(record.time_millis));
            assert_eq!(told, [expected]);
        }
    }

    #[test]
    fn a_frame_over_the_bound_comes_in_pieces_of_its_level() {
        for (length, expected) in [(FRAME_BYTES_MAX - 1, 1), (FRAME_BYTES_MAX, 2), (3 * FRAME_BYTES_MAX, 4)] {
            let start = r#"{"level":"ERROR","message":""#;
            let message = start.to_owned() + &"x".repeat(length - start.len());
            let written = [frame(&message), b"after\n".to_vec()].concat();
            let (mut records, mut given) = (Records::default(), Vec::new());
            for piece in written.chunks(60_000) {
                records.push(piece, |record| {
                    let text = String::from_utf8_lossy(record.as_written()).into_owned();
                    given.push((text, record.line.len(), record.level));
                });
            }
            let (after, _, level) = given.pop().unwrap();
            assert_eq!((after.as_str(), level, given.len()), ("after\n", None, expected), "{length}");
            assert_eq!(given.iter().map(|(text, ..)| text.as_str()).collect::<String>(), message);
            let of_its_level = expected == 1 || given.iter().all(|(.., level)| *level == Some(Level::Error));
            assert!(
                of_its_level && given.iter().all(|(_, length, _)| *length <= FRAME_BYTES_MAX),
                "{length}"
            );
        }
    }

    #[test]
    fn a_broken_frame_is_text_and_does_not_swallow_what_follows() {
        let good = frame("good");
        // Of a level and without a timestamp, of a level that does not exist, and longer than any message.
        for (place, value) in [(3, 0x05), (3, 0x1F), (4, 0x7F)] {
            let mut broken = frame("x");
            broken[place] = value;
            let given = records(&[&broken, b"\n", &good, b"text\n"]);
            assert_eq!(given[given.len() - 2..], ["good\n", "text\n"], "{place} {given:?}");
        }
        let empty = frame("");
        assert_eq!(records(&[&empty, &good]), ["good\n"]);
    }

    #[test]
    fn what_a_dead_writer_left_is_given() {
        assert_eq!(records(&[&frame("message")[..20]]), ["mess\n"]);
        assert_eq!(records(&[b"text\xA5\x5A"]), ["text\u{fffd}Z\n"]);
    }

    proptest! {
        #[test]
        fn text_is_never_mistaken_for_a_frame(pieces in proptest::collection::vec("[å奥Z\\n\\PC]{0,20}", 0..8)) {
            let whole = pieces.concat();
            let given = records(&pieces.iter().map(String::as_bytes).collect::<Vec<_>>()).concat();
            let ended = if whole.is_empty() || whole.ends_with('\n') { whole } else { whole + "\n" };
            prop_assert_eq!(given, ended);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(pieces in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(0xA5_u8), Just(0x5A), Just(0), Just(3), any::<u8>()], 0..40), 0..6)) {
            records(&pieces.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
    }
}
