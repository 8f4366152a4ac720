//! Standard output, written without ever waiting for whoever reads it.
//!
//! The descriptor is shared with processes outside, so it is not made non-blocking. Instead it is asked first
//! whether it takes anything, and is then given at most one page, which a pipe that has room takes whole.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::clock::{self, Instant};

/// What waits to be written at most, in bytes. Beyond it lines are dropped and counted.
const PENDING_BYTES_MAX: usize = 1024 * 1024;
/// What a pipe that is writable takes without blocking, in bytes (`PIPE_BUF`).
const WRITE_BYTES: usize = 4_096;
/// Memory that is kept for pending bytes, in bytes.
const KEPT_BYTES: usize = 64 * 1024;
/// First and longest pause before output that takes nothing is tried again, in milliseconds. Short enough for a
/// full pipe each time to be more than a log ever needs, long enough to cost nothing when nobody reads.
const RETRY_MILLIS_MIN: u64 = 1;
const RETRY_MILLIS_MAX: u64 = 32;

/// Standard output and what waits for it.
#[derive(Debug)]
pub(super) struct Output {
    descriptor: OwnedFd,
    /// When it is tried again, and the pause before that.
    retry: Option<(Instant, Duration)>,
    pending: Vec<u8>,
    written: usize,
    dropped_lines: u64,
}

impl Output {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self::to(io::stdout().as_fd().try_clone_to_owned()?))
    }

    fn to(descriptor: OwnedFd) -> Self {
        Self { descriptor, retry: None, pending: Vec::new(), written: 0, dropped_lines: 0 }
    }

    pub(super) fn push(&mut self, line: &[u8]) {
        if self.pending.len() - self.written + line.len() > PENDING_BYTES_MAX {
            self.dropped_lines += 1;
            return;
        }
        if self.dropped_lines > 0 {
            let lost =
                format!("runtime-shim: {} log lines were dropped: output is blocked\n", self.dropped_lines);
            self.pending.extend_from_slice(lost.as_bytes());
            self.dropped_lines = 0;
        }
        self.pending.extend_from_slice(line);
    }

    pub(super) fn is_pending(&self) -> bool {
        self.written < self.pending.len()
    }

    /// Writes what is taken at once.
    pub(super) fn pump(&mut self) {
        let before = self.written;
        self.write_pages();
        let progress = self.written > before;
        if self.is_pending() {
            let first = Duration::from_millis(RETRY_MILLIS_MIN);
            let pause = self.retry.filter(|_| !progress).map_or(first, |(_, pause)| pause * 2);
            let pause = pause.min(Duration::from_millis(RETRY_MILLIS_MAX));
            self.retry = Some((clock::now() + pause, pause));
        } else {
            self.retry = None;
            self.pending.clear();
            self.pending.shrink_to(KEPT_BYTES);
            self.written = 0;
        }
        if self.written > PENDING_BYTES_MAX {
            self.pending.drain(..self.written);
            self.written = 0;
        }
    }

    fn write_pages(&mut self) {
        while self.is_pending() && self.takes_a_page() {
            let end = self.pending.len().min(self.written + WRITE_BYTES);
            match rustix::io::write(&self.descriptor, &self.pending[self.written..end]) {
                Ok(length) => self.written += length,
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => return,
                // Nobody will ever read it.
                Err(_) => self.written = self.pending.len(),
            }
        }
    }

    /// Returns when another try is due; cancelling does not put it off.
    pub(super) async fn writable(&self) {
        if let Some((due, _)) = self.retry {
            tokio::time::sleep_until(due).await;
        }
    }

    fn takes_a_page(&self) -> bool {
        let mut asked = [PollFd::new(&self.descriptor, PollFlags::OUT)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        matches!(poll(&mut asked, Some(&at_once)), Ok(1..))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;

    use protocol::telemetry_log::Head;

    use super::*;
    use crate::logs::records::Records;

    #[tokio::test]
    async fn output_that_nobody_reads_drops_lines_and_says_so() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let mut output = Output::to(writer);
        let line = [&[b'x'; 999][..], b"\n"].concat();
        for _ in 0..3_000 {
            output.push(&line);
            output.pump();
        }
        assert!(output.is_pending() && output.dropped_lines > 1_000);
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            File::from(reader).read_to_end(&mut all).unwrap();
            all
        });
        while output.is_pending() {
            output.writable().await;
            output.pump();
        }
        output.push(b"last\n");
        output.pump();
        while output.is_pending() {
            output.writable().await;
            output.pump();
        }
        drop(output);
        let all = String::from_utf8(reader.join().unwrap()).unwrap();
        assert!(all.contains("log lines were dropped") && all.ends_with("last\n"));
    }

    #[test]
    fn of_a_frame_as_large_as_what_may_wait_most_finds_room_behind_other_lines() {
        const OTHER_BYTES: usize = 128 * 1024;
        let (_reader, writer) = rustix::pipe::pipe().unwrap();
        let mut output = Output::to(writer);
        output.push(&vec![b'x'; OTHER_BYTES]);
        output.pump();
        assert!(output.is_pending());
        let message = vec![b'm'; PENDING_BYTES_MAX - 1];
        let head = Head { level: 0, text: true, length: message.len(), timestamp_micros: Some(1) };
        let mut records = Records::default();
        records.push(&[&head.write()[..], &message].concat(), |record| output.push(record.line));
        let kept = output.pending.len() - OTHER_BYTES;
        assert!(kept > message.len() / 2, "{kept}");
    }
}
