//! The only place that prints: data on standard output, talk on standard error.

use std::io::{self, IsTerminal, Write};

pub(crate) mod amounts;
mod progress;
mod screen;
mod sink;
mod table;
mod tagged;
mod talk;

pub(crate) use progress::{Progress, ProgressArgs};
pub(crate) use screen::repaint;
pub(crate) use sink::Sink;
pub(crate) use table::{Column, table};
pub(crate) use talk::{pass_on, talk};

/// Prints data on standard output, at once.
pub(crate) fn data(text: &str) {
    let mut stdout = io::stdout().lock();
    // Whoever does not read the rest does not need it.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Prints data that must have arrived before anything else happens.
pub(crate) fn data_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Tells whether a person watches standard output.
pub(crate) fn data_is_watched() -> bool {
    io::stdout().is_terminal()
}

/// Tells whether a person watches standard error.
pub(crate) fn talk_is_watched() -> bool {
    talk::is_watched()
}

/// Tells whether colours are of use on standard error.
pub(crate) fn talk_is_coloured() -> bool {
    talk::is_watched() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Returns how many characters fit on a line of standard error.
pub(crate) fn talk_width() -> usize {
    talk::width()
}

/// Tells whether a person types what is read from standard input.
pub(crate) fn input_is_typed() -> bool {
    io::stdin().is_terminal()
}
