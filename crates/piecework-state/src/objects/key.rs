//! What is the same to Python, and what comes first: said by whoever can read the bytes.

use crate::error::StateError;
use bytes::Bytes;

/// Says what a value is the same as: two values with the same bytes here are equal to Python.
/// `None` is equal to nothing, as NaN is. An error if that cannot be known without running code.
pub type Same = fn(&Bytes) -> Result<Option<Box<[u8]>>, StateError>;

/// Says where a value stands among others, by bytes that compare as Python compares the values.
pub type Ordered = fn(&Bytes) -> Result<Box<[u8]>, StateError>;

/// Says whether Python would order two values of which the first does not come after the second, by
/// what says where they stand.
pub type Comparable = fn(&[u8], &[u8]) -> Result<(), StateError>;

/// A key of a dict.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// What it is the same as; `None` for nothing.
    pub same: Option<Box<[u8]>>,
    /// As it was put.
    pub bytes: Bytes,
}

impl Key {
    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
}
