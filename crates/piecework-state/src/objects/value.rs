//! `Value`, `Array` and `Namespace`: an object, a list of numbers, names; which is what CPython's
//! managers make of them.

use super::container_call::{ArrayCall, ListCall, NamespaceCall};
use super::dict::Dict;
use super::key::Key;
use super::list::List;
use super::row::{Changes, Row};
use crate::Reply;
use crate::error::StateError;
use bytes::Bytes;

/// `Value(typecode, value)`. Nobody converts what is set, as in CPython's managers.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(super) typecode: Bytes,
    pub(super) value: Bytes,
    pub(super) changes: Changes,
}

/// `Array(typecode, values)`.
#[derive(Debug)]
pub(crate) struct Array {
    pub(super) typecode: char,
    pub(super) list: List,
}

/// Values by name: a dict whose keys are the names as they are.
#[derive(Debug, Default)]
pub(crate) struct Namespace(pub(super) Dict);

/// The place of a value among its rows; that of its typecode comes before it.
const VALUE: u64 = 1;

impl Cell {
    pub(super) fn new(typecode: Bytes, value: Bytes) -> Self {
        Self { typecode, value, changes: Changes::default() }
    }

    pub(super) fn set(&mut self, value: Bytes) {
        self.changes.row(VALUE, None, &value);
        self.value = value;
    }

    /// All of it, as rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        let row = |(place, value): (u64, &Bytes)| Row { place, key: None, value: value.clone() };
        [(0, &self.typecode), (VALUE, &self.value)].map(row).into_iter()
    }

    /// Has this row again.
    pub(super) fn restore(&mut self, row: Row) {
        match row.place {
            VALUE => self.value = row.value,
            _ => self.typecode = row.value,
        }
    }

    /// As CPython's `Value` has them.
    pub(super) fn attributes(&self) -> Vec<(String, Bytes)> {
        let attribute = |(name, value): (&str, &Bytes)| (name.to_owned(), value.clone());
        [("_typecode", &self.typecode), ("_value", &self.value)].map(attribute).into()
    }
}

impl Array {
    pub(super) fn call(&mut self, call: ArrayCall) -> Result<Reply, StateError> {
        let done = match call {
            ArrayCall::Get(index) => self.list.call(ListCall::Get(index)),
            ArrayCall::GetSlice(slice) => self.list.call(ListCall::GetSlice(slice)),
            ArrayCall::Set(index, value, convert) => {
                // In the order in which CPython finds fault: the place, then the value.
                match self.list.place_to_set(index) {
                    Ok(_) => {
                        let value = convert(self.typecode, &value)?;
                        self.list.call(ListCall::Set(index, value))
                    }
                    Err(error) => Err(error),
                }
            }
            ArrayCall::SetSlice(_, typecode, _) if typecode != self.typecode => {
                let message = "bad argument type for built-in operation".to_owned();
                return Err(StateError::Raised { class: "TypeError", message });
            }
            ArrayCall::SetSlice(slice, _, numbers) => {
                self.list.call(ListCall::SetSlice(slice, numbers))
            }
            ArrayCall::Len => self.list.call(ListCall::Len),
        };
        match done {
            Ok(Reply::Values(values)) => Ok(Reply::Array(self.typecode, values)),
            Err(StateError::Raised { class, message }) => {
                let message = message.replacen("list", "array", 1);
                let message = message.replacen("sequence", "array", 1);
                Err(StateError::Raised { class, message })
            }
            done => done,
        }
    }
}

impl Namespace {
    pub(super) fn of(names: Vec<(String, Bytes)>) -> Self {
        Self(Dict::of(names.into_iter().map(|(name, value)| (key(&name), value)).collect()))
    }

    /// In the order of their names.
    pub(super) fn attributes(&self) -> Vec<(String, Bytes)> {
        let name = |name: &Bytes| String::from_utf8_lossy(name).into_owned();
        let pairs = self.0.pairs().into_iter();
        let mut all: Vec<_> = pairs.map(|[key, value]| (name(&key), value)).collect();
        all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    pub(super) fn call(&mut self, call: NamespaceCall) -> Result<Reply, StateError> {
        match call {
            NamespaceCall::Get(name) => match self.0.get(&key(&name)) {
                Some(value) => Ok(Reply::Value(value.clone())),
                None => Err(no_attribute(&name)),
            },
            NamespaceCall::Set(name, value) => {
                self.0.set(key(&name), value);
                Ok(Reply::None)
            }
            NamespaceCall::Delete(name) => match self.0.remove(&key(&name)) {
                Some(_) => Ok(Reply::None),
                None => Err(no_attribute(&name)),
            },
        }
    }
}

/// A name as a key: it is the same as itself.
fn key(name: &str) -> Key {
    Key { same: Some(name.as_bytes().into()), bytes: Bytes::copy_from_slice(name.as_bytes()) }
}

fn no_attribute(name: &str) -> StateError {
    let message = format!("'Namespace' object has no attribute '{name}'");
    StateError::Raised { class: "AttributeError", message }
}
