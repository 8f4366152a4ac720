//! Errors that the platform, not the function, answers with: how a runtime ended, and the text a caller reads.
//!
//! The texts are AWS's, letter by letter where a capture of the service exists: clients and alarms match them.

use std::fmt;

use crate::RequestId;
use crate::limits::{RESPONSE_PAYLOAD_BYTES_MAX, STREAMED_RESPONSE_BYTES_MAX};

/// How a runtime process ended, or why it never began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It returned this status.
    Status(i32),
    /// A signal ended it.
    Signal {
        /// The signal's number.
        number: i32,
        /// It left a core.
        core_dumped: bool,
    },
    /// The kernel ended it because the memory was used up.
    OutOfMemory,
    /// It could not be started.
    NotStarted(StartFailure),
    /// An extension failed, and its environment with it.
    Extension {
        /// `Extension.InitError`, `.ExitError`, `.Crash` or `.LaunchError`.
        error_type: &'static str,
        /// How it ended.
        message: String,
    },
}

/// Why a runtime could not be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartFailure {
    /// Such as `Runtime.InvalidEntrypoint`.
    pub error_type: &'static str,
    /// What the function's author needs to read.
    pub message: String,
}

impl Exit {
    /// The error type that AWS gives such an end.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Status(_) | Self::Signal { .. } => "Runtime.ExitError",
            Self::OutOfMemory => "Runtime.OutOfMemory",
            Self::NotStarted(failure) => failure.error_type,
            Self::Extension { error_type, .. } => error_type,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(0) => f.write_str("Runtime exited without providing a reason"),
            Self::Status(status) => write!(f, "Runtime exited with error: exit status {status}"),
            Self::Signal { number, core_dumped } => {
                write!(f, "Runtime exited with error: signal: {}", signal_name(*number))?;
                if *core_dumped { f.write_str(" (core dumped)") } else { Ok(()) }
            }
            Self::OutOfMemory => f.write_str("Runtime exited with error: signal: killed"),
            Self::NotStarted(failure) => f.write_str(&failure.message),
            Self::Extension { message, .. } => f.write_str(message),
        }
    }
}

impl Exit {
    /// The end of an extension's process that ended by itself, in the words of AWS's supervisor, as an error of this
    /// type.
    #[must_use]
    pub fn of_extension(&self, error_type: &'static str) -> Self {
        let message = match self {
            Self::Status(0) => "exit code 0".to_owned(),
            other => {
                let told = other.to_string();
                told.strip_prefix("Runtime exited with error: ").unwrap_or(&told).to_owned()
            }
        };
        Self::Extension { error_type, message }
    }
}

/// A signal as Go's runtime, which AWS's supervisor is written in, calls it.
fn signal_name(number: i32) -> String {
    let name = match number {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        5 => "trace/breakpoint trap",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        10 => "user defined signal 1",
        11 => "segmentation fault",
        12 => "user defined signal 2",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

/// What an invocation ran into, told by the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The function's time passed.
    TimedOut {
        /// The time that it had, in milliseconds.
        after_millis: u64,
    },
    /// The processes used more than `memorySize`.
    OutOfMemory,
    /// `/tmp` grew beyond its size.
    TemporaryStorage {
        /// The size, in MB.
        size_mb: u32,
    },
    /// The runtime ended.
    Exited(Exit),
    /// The response is over [`RESPONSE_PAYLOAD_BYTES_MAX`].
    ResponseTooLarge,
    /// The streamed response is over [`STREAMED_RESPONSE_BYTES_MAX`]; that much of it was passed on.
    StreamedResponseTooLarge,
    /// The runtime broke off in the middle of its response.
    TruncatedResponse,
    /// The runtime named a response mode that does not exist.
    InvalidResponseMode,
}

impl Failure {
    /// The error type as callers and `REPORT` read it.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::TimedOut { .. } => "Sandbox.Timedout",
            Self::OutOfMemory => "Runtime.OutOfMemory",
            Self::TemporaryStorage { .. } => "Sandbox.Failure",
            Self::Exited(exit) => exit.error_type(),
            Self::ResponseTooLarge | Self::StreamedResponseTooLarge => "Function.ResponseSizeTooLarge",
            Self::TruncatedResponse => "Runtime.TruncatedResponse",
            Self::InvalidResponseMode => "Runtime.InvalidResponseModeHeader",
        }
    }

    /// What happened, whoever it happened to.
    pub fn reason(&self) -> String {
        match self {
            Self::TimedOut { after_millis } => {
                format!("Task timed out after {} seconds", seconds(*after_millis))
            }
            Self::OutOfMemory => Exit::OutOfMemory.to_string(),
            Self::TemporaryStorage { size_mb } => format!("/tmp holds more than {size_mb} MB"),
            Self::Exited(exit) => exit.to_string(),
            Self::ResponseTooLarge => too_large(RESPONSE_PAYLOAD_BYTES_MAX),
            Self::StreamedResponseTooLarge => too_large(STREAMED_RESPONSE_BYTES_MAX),
            Self::TruncatedResponse => "The runtime broke off in the middle of its response".to_owned(),
            Self::InvalidResponseMode => "The runtime named an unknown response mode".to_owned(),
        }
    }

    /// The message as callers read it.
    pub fn message(&self, request: RequestId) -> String {
        match self {
            Self::ResponseTooLarge | Self::StreamedResponseTooLarge => self.reason(),
            _ => format!("RequestId: {request} Error: {}", self.reason()),
        }
    }

    /// The payload that a caller receives; AWS puts the type first in errors of its own.
    pub fn payload(&self, request: RequestId) -> String {
        let (error_type, message) = (json_text(self.error_type()), json_text(&self.message(request)));
        format!("{{\"errorType\":{error_type},\"errorMessage\":{message}}}")
    }

    /// What `platform.fault` says of it, to subscribers of the Logs API: its lines in the log, but for a time-out,
    /// for which the service was recorded to say no more than this.
    pub fn fault(&self, request: RequestId, log_lines: &str) -> String {
        match self {
            Self::TimedOut { .. } => format!("RequestId: {request}\tStatus: timeout\n"),
            _ => log_lines.to_owned(),
        }
    }

    /// What the log says of it, if anything; `now` is the current time in ISO 8601.
    pub fn log_lines(&self, request: RequestId, now: &str) -> Option<String> {
        match self {
            Self::TimedOut { after_millis } => {
                Some(format!("{now} {request} Task timed out after {} seconds\n\n", seconds(*after_millis)))
            }
            Self::ResponseTooLarge | Self::StreamedResponseTooLarge | Self::InvalidResponseMode => None,
            _ => Some(format!("{}\n{}\n", self.message(request), self.error_type())),
        }
    }
}

fn too_large(bytes_max: usize) -> String {
    format!("Response payload size exceeded maximum allowed payload size ({bytes_max} bytes).")
}

/// Milliseconds as seconds with two decimals.
fn seconds(millis: u64) -> String {
    format!("{}.{:02}", millis / 1_000, millis % 1_000 / 10)
}

/// A text as a JSON string.
fn json_text(text: &str) -> String {
    let escaped = text.chars().map(|character| match character {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        control if control < ' ' => format!("\\u{:04x}", u32::from(control)),
        other => other.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests;
