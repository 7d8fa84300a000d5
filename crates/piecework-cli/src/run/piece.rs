//! A piece of the input, and the last word on it.

use piecework::command::Output;

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
