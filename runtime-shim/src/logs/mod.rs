//! The function's log: what its processes write, line by line, and the platform's lines between.
//!
//! Everything goes to the container's own standard output. The last bytes of it are kept for a caller that asks.

mod lines;
mod output;
mod records;

use std::io;
use std::os::fd::OwnedFd;

use domain::log_format::{Level, Logging};
use domain::log_tail::LogTail;
use output::Output;
use protocol::telemetry::{Platform, Stream, level_of};
use records::Records;
use tokio::net::unix::pipe;

use crate::clock;
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
    tail: LogTail,
    output: Output,
    telemetry: Telemetry,
    logging: Logging,
}

impl Logs {
    /// A log without lines.
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self {
            function: Source::open()?,
            extensions: None,
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            tail: LogTail::default(),
            output: Output::open()?,
            telemetry: Telemetry::default(),
            logging: Logging::default(),
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
        let Self { function, extensions, buffer, tail, output, telemetry, logging } = self;
        let mut keep = |stream, line: &[u8]| {
            // Filters are for the log only: a tail and extensions get everything, as on AWS.
            tail.push(line);
            if is_kept(*logging, stream, line) {
                output.push(line);
            }
            telemetry.line(stream, line);
        };
        let written = function.read_some(buffer, |line| keep(Stream::Function, line));
        let by_extensions = extensions
            .as_mut()
            .is_some_and(|source| source.read_some(buffer, |line| keep(Stream::Extension, line)));
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
        self.tail.push(line.as_bytes());
        self.output.push(line.as_bytes());
    }

    /// A record of the platform's: its line in the log, if it has one there, and an event for extensions.
    pub(crate) fn record(&mut self, make: impl FnOnce() -> Platform, line: Option<&str>) {
        let wanted = self.telemetry.wants_records();
        if let Some(line) = line
            && !self.logging.is_json()
        {
            self.platform(line);
        }
        if wanted || self.logging.is_json() {
            let (record, time) = (make(), clock::iso(clock::epoch_millis()));
            if self.logging.is_json() {
                self.json_record(&record, &time);
            }
            if wanted {
                self.telemetry.platform(&record, &time);
            }
        }
    }

    /// A record of the platform's where the log is JSON.
    fn json_record(&mut self, record: &Platform, time: &str) {
        let Some(level) = record.level() else { return };
        if level < self.logging.system_level.min(Level::Info) {
            return;
        }
        let line = record.to_json(time) + "\n";
        self.tail.push(line.as_bytes());
        if level >= self.logging.system_level {
            self.output.push(line.as_bytes());
        }
    }

    /// How the log is written from here on.
    pub(crate) fn configure(&mut self, logging: Logging) {
        self.logging = logging;
    }

    /// Extensions may subscribe; what happens from here on is kept for them.
    pub(crate) fn open_subscriptions(&mut self) {
        self.telemetry.open(self.logging.is_json());
    }

    /// Extensions may not subscribe any more.
    pub(crate) fn close_subscriptions(&mut self) {
        self.telemetry.close();
    }

    /// Who subscribed gets at once what waits for it.
    pub(crate) fn flush_subscriptions(&self) {
        self.telemetry.flush();
    }

    /// The subscriptions.
    pub(crate) fn telemetry(&mut self) -> &mut Telemetry {
        &mut self.telemetry
    }

    /// Ends what no process is left to end.
    pub(crate) fn end_fragment(&mut self) {
        let Self { function, extensions, tail, output, telemetry, logging, .. } = self;
        let mut keep = |stream, line: &[u8]| {
            // Filters are for the log only: a tail and extensions get everything, as on AWS.
            tail.push(line);
            if is_kept(*logging, stream, line) {
                output.push(line);
            }
            telemetry.line(stream, line);
        };
        function.records.end(|line| keep(Stream::Function, line));
        if let Some(source) = extensions {
            source.records.end(|line| keep(Stream::Extension, line));
        }
    }

    /// The tail since it was last taken.
    pub(crate) fn take_tail(&mut self) -> String {
        if self.logging.is_json() { self.tail.take_whole() } else { self.tail.take() }
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

/// Whether a line goes to the log; of those that the function's level leaves out, none does.
fn is_kept(logging: Logging, stream: Stream, line: &[u8]) -> bool {
    let filtered = logging.is_json() && stream == Stream::Function;
    !filtered || level_of(line) >= logging.application_level
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

    fn read_some(&mut self, buffer: &mut [u8], give: impl FnMut(&[u8])) -> bool {
        let Ok(length @ 1..) = self.pipe.try_read(buffer) else { return false };
        self.records.push(buffer.get(..length).unwrap_or_default(), give);
        true
    }
}
