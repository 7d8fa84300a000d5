//! What is wrong with bytes that are no records.

use super::tags::VERSION;

/// Bytes that are no batch of records.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// They were written by a later piecework.
    #[error("records of version {0}, and this piecework reads up to {VERSION}; hint: upgrade it")]
    Version(u8),
    /// They end before they should.
    #[error("records end in the middle of {0}")]
    Short(&'static str),
    /// A byte is none of those that may stand there.
    #[error("{0} cannot be {1}")]
    Unknown(&'static str, u64),
    /// A text is none.
    #[error("{0} is not UTF-8")]
    NotText(&'static str),
}
