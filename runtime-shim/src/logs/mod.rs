//! The function's log: what its processes write, line by line, and the platform's lines between.
//!
//! Everything goes to the container's own standard output. The last bytes of it are kept for a caller that asks.

mod lines;
mod output;
mod record;
mod records;
mod sinks;

use std::io;
use std::os::fd::OwnedFd;

use domain::log_format::Logging;
use domain::log_tail::LogTail;
use output::Output;
use protocol::telemetry::{Platform, Stream};
use record::Record;
use records::Records;
use sinks::Sinks;
use tokio::net::unix::pipe;

use crate::telemetry::Telemetry;

/// What one look takes from the function's pipe, in bytes; a pipe holds as much.
const READ_BYTES: usize = 64 * 1024;
/// How often the pipe is read anew when it is to be emptied: a process that never stops writing cannot hold up
/// the end of an invocation.
const DRAIN_READS_MAX: usize = 64;

/// The one log of one environment.
#[derive(Debug)]
pub(crate) struct Logs {
    function: Source,
    /// Only where there are extensions.
    extensions: Option<Source>,
    buffer: Box<[u8]>,
    sinks: Sinks,
}

impl Logs {
    /// A log without lines.
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self {
            function: Source::open()?,
            extensions: None,
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            sinks: Sinks {
                tail: LogTail::default(),
                output: Output::open()?,
                telemetry: Telemetry::default(),
                logging: Logging::default(),
            },
        })
    }

    /// What a runtime writes to.
    pub(crate) fn writer(&self) -> io::Result<OwnedFd> {
        self.function.writer.try_clone()
    }

    /// What extensions write to.
    pub(crate) fn extension_writer(&mut self) -> io::Result<OwnedFd> {
        let source = match self.extensions.take() {
            Some(source) => source,
            None => Source::open()?,
        };
        self.extensions.insert(source).writer.try_clone()
    }

    /// Returns when the function has written something. Cancelling loses nothing.
    pub(crate) async fn readable(&self) {
        match &self.extensions {
            None => self.function.readable().await,
            Some(extensions) => tokio::select! {
                () = self.function.readable() => (),
                () = extensions.readable() => (),
            },
        }
    }

    /// Takes what was written, at most one full pipe of each; false if there was nothing.
    pub(crate) fn read_some(&mut self) -> bool {
        let Self { function, extensions, buffer, sinks } = self;
        let written = function.read_some(buffer, |record| sinks.keep(Stream::Function, record));
        let by_extensions = extensions
            .as_mut()
            .is_some_and(|source| source.read_some(buffer, |record| sinks.keep(Stream::Extension, record)));
        written || by_extensions
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
        self.sinks.platform(line);
    }

    /// A record of the platform's: its line in the log, if it has one there, and an event for extensions.
    pub(crate) fn record(&mut self, make: impl FnOnce() -> Platform, line: Option<&str>) {
        self.sinks.record(make, line);
    }

    /// How the log is written from here on.
    pub(crate) fn configure(&mut self, logging: Logging) {
        self.sinks.logging = logging;
    }

    /// Extensions may subscribe; what happens from here on is kept for them.
    pub(crate) fn open_subscriptions(&mut self) {
        self.sinks.telemetry.open(self.sinks.logging.is_json());
    }

    /// Extensions may not subscribe any more.
    pub(crate) fn close_subscriptions(&mut self) {
        self.sinks.telemetry.close();
    }

    /// Who subscribed gets at once what waits for it.
    pub(crate) fn flush_subscriptions(&self) {
        self.sinks.telemetry.flush();
    }

    /// The subscriptions.
    pub(crate) fn telemetry(&mut self) -> &mut Telemetry {
        &mut self.sinks.telemetry
    }

    /// Ends what no process is left to end.
    pub(crate) fn end_fragment(&mut self) {
        let Self { function, extensions, sinks, .. } = self;
        function.records.end(|record| sinks.keep(Stream::Function, record));
        if let Some(source) = extensions {
            source.records.end(|record| sinks.keep(Stream::Extension, record));
        }
    }

    /// The tail since it was last taken.
    pub(crate) fn take_tail(&mut self) -> String {
        if self.sinks.logging.is_json() { self.sinks.tail.take_whole() } else { self.sinks.tail.take() }
    }

    /// Forgets the tail.
    pub(crate) fn clear_tail(&mut self) {
        self.sinks.tail.clear();
    }

    /// Something waits to be written to standard output.
    pub(crate) fn is_pending(&self) -> bool {
        self.sinks.output.is_pending()
    }

    /// Writes what standard output takes without waiting.
    pub(crate) fn pump(&mut self) {
        self.sinks.output.pump();
    }

    /// Returns when standard output may take more.
    pub(crate) async fn writable(&self) {
        self.sinks.output.writable().await;
    }
}

/// A pipe that processes write to, and what of it is no whole record yet.
#[derive(Debug)]
struct Source {
    pipe: pipe::Receiver,
    writer: OwnedFd,
    records: Records,
}

impl Source {
    fn open() -> io::Result<Self> {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&reader, true)?;
        Ok(Self { pipe: pipe::Receiver::from_owned_fd(reader)?, writer, records: Records::default() })
    }

    async fn readable(&self) {
        if self.pipe.readable().await.is_err() {
            // There is no such pipe any more; never ready, instead of always.
            std::future::pending::<()>().await;
        }
    }

    fn read_some(&mut self, buffer: &mut [u8], give: impl FnMut(Record)) -> bool {
        let Ok(length @ 1..) = self.pipe.try_read(buffer) else { return false };
        self.records.push(buffer.get(..length).unwrap_or_default(), give);
        true
    }
}
