//! Bytes into lines.

use domain::log_format::Level;
use protocol::telemetry::level_of_start;

use super::record::Record;

/// Longest line that is kept in one piece, in bytes: a CloudWatch event's bound.
pub(super) const LINE_BYTES_MAX: usize = 256 * 1024;

/// What has been written of a line that has not ended.
#[derive(Debug, Default)]
pub(super) struct Lines {
    fragment: Vec<u8>,
    /// The level of the whole line, once a piece of it was given.
    level: Option<Level>,
}

impl Lines {
    /// Takes bytes and gives every line that they complete, with its line feed. A line over
    /// [`LINE_BYTES_MAX`] is given in pieces, each ended with a line feed and of the line's level.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut give: impl FnMut(Record)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end + 1);
            if self.fragment.is_empty() && line.len() <= LINE_BYTES_MAX {
                give(Record::whole(line));
            } else {
                self.extend(&line[..end], &mut give);
                self.end_line(true, &mut give);
            }
            bytes = rest;
        }
        self.extend(bytes, &mut give);
    }

    /// Gives the line that has not ended, ended.
    pub(super) fn end_fragment(&mut self, give: impl FnMut(Record)) {
        self.end_line(false, give);
    }

    /// Gives what there is of a line, ended; `written` tells whether its writer ended it.
    fn end_line(&mut self, written: bool, give: impl FnMut(Record)) {
        let level = self.level.take();
        if !self.fragment.is_empty() {
            self.give(written, level, give);
        }
    }

    fn give(&mut self, written: bool, level: Option<Level>, mut give: impl FnMut(Record)) {
        self.fragment.push(b'\n');
        give(Record { ended: !written, level, ..Record::whole(&self.fragment) });
        // Not kept: one long line must not hold its memory for the environment's life.
        self.fragment = Vec::new();
    }

    fn extend(&mut self, mut bytes: &[u8], give: &mut impl FnMut(Record)) {
        while self.fragment.len() + bytes.len() >= LINE_BYTES_MAX {
            let (piece, rest) = bytes.split_at(LINE_BYTES_MAX - 1 - self.fragment.len());
            self.fragment.extend_from_slice(piece);
            self.level.get_or_insert_with(|| level_of_start(&self.fragment));
            self.give(false, self.level, &mut *give);
            bytes = rest;
        }
        self.fragment.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn given(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut lines = Lines::default();
        let mut given = Vec::new();
        for piece in pieces {
            lines.push(piece, |record| given.push(record.line.to_vec()));
        }
        given
    }

    #[test]
    fn a_line_is_given_once_it_ends() {
        assert_eq!(given(&[b"a\nb", b"c\n\nd"]), [b"a\n".to_vec(), b"bc\n".to_vec(), b"\n".to_vec()]);
    }

    #[test]
    fn a_line_over_the_bound_comes_in_pieces() {
        for (length, pieces) in [(LINE_BYTES_MAX - 2, 1), (LINE_BYTES_MAX - 1, 1), (LINE_BYTES_MAX, 2)] {
            let mut line = vec![b'x'; length];
            line.push(b'\n');
            for given in [given(&[&line]), given(&[&line[..5], &line[5..]])] {
                assert_eq!(given.len(), pieces, "{length}");
                assert!(given.iter().all(|piece| piece.len() <= LINE_BYTES_MAX && piece.ends_with(b"\n")));
            }
        }
    }

    #[test]
    fn pieces_are_of_their_line_s_level() {
        let long = format!("{{\"level\":\"ERROR\",\"message\":\"{}\"}}\n", "x".repeat(3 * LINE_BYTES_MAX));
        let (mut lines, mut levels) = (Lines::default(), Vec::new());
        for piece in [long.as_bytes(), b"a\n", b"b"] {
            lines.push(piece, |record| levels.push(record.level));
        }
        lines.end_fragment(|record| levels.push(record.level));
        let error = Some(Level::Error);
        assert_eq!(levels, [error, error, error, error, None, None]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_moved(pieces in proptest::collection::vec("[a\\n]{0,20}", 0..8)) {
            let mut lines = Lines::default();
            let mut all = Vec::new();
            for piece in &pieces {
                lines.push(piece.as_bytes(), |record| all.extend_from_slice(record.line));
            }
            all.extend(&lines.fragment);
            prop_assert_eq!(String::from_utf8(all).unwrap(), pieces.concat());
        }
    }
}
