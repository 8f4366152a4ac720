//! What the shim has to say of itself: one line each on standard error, apart from the function's log.

use std::fmt;
use std::io::Write;

/// Writes one line. A line that cannot be written is lost: there is nobody left to tell.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    drop(std::io::stderr().write_all(format!("runtime-shim: {line}\n").as_bytes()));
}
