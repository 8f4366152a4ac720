//! Where records of the log go: standard output, the tail that a caller may ask for, and extensions.

use domain::log_format::{Level, Logging};
use domain::log_tail::LogTail;
use protocol::telemetry::{Platform, Stream, level_of};

use super::output::Output;
use super::record::Record;
use crate::clock;
use crate::telemetry::Telemetry;

/// All three.
#[derive(Debug)]
pub(super) struct Sinks {
    pub tail: LogTail,
    pub output: Output,
    pub telemetry: Telemetry,
    pub logging: Logging,
}

impl Sinks {
    /// A record that a function or an extension wrote.
    pub(super) fn keep(&mut self, stream: Stream, record: Record) {
        // Filters are for the log only: a tail and extensions get everything, as on AWS.
        self.tail.push(record.line);
        if is_kept(self.logging, stream, record) {
            self.output.push(record.line);
        }
        self.telemetry.line(stream, record.as_written(), record.time_millis);
        self.say_losses();
    }

    /// A line of the platform's.
    pub(super) fn platform(&mut self, line: &str) {
        self.tail.push(line.as_bytes());
        self.output.push(line.as_bytes());
    }

    /// A record of the platform's: its line in the log, if it has one there, and an event for extensions.
    pub(super) fn record(&mut self, make: impl FnOnce() -> Platform, line: Option<&str>) {
        let (wanted, json) = (self.telemetry.wants_records(), self.logging.is_json());
        if let Some(line) = line
            && !json
        {
            self.platform(line);
        }
        if wanted || json {
            let (record, time) = (make(), clock::iso(clock::epoch_millis()));
            if json {
                self.json_record(&record, &time);
            }
            if wanted {
                self.telemetry.platform(record, time);
                self.say_losses();
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

    /// What extensions lost is told in the log, too, where there is a record for it.
    fn say_losses(&mut self) {
        for lost in self.telemetry.take_losses() {
            if self.logging.is_json() {
                self.json_record(&lost, &clock::iso(clock::epoch_millis()));
            }
        }
    }
}

/// Whether a line goes to the log; of those that the function's level leaves out, none does.
fn is_kept(logging: Logging, stream: Stream, record: Record) -> bool {
    let filtered = logging.is_json() && stream == Stream::Function;
    !filtered || record.level.unwrap_or_else(|| level_of(record.line)) >= logging.application_level
}
