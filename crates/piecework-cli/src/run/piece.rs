//! A piece of the input, and the last word on it.

use std::fmt;

use piecework::command::Output;

use crate::input::{Input, Record};
use crate::record::{Done, Failed};

/// One piece of the input: what one command works on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its number in the input, from 1.
    pub(crate) seq: u64,
    /// Its columns; most have one.
    pub(crate) args: Vec<Vec<u8>>,
    /// What the command reads from its standard input.
    pub(crate) stdin: Option<Vec<u8>>,
}

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

/// The last word on a piece.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finished {
    /// The piece's number.
    pub(crate) seq: u64,
    /// Its columns.
    pub(crate) args: Vec<Vec<u8>>,
    /// Which try of `--retries` it was, from 1.
    pub(crate) tries: u32,
    /// How many attempts were lost with their workers before.
    pub(crate) lost: u32,
    /// The machine that ran it; ":" is this one, as in GNU parallel's job log.
    pub(crate) host: String,
    /// The slot that ran it, from 1.
    pub(crate) slot: usize,
    /// When it was started, in seconds since 1970.
    pub(crate) started: f64,
    /// Bytes of input.
    pub(crate) sent: u64,
    /// Bytes of standard output.
    pub(crate) received: u64,
    /// What its command left behind, or why it could not be run.
    pub(crate) result: Result<Output, String>,
}
