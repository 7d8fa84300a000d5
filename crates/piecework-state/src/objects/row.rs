//! Rows: what an object that is kept consists of, and what a call has changed of them.

use super::key::Key;
use bytes::Bytes;

/// A part of an object that is kept, known by its place there; the places go up as the parts come
/// one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Where.
    pub place: u64,
    /// Under which key, in a dict and its like.
    pub key: Option<Key>,
    /// What.
    pub value: Bytes,
}

/// What was done to the rows of an object.
#[derive(Debug)]
pub(crate) enum Change {
    /// There is this row, whatever was in its place.
    Row(Row),
    /// There is none in this place any more.
    Gone(u64),
    /// There is none at all any more.
    Emptied,
}

/// What was done to the rows of an object since that was asked last; nothing is noted of one that
/// is not kept.
#[derive(Debug, Default)]
pub(crate) struct Changes(Option<Vec<Change>>);

impl Row {
    /// How many bytes it holds.
    pub(crate) fn bytes(&self) -> u64 {
        self.key.as_ref().map_or(0, Key::len) + self.value.len() as u64
    }

    /// How many bytes more it takes when it is kept.
    pub(crate) fn beside(&self) -> usize {
        let same = self.key.as_ref().and_then(|key| key.same.as_deref());
        24 + same.map_or(0, <[u8]>::len)
    }
}

impl Changes {
    /// From here on they are noted.
    pub(super) fn begin(&mut self) {
        self.0.get_or_insert_default();
    }

    pub(super) fn row(&mut self, place: u64, key: Option<&Key>, value: &Bytes) {
        if let Some(changes) = &mut self.0 {
            let (key, value) = (key.cloned(), value.clone());
            changes.push(Change::Row(Row { place, key, value }));
        }
    }

    pub(super) fn gone(&mut self, place: u64) {
        if let Some(changes) = &mut self.0 {
            changes.push(Change::Gone(place));
        }
    }

    /// Whatever was noted before is of no account.
    pub(super) fn emptied(&mut self) {
        if let Some(changes) = &mut self.0 {
            changes.clear();
            changes.push(Change::Emptied);
        }
    }

    pub(super) fn take(&mut self) -> Vec<Change> {
        self.0.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
