//! How numbers, times and words stand in the tables.

use crate::EngineError;
use piecework_state::Time;
use rusqlite::types::Type;
use rusqlite::{Error, Row};
use std::time::Duration;

/// What comes of writing.
pub(super) type Done = Result<(), EngineError>;

/// Our numbers and times are far from 2^63; whatever is not, means "never".
pub(super) fn int(number: u64) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

pub(super) fn time(time: Time) -> i64 {
    int(time.micros())
}

pub(super) fn micros(duration: Duration) -> i64 {
    duration.as_micros().try_into().unwrap_or(i64::MAX)
}

/// A number of ours.
pub(super) fn number(row: &Row<'_>, column: usize) -> Result<u64, Error> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

pub(super) fn time_of(row: &Row<'_>, column: usize) -> Result<Time, Error> {
    number(row, column).map(Time::from_micros)
}

/// A word that none of ours has written: the tables' own checks keep it out.
pub(super) fn unknown(column: usize, word: &str) -> Error {
    let what = format!("'{word}' is not known here");
    Error::FromSqlConversionFailure(column, Type::Text, what.into())
}
