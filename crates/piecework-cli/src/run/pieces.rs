//! The pieces of a run, made from its input or from what an earlier run has left.

use std::fmt;

use super::piece::Piece;
use crate::input::{Input, Record};
use crate::record::{Done, Failed};

/// The pieces of a run, in order, made as they are asked for.
pub(crate) struct Pieces {
    pieces: Box<dyn Iterator<Item = anyhow::Result<Piece>> + Send>,
    /// How many there are, where that is known.
    len: Option<u64>,
}

impl Pieces {
    /// Numbers the records of the input, and leaves out those that an earlier run has done.
    pub(crate) fn of_input(input: Input, done: Done) -> Self {
        let len = input.len();
        let mut seq = 0;
        let pieces = input.filter_map(move |record| {
            seq += 1;
            let piece = record.map(|Record { args, stdin }| Piece { seq, args, stdin });
            match piece {
                Ok(piece) if done.holds(seq, &piece.args) => None,
                piece => Some(piece),
            }
        });
        Self { pieces: Box::new(pieces), len }
    }

    /// Takes the commands of an earlier run, each a line for the shell, with their numbers.
    pub(crate) fn of_failed(failed: Failed) -> Self {
        let len = Some(failed.len() as u64);
        let pieces = failed
            .map(|line| line.map(|(seq, command)| Piece { seq, args: vec![command], stdin: None }));
        Self { pieces: Box::new(pieces), len }
    }

    /// How many there are, where that is known before they are read; those that are left out later
    /// count, too.
    pub(crate) fn len(&self) -> Option<u64> {
        self.len
    }
}

impl Iterator for Pieces {
    type Item = anyhow::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pieces.next()
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pieces").field("len", &self.len).finish_non_exhaustive()
    }
}
