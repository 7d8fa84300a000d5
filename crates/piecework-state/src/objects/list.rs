//! `list`, and `Array`, which is one of numbers: items in order, opaque but where a call compares.

use super::container_call::ListCall;
use super::key::{Comparable, Ordered, Same};
use super::places::Places;
use super::row::{Change, Row};
use super::slice::Slice;
use crate::Reply;
use crate::error::StateError;
use bytes::Bytes;
use std::collections::HashSet;
use std::ops::Range;

/// Items of one list: `[0] * 10 ** 9` is made by a request of a few bytes.
const LEN_MAX: usize = 10_000_000;

/// Items in order.
#[derive(Debug, Default)]
pub(crate) struct List {
    items: Vec<Bytes>,
    bytes: u64,
    /// Where each of them is, if it is kept.
    places: Option<Places>,
}

/// Python's words for what a list does not have.
fn index_error(message: &'static str) -> StateError {
    StateError::Raised { class: "IndexError", message: message.to_owned() }
}

fn value_error(message: impl Into<String>) -> StateError {
    StateError::Raised { class: "ValueError", message: message.into() }
}

fn bytes_of(values: &[Bytes]) -> u64 {
    values.iter().map(|value| value.len() as u64).sum()
}

impl List {
    pub(super) fn of(items: Vec<Bytes>) -> Self {
        Self { bytes: bytes_of(&items), items, places: None }
    }

    /// From here on its rows are kept; those that it has are news.
    pub(super) fn keep(&mut self) {
        self.places = Some(Places::of(&self.items));
    }

