//! The function's log: what its processes write, line by line, and the platform's lines between.
//!
//! Everything goes to the container's own standard output. The last bytes of it are kept for a caller that asks.

mod lines;
mod output;
mod records;

use std::io;
use std::os::fd::OwnedFd;

use domain::log_tail::LogTail;
use output::Output;
use records::Records;
use tokio::net::unix::pipe;

/// What one look takes from the function's pipe, in bytes; a pipe holds as much.
const READ_BYTES: usize = 64 * 1024;
/// How often the pipe is read anew when it is to be emptied: a process that never stops writing cannot hold up
/// the end of an invocation.
const DRAIN_READS_MAX: usize = 64;

/// The one log of one environment.
#[derive(Debug)]
pub(crate) struct Logs {
    pipe: pipe::Receiver,
    writer: OwnedFd,
    buffer: Box<[u8]>,
    records: Records,
    tail: LogTail,
    output: Output,
}

impl Logs {
    /// A log without lines.
    pub(crate) fn open() -> io::Result<Self> {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&reader, true)?;
        Ok(Self {
            pipe: pipe::Receiver::from_owned_fd(reader)?,
            writer,
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            records: Records::default(),
            tail: LogTail::default(),
            output: Output::open()?,
        })
    }

    /// What a runtime writes to.
    pub(crate) fn writer(&self) -> io::Result<OwnedFd> {
        self.writer.try_clone()
    }

    /// Returns when the function has written something. Cancelling loses nothing.
    pub(crate) async fn readable(&self) {
        if self.pipe.readable().await.is_err() {
            // There is no such pipe any more; never ready, instead of always.
            std::future::pending::<()>().await;
        }
    }

    /// Takes what the function has written, at most one pipe full; false if there was nothing.
    pub(crate) fn read_some(&mut self) -> bool {
        let Ok(length @ 1..) = self.pipe.try_read(&mut self.buffer) else { return false };
        let Self { buffer, records, tail, output, .. } = self;
        records.push(&buffer[..length], |line| {
            tail.push(line);
            output.push(line);
        });
        true
    }

    /// Takes everything that the function had written until now.
    pub(crate) fn drain(&mut self) {
        for _ in 0..DRAIN_READS_MAX {
            if !self.read_some() {
                return;
            }
        }
    }

    /// A line of the platform's. A line that the function has not ended yet stays behind and joins its next.
    pub(crate) fn platform(&mut self, line: &str) {
        self.tail.push(line.as_bytes());
        self.output.push(line.as_bytes());
    }

    /// Ends what no process is left to end.
    pub(crate) fn end_fragment(&mut self) {
        let Self { records, tail, output, .. } = self;
        records.end(|line| {
            tail.push(line);
            output.push(line);
        });
    }

    /// The tail since it was last taken.
    pub(crate) fn take_tail(&mut self) -> String {
        self.tail.take()
    }

    /// Forgets the tail.
    pub(crate) fn clear_tail(&mut self) {
        self.tail.clear();
    }

    /// Something waits to be written to standard output.
    pub(crate) fn is_pending(&self) -> bool {
        self.output.is_pending()
    }

    /// Writes what standard output takes without waiting.
    pub(crate) fn pump(&mut self) {
        self.output.pump();
    }

    /// Returns when standard output may take more.
    pub(crate) async fn writable(&self) {
        self.output.writable().await;
    }
}
