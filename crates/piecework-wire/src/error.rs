//! What can be wrong with bytes that came from a peer: which rule they broke, and at which byte.
use thiserror::Error;

/// Bytes of a peer that cannot be read. The fault is always the peer's, never the caller's.
///
/// ```
/// use piecework_wire::{Payload, WireError};
///
/// let error = Payload::from_bytes(bytes::Bytes::new()).unwrap_err();
/// assert!(matches!(error, WireError::Shape { message: "payload", .. }));
/// assert_eq!(error.to_string(), "not a payload: it is empty");
/// ```
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// A frame announces more bytes than the reader allows.
    #[error(
        "frame of {len} bytes is over the limit of {max}; hint: raise the limit, or send less in one call"
    )]
    FrameTooLong {
        /// What the frame's header announces.
        len: u64,
        /// The most that the caller allowed.
        max: usize,
    },
    /// A frame announces a negative length.
    #[error(
        "frame of length {0}: only -1 is a legal negative length; hint: the peer may speak another protocol"
    )]
    FrameLength(i32),
    /// The bytes are no well-formed pickle.
    #[error("bad pickle: {what}, in {opcode} at byte {offset}")]
    Pickle {
        /// The rule that was broken.
        what: &'static str,
        /// The opcode at fault, by its name in Python's `pickletools`.
        opcode: &'static str,
        /// Its place in the frame's body.
        offset: usize,
    },
    /// A well-formed pickle that is not the message it should be.
    #[error("not a {message}: {what}")]
    Shape {
        /// What was expected: a request, a reply, an argument.
        message: &'static str,
        /// What was found instead.
        what: String,
    },
    /// A message is within the rules, but larger than what is read.
    #[error("{what}: over the limit of {max}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The named limit.
        max: usize,
    },
    /// A value was to be read that is not plain data.
    #[error("{what} is not plain data (None, bool, int, float, str, bytes, list, tuple, dict)")]
    NotPlain {
        /// What was found instead.
        what: String,
    },
}

impl WireError {
    pub(crate) fn shape(message: &'static str, what: impl Into<String>) -> Self {
        Self::Shape { message, what: what.into() }
    }
}