    /// What has changed since that was asked last.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        self.places.as_mut().map(|places| places.changes.take()).unwrap_or_default()
    }

    /// All of it, as rows, if it is kept.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        let places = self.places.as_ref().map_or(&[][..], Places::all);
        let row =
            |(place, value): (&u64, &Bytes)| Row { place: *place, key: None, value: value.clone() };
        places.iter().zip(&self.items).map(row)
    }

    /// Has this row again, behind those before it.
    pub(super) fn restore(&mut self, Row { place, value, .. }: Row) {
        self.bytes += value.len() as u64;
        self.items.push(value);
        self.places.get_or_insert_default().restore(place);
    }

    pub(super) fn items(&self) -> &[Bytes] {
        &self.items
    }

    /// How many bytes its items have.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Puts these in the place of those; all that changes a list comes here, or makes it anew.
    fn replace(&mut self, range: Range<usize>, with: Vec<Bytes>) -> Vec<Bytes> {
        let count = with.len();
        self.bytes += bytes_of(&with);
        let gone: Vec<Bytes> = self.items.splice(range.clone(), with).collect();
        self.bytes -= bytes_of(&gone);
        if let Some(places) = &mut self.places {
            places.replaced(range, count, &self.items);
        }
        gone
    }

    /// Becomes a list of these.
    fn make_anew(&mut self, items: Vec<Bytes>) {
        self.bytes = bytes_of(&items);
        self.items = items;
        if let Some(places) = &mut self.places {
            places.anew(&self.items);
        }
    }

    pub(super) fn call(&mut self, call: ListCall) -> Result<Reply, StateError> {
        let len = self.items.len();
        match call {
            ListCall::Set(index, value) => {
                let at = self.place_to_set(index)?;
                self.replace(at..at + 1, vec![value]);
            }
            ListCall::SetSlice(slice, values) => self.set_slice(slice, values)?,
            ListCall::Delete(index) => {
                let at = self.place_to_set(index)?;
                self.replace(at..at + 1, Vec::new());
            }
            ListCall::DeleteSlice(slice) if slice.is_run() => {
                let (start, stop) = slice.range(len);
                self.replace(start..stop.max(start), Vec::new());
            }
            ListCall::DeleteSlice(slice) => {
                let mut gone: HashSet<_> = slice.indices(len)?.into_iter().collect();
                let kept = self.items.iter().enumerate().filter(|(at, _)| !gone.remove(at));
                let kept = kept.map(|(_, item)| item.clone()).collect();
                self.make_anew(kept);
            }
            ListCall::Append(value) => drop(self.replace(len..len, vec![value])),
            ListCall::Extend(values) => drop(self.replace(len..len, values)),
            ListCall::Insert(index, value) => {
                let at = clamp(index, len);
                self.replace(at..at, vec![value]);
            }
            ListCall::Pop(_) if len == 0 => return Err(index_error("pop from empty list")),
            ListCall::Pop(index) => {
                let at = self.at(index, "pop index out of range")?;
                let popped = self.replace(at..at + 1, Vec::new()).pop();
                return Ok(Reply::Value(popped.unwrap_or_default()));
            }
            ListCall::Clear => self.make_anew(Vec::new()),
            ListCall::Reverse => self.make_anew(self.items.iter().rev().cloned().collect()),
            ListCall::Remove(value, same) => match self.find(&value, 0, len, same)? {
                Some(at) => drop(self.replace(at..at + 1, Vec::new())),
                None => return Err(value_error("list.remove(x): x not in list")),
            },
            ListCall::Sort { reverse, key, comparable } => {
                self.sort(reverse, key, comparable)?;
            }
            ListCall::TimesInPlace(times) => self.make_anew(self.times(times)?),
            look => return self.look(look),
        }
        Ok(Reply::None)
    }

    /// Serves a call that changes nothing.
    fn look(&self, call: ListCall) -> Result<Reply, StateError> {
        let items = &self.items;
        Ok(match call {
            ListCall::Get(index) => {
                let at = self.at(index, "list index out of range")?;
                Reply::Value(items.get(at).cloned().unwrap_or_default())
            }
            ListCall::GetSlice(slice) => Reply::Values(self.slice(slice)?),
            ListCall::Len => Reply::Count(items.len() as u64),
            ListCall::Reversed => Reply::Reversed(items.clone()),
            ListCall::Contains(value, same) => {
                Reply::Bool(self.find(&value, 0, items.len(), same)?.is_some())
            }
            ListCall::Count(value, same) => Reply::Count(self.count(&value, same)?),
            ListCall::Index(value, start, stop, same) => {
                let (from, to) = (clamp(start, items.len()), clamp(stop, items.len()));
                match self.find(&value, from, to, same)? {
                    Some(at) => Reply::Count(at as u64),
                    None => return Err(StateError::NotInList { value }),
                }
            }
            ListCall::Plus(values) => Reply::Values(items.iter().cloned().chain(values).collect()),
            ListCall::Times(times) => Reply::Values(self.times(times)?),
            // All others change it, and are served above.
            _ => Reply::Values(items.clone()),
        })
    }

    /// The place that an index means; from the end where it is negative.
    fn at(&self, index: i64, else_: &'static str) -> Result<usize, StateError> {
        let len = i64::try_from(self.items.len()).unwrap_or(i64::MAX);
        let at = if index < 0 { index.saturating_add(len) } else { index };
        let at = usize::try_from(at).ok().filter(|at| *at < self.items.len());
        at.ok_or_else(|| index_error(else_))
    }

    /// The place of an item that is set or deleted.
    pub(super) fn place_to_set(&self, index: i64) -> Result<usize, StateError> {
        self.at(index, "list assignment index out of range")
    }

    fn slice(&self, slice: Slice) -> Result<Vec<Bytes>, StateError> {
        let indices = slice.indices(self.items.len())?;
        Ok(indices.into_iter().filter_map(|at| self.items.get(at).cloned()).collect())
    }

    fn set_slice(&mut self, slice: Slice, values: Vec<Bytes>) -> Result<(), StateError> {
        if slice.is_run() {
            let (start, stop) = slice.range(self.items.len());
            self.replace(start..stop.max(start), values);
            return Ok(());
        }
        let indices = slice.indices(self.items.len())?;
        if indices.len() != values.len() {
            return Err(value_error(format!(
                "attempt to assign sequence of size {} to extended slice of size {}",
                values.len(),
                indices.len()
            )));
        }
        for (at, value) in indices.into_iter().zip(values) {
            self.replace(at..at + 1, vec![value]);
        }
        Ok(())
    }

    /// The first place where this value is. Python asks each item in turn; here one that cannot be
    /// asked without running code is an error, unless the value was found before it.
    fn find(
        &self,
        value: &Bytes,
        from: usize,
        to: usize,
        same: Same,
    ) -> Result<Option<usize>, StateError> {
        let wanted = same(value)?;
        for (at, item) in self.items.iter().enumerate().take(to).skip(from) {
            if wanted.is_some() && same(item)? == wanted {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn count(&self, value: &Bytes, same: Same) -> Result<u64, StateError> {
        let Some(wanted) = same(value)? else { return Ok(0) };
        let mut count = 0;
        for item in &self.items {
            count += u64::from(same(item)?.is_some_and(|own| own == wanted));
        }
        Ok(count)
    }

    fn sort(
        &mut self,
        reverse: bool,
        key: Ordered,
        comparable: Comparable,
    ) -> Result<(), StateError> {
        let keyed: Result<Vec<_>, _> = self.items.iter().map(key).collect();
        let mut keyed: Vec<_> = keyed?.into_iter().zip(self.items.iter().cloned()).collect();
        // Stable both ways, as Python's is.
        match reverse {
            false => keyed.sort_by(|(a, _), (b, _)| a.cmp(b)),
            true => keyed.sort_by(|(a, _), (b, _)| b.cmp(a)),
        }
        // However it is sorted, those that end up beside each other must have been compared.
        for pair in keyed.windows(2) {
            if let [(a, _), (b, _)] = pair {
                comparable(a, b)?;
            }
        }
        self.make_anew(keyed.into_iter().map(|(_, item)| item).collect());
        Ok(())
    }

    fn times(&self, times: i64) -> Result<Vec<Bytes>, StateError> {
        let times = usize::try_from(times).unwrap_or(0);
        let len = self.items.len().saturating_mul(times);
        if len > LEN_MAX {
            return Err(StateError::TooMany { what: "items in one list", max: LEN_MAX });
        }
        Ok(self.items.iter().cycle().take(len).cloned().collect())
    }
}

/// Where an item goes, or a search begins: within the list, from the end where it is negative.
fn clamp(index: i64, len: usize) -> usize {
    let signed = i64::try_from(len).unwrap_or(i64::MAX);
    let at = if index < 0 { index.saturating_add(signed).max(0) } else { index };
    usize::try_from(at).unwrap_or(len).min(len)
}
