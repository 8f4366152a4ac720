//! What a person reads: the one place that writes to the terminal.
//!
//! Results go to standard output, so that they can be piped on; everything about them goes to standard error. A
//! reader that went away (`| head`) is no error.

use std::fmt;
use std::io::{IsTerminal, Write};

/// Writes bytes of the result as they are, ended by a newline.
pub(crate) fn result_bytes(bytes: &[u8]) {
    let mut output = std::io::stdout().lock();
    drop(
        output
            .write_all(bytes)
            .and_then(|()| if bytes.ends_with(b"\n") { Ok(()) } else { output.write_all(b"\n") }),
    );
    drop(output.flush());
}

/// Writes a line about it.
pub(crate) fn note(line: impl fmt::Display) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// Says at a terminal that the program stands still because it reads there.
pub(crate) fn waits_for_input(what: &str) {
    if std::io::stdin().is_terminal() {
        note(format_args!("Reading {what} from the terminal; Ctrl-D ends it."));
    }
}
