//! Standard error: what is said to people, and what commands say themselves.

use std::fmt;
use std::io::{self, IsTerminal, Write};

/// The width of a line where there is no terminal: what fits into most logs.
const WIDTH: usize = 100;

/// Prints one line of talk. A reader that has gone is no reason to stop.
pub(crate) fn talk(message: impl fmt::Display) {
    // One write, so that lines of several processes do not mix.
    let _ = io::stderr().write_all(format!("piecework: {message}\n").as_bytes());
}

/// Passes on what a command wrote to its standard error.
pub(crate) fn pass_on(bytes: &[u8]) {
    let _ = io::stderr().write_all(bytes);
}

/// Returns how many characters fit on a line of standard error.
pub(super) fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr());
    size.ok().map(|size| size.ws_col.into()).filter(|width| *width > 0).unwrap_or(WIDTH)
}

/// Tells whether a person watches.
pub(super) fn is_watched() -> bool {
    io::stderr().is_terminal()
}
