//! The bytes of a batch of records, and the rule by which they may change.
//!
//! **The version rule.** A batch begins with its version. What a tag and the fields behind it mean
//! in a version never changes. A later version only adds: a tag, or a field behind those of an
//! earlier one, which `Reader::since` leaves out of batches that do not have it. So this code reads
//! every version up to its own, for ever, and refuses later ones rather than guess.
//!
//! Numbers are LEB128: seven bits a byte, the lowest first, the highest bit set where more follow.
//! What may be missing is a 0, or a 1 with the thing behind it; a list is its length and then its
//! elements; text and payloads are their length in bytes and then the bytes.

mod error;
mod read;
mod tags;
mod write;

pub use error::DecodeError;

use super::Record;
use bytes::Bytes;
use read::Reader;
use tags::VERSION;
use write::Writer;

impl Record {
    /// A batch as bytes.
    pub fn encode(batch: &[Self]) -> Vec<u8> {
        Self::encode_behind(Vec::new(), batch)
    }

    /// The same, behind what is there already.
    pub fn encode_behind(mut head: Vec<u8>, batch: &[Self]) -> Vec<u8> {
        head.push(VERSION);
        let mut to = Writer(head);
        batch.iter().for_each(|record| to.record(record));
        to.0
    }

    /// The batch that was encoded; payloads share its bytes.
    ///
    /// # Errors
    ///
    /// When the bytes are damaged, or of a later version.
    pub fn decode(bytes: Bytes) -> Result<Vec<Self>, DecodeError> {
        let mut from = Reader::of(bytes)?;
        let mut batch = Vec::new();
        while !from.is_over() {
            batch.push(from.record()?);
        }
        Ok(batch)
    }
}
