//! A pickle that stands alone and can be laid into any message.
use bytes::Bytes;

use super::Value;
use crate::WireError;

/// A pickle that stands alone, wherever its bytes are put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload(Bytes);

impl Payload {
    /// Takes back what [`Payload::into_bytes`] gave; checks the header byte only.
    ///
    /// # Errors
    /// The bytes are empty, or of a version that is not known.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, WireError> { todo!() }
    /// Returns the bytes to store.
    pub fn as_bytes(&self) -> &[u8] { &self.0 }
    /// Returns the bytes to store.
    pub fn into_bytes(self) -> Bytes { self.0 }
    /// Returns how many bytes are stored.
    pub fn len(&self) -> usize { self.0.len() }
    /// Returns the protocol its producer used.
    pub fn proto(&self) -> u8 { todo!() }
    /// Returns the opcodes.
    pub fn body(&self) -> &[u8] { todo!() }
    /// Returns whether the body fills or reads the memo.
    pub fn uses_memo(&self) -> bool { todo!() }
    /// Returns whether this is `None`.
    pub fn is_none(&self) -> bool { todo!() }
    /// Decodes plain data.
    ///
    /// # Errors
    /// It is not plain data, or too deep or large.
    pub fn value(&self) -> Result<Value, WireError> { todo!() }
    /// Pickles plain data.
    pub fn from_value(value: &Value) -> Self { todo!() }
    /// Takes a whole pickle, as `pickle.dumps` makes it.
    ///
    /// # Errors
    /// It is no pickle.
    pub fn from_pickle(pickle: &[u8]) -> Result<Self, WireError> { todo!() }
    /// Returns a whole pickle, as `pickle.loads` takes it.
    pub fn to_pickle(&self) -> Vec<u8> { todo!() }
    /// Names the first class or function that the pickle refers to (`module.name`).
    pub fn class_name(&self) -> Option<String> { todo!() }
}
