//! What the tasks of a run are made of: arguments from `:::`, files or standard input, or blocks of
//! standard input for `--pipe`; one record for each task.

use std::fmt;

mod args;
mod blocks;
mod borders;
mod columns;
mod combine;
mod lines;
mod marks;
mod open;
mod pack;
mod rows;
mod shuffle;
mod text;

pub(crate) use self::args::InputArgs;
use self::blocks::Blocks;
pub(crate) use self::open::Opened;
use self::rows::Rows;

/// What one task gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its arguments: the columns of its line, or of its lines with `-n`.
    pub(crate) args: Vec<Vec<u8>>,
    /// Its standard input, with `--pipe`.
    pub(crate) stdin: Option<Vec<u8>>,
}

/// The records, in order, read no further than asked for.
pub(crate) enum Input {
    /// Lines or words.
    Rows(Rows),
    /// Blocks of a stream.
    Blocks(Blocks),
}

impl Input {
    /// Returns how many records there are, where that is known before they are read.
    pub(crate) fn len(&self) -> Option<u64> {
        match self {
            Self::Rows(rows) => rows.len(),
            Self::Blocks(_) => None,
        }
    }
}

impl Iterator for Input {
    type Item = anyhow::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Rows(rows) => rows.next().map(|row| row.map(|args| Record { args, stdin: None })),
            Self::Blocks(blocks) => blocks
                .next()
                .map(|block| block.map(|bytes| Record { args: Vec::new(), stdin: Some(bytes) })),
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Input").field("len", &self.len()).finish_non_exhaustive()
    }
}
