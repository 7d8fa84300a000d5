//! Standard error: what is said to people, and what commands say themselves.

use std::fmt;
use std::io::{self, IsTerminal, Write};

/// Prints one line of talk. A reader that has gone is no reason to stop.
pub(crate) fn talk(message: impl fmt::Display) {
    // One write, so that lines of several processes do not mix.
    let _ = io::stderr().write_all(format!("piecework: {message}\n").as_bytes());
}

/// Passes on what a command wrote to its standard error.
pub(crate) fn pass_on(bytes: &[u8]) {
    let _ = io::stderr().write_all(bytes);
}

/// Tells whether a person watches.
pub(super) fn is_watched() -> bool {
    io::stderr().is_terminal()
}
