//! `dict`: values by key, in the order in which the keys came.

use super::container_call::DictCall;
use super::key::Key;
use super::row::{Changes, Row};
use crate::Reply;
use crate::error::StateError;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};

/// Values by key.
#[derive(Debug, Default)]
pub(crate) struct Dict {
    /// Where a key is, by what it is the same as. One that is the same as nothing, not even as
    /// itself, is only found by going through all.
    places: HashMap<Box<[u8]>, u64>,
    entries: BTreeMap<u64, (Key, Bytes)>,
    next: u64,
    bytes: u64,
    pub(super) changes: Changes,
}

impl Dict {
    pub(super) fn of(entries: Vec<(Key, Bytes)>) -> Self {
        let mut dict = Self::default();
        entries.into_iter().for_each(|(key, value)| dict.set(key, value));
        dict
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn keys(&self) -> Vec<Bytes> {
        self.whole_keys().map(|key| key.bytes.clone()).collect()
    }

    pub(super) fn whole_keys(&self) -> impl DoubleEndedIterator<Item = &Key> {
        self.entries.values().map(|(key, _)| key)
    }

    /// Takes the key that came first, and its value.
    pub(super) fn pop_first(&mut self) -> Option<Key> {
        let (place, entry) = self.entries.pop_first()?;
        Some(self.let_go(place, entry).0)
    }

    /// Forgets where an entry was that was just taken out.
    fn let_go(&mut self, place: u64, (key, value): (Key, Bytes)) -> (Key, Bytes) {
        self.bytes -= key.len() + value.len() as u64;
        key.same.as_ref().and_then(|same| self.places.remove(same));
        self.changes.gone(place);
        (key, value)
    }

    pub(super) fn clear(&mut self) {
        self.places = HashMap::new();
        self.entries.clear();
        self.bytes = 0;
        self.changes.emptied();
    }

    /// Becomes what another one is.
    pub(super) fn become_like(&mut self, other: Self) {
        self.clear();
        other.entries.into_values().for_each(|(key, value)| self.set(key, value));
    }

    /// All of it, as rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        let row = |(place, (key, value)): (&u64, &(Key, Bytes))| Row {
            place: *place,
            key: Some(key.clone()),
            value: value.clone(),
        };
        self.entries.iter().map(row)
    }

    /// Has this row again.
    pub(super) fn restore(&mut self, Row { place, key, value }: Row) {
        let Some(key) = key else { return };
        self.next = place;
        self.set(key, value);
    }

    fn whole_entries(&self) -> Vec<(Key, Bytes)> {
        self.entries.values().cloned().collect()
    }

    pub(super) fn pairs(&self) -> Vec<[Bytes; 2]> {
        let pair = |(key, value): &(Key, Bytes)| [key.bytes.clone(), value.clone()];
        self.entries.values().map(pair).collect()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn call(&mut self, call: DictCall) -> Result<Reply, StateError> {
        let missing = |key: Key| StateError::KeyMissing { key: key.bytes };
        Ok(match call {
            DictCall::Item(key) => match self.get(&key) {
                Some(value) => Reply::Value(value.clone()),
                None => return Err(missing(key)),
            },
            DictCall::Get(key, default) => match self.get(&key).cloned().or(default) {
                Some(value) => Reply::Value(value),
                None => Reply::None,
            },
            DictCall::Set(key, value) => {
                self.set(key, value);
                Reply::None
            }
            DictCall::Delete(key) => match self.remove(&key) {
                Some(_) => Reply::None,
                None => return Err(missing(key)),
            },
            DictCall::Contains(key) => Reply::Bool(self.get(&key).is_some()),
            DictCall::Len => Reply::Count(self.len() as u64),
            DictCall::Clear => {
                self.clear();
                Reply::None
            }
            DictCall::Copy => Reply::Dict(self.pairs()),
            DictCall::Items => Reply::Pairs(self.pairs()),
            DictCall::Keys => Reply::Values(self.keys()),
            DictCall::Values => {
                Reply::Values(self.entries.values().map(|(_, value)| value.clone()).collect())
            }
            DictCall::Pop(key, default) => match self.remove(&key).or(default) {
                Some(value) => Reply::Value(value),
                None => return Err(missing(key)),
            },
            DictCall::PopItem => match self.entries.pop_last() {
                Some((place, entry)) => {
                    let (key, value) = self.let_go(place, entry);
                    Reply::Pair([key.bytes, value])
                }
                None => {
                    let message = "popitem(): dictionary is empty".to_owned();
                    return Err(StateError::Raised { class: "KeyError", message });
                }
            },
            DictCall::SetDefault(key, value) => match self.get(&key) {
                Some(value) => Reply::Value(value.clone()),
                None => {
                    self.set(key, value.clone());
                    Reply::Value(value)
                }
            },
            DictCall::Update { entries, told } => {
                entries.into_iter().for_each(|(key, value)| self.set(key, value));
                if told { Reply::Dict(self.pairs()) } else { Reply::None }
            }
            DictCall::Merged(entries) => {
                Reply::Dict(Self::of([self.whole_entries(), entries].concat()).pairs())
            }
            DictCall::MergedInto(entries) => {
                Reply::Dict(Self::of([entries, self.whole_entries()].concat()).pairs())
            }
            DictCall::FromKeys(keys, value) => {
                let entries = keys.into_iter().map(|key| (key, value.clone()));
                Reply::Dict(Self::of(entries.collect()).pairs())
            }
            DictCall::Reversed => {
                Reply::Iterator(self.whole_keys().rev().map(|key| key.bytes.clone()).collect())
            }
            DictCall::Iterate => Reply::None,
        })
    }

    fn place(&self, key: &Key) -> Option<u64> {
        self.places.get(key.same.as_deref()?).copied()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Bytes> {
        self.entries.get(&self.place(key)?).map(|(_, value)| value)
    }

    /// A key that is there already stays as it was, though the new one may look different: so
    /// Python has it, to which 1 and 1.0 are one key.
    pub(super) fn set(&mut self, key: Key, value: Bytes) {
        if let Some(place) = self.place(&key) {
            if let Some((key, old)) = self.entries.get_mut(&place) {
                self.bytes += value.len() as u64;
                self.bytes -= old.len() as u64;
                *old = value;
                self.changes.row(place, Some(key), old);
            }
            return;
        }
        let place = self.next;
        self.next += 1;
        if let Some(same) = &key.same {
            self.places.insert(same.clone(), place);
        }
        self.bytes += key.len() + value.len() as u64;
        self.changes.row(place, Some(&key), &value);
        self.entries.insert(place, (key, value));
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Bytes> {
        let place = self.place(key)?;
        let entry = self.entries.remove(&place)?;
        Some(self.let_go(place, entry).1)
    }
}
