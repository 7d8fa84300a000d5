//! Exit codes, as sysexits.h names them: an error carries the code that it ends the command with.

use std::fmt;
use std::process::ExitCode;

/// An error with its exit code.
#[derive(Debug)]
struct Coded {
    code: u8,
    message: String,
}

impl fmt::Display for Coded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

impl std::error::Error for Coded {}

fn coded(code: u8, message: impl fmt::Display) -> anyhow::Error {
    Coded { code, message: message.to_string() }.into()
}

/// The command line asks for what cannot be: 2, as clap has it.
pub(crate) fn usage(message: impl fmt::Display) -> anyhow::Error {
    coded(2, message)
}

/// The manager cannot be reached: 69.
pub(crate) fn unavailable(message: impl fmt::Display) -> anyhow::Error {
    coded(69, message)
}

/// Something cannot be made, an address taken, say: 73.
pub(crate) fn cannot_create(message: impl fmt::Display) -> anyhow::Error {
    coded(73, message)
}

/// What was to be kept could not be: 74.
pub(crate) fn io_error(message: impl fmt::Display) -> anyhow::Error {
    coded(74, message)
}

/// Nothing there now, later perhaps: 75.
pub(crate) fn try_later(message: impl fmt::Display) -> anyhow::Error {
    coded(75, message)
}

/// The manager does not let us in or do it: 77.
pub(crate) fn no_permission(message: impl fmt::Display) -> anyhow::Error {
    coded(77, message)
}

/// Whether an error has an exit code of its own.
pub(crate) fn has_code(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Coded>().is_some()
}

/// The exit code of an error: its own, or 1.
pub(crate) fn code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(error.downcast_ref::<Coded>().map_or(1, |coded| coded.code))
}
