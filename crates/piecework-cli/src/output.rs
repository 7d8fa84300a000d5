//! The only file that prints: data on standard output, talk on standard error.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

/// Prints one line of talk on standard error. A reader that has gone is no reason to stop.
pub(crate) fn talk(message: impl fmt::Display) {
    // One write, so that lines of several processes do not mix.
    let _ = io::stderr().write_all(format!("piecework: {message}\n").as_bytes());
}

/// Tells whether a person watches standard error.
pub(crate) fn talk_is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Tells whether a person types what is read from standard input.
pub(crate) fn input_is_typed() -> bool {
    io::stdin().is_terminal()
}

/// Standard output for raw bytes, with the standard error that belongs to them.
#[derive(Debug)]
pub(crate) struct Sink {
    stdout: BufWriter<Stdout>,
}

impl Sink {
    /// Opens standard output.
    pub(crate) fn new() -> Self {
        Self { stdout: BufWriter::new(io::stdout()) }
    }

    /// Writes data; it may stay in the buffer until [`flush`](Self::flush).
    pub(crate) fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdout.write_all(bytes)
    }

    /// Passes on what a command wrote to its standard error, after all data that came before.
    pub(crate) fn passed_on(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdout.flush()?;
        let _ = io::stderr().write_all(bytes);
        Ok(())
    }

    /// Writes out what is in the buffer.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}
