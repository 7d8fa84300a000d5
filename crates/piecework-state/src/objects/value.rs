//! `Value`, `Array` and `Namespace`: an object, a list of numbers, names; which is what CPython's
//! managers make of them.

use super::container_call::{ArrayCall, ListCall, NamespaceCall};
use super::list::List;
use crate::Reply;
use crate::error::StateError;
use bytes::Bytes;
use std::collections::BTreeMap;

/// `Value(typecode, value)`. Nobody converts what is set, as in CPython's managers.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(super) typecode: Bytes,
    pub(super) value: Bytes,
}

/// `Array(typecode, values)`.
#[derive(Debug)]
pub(crate) struct Array {
    pub(super) typecode: char,
    pub(super) list: List,
}

/// Values by name.
#[derive(Debug, Default)]
pub(crate) struct Namespace {
    names: BTreeMap<String, Bytes>,
    bytes: u64,
}

impl Cell {
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
        let mut of = Self::default();
        names.into_iter().for_each(|(name, value)| of.set(name, value));
        of
    }

    pub(super) fn names(&self) -> impl Iterator<Item = (&String, &Bytes)> {
        self.names.iter()
    }

    pub(super) fn attributes(&self) -> Vec<(String, Bytes)> {
        self.names().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// How many bytes its names and values have.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn set(&mut self, name: String, value: Bytes) {
        self.remove(&name);
        self.bytes += (name.len() + value.len()) as u64;
        self.names.insert(name, value);
    }

    fn remove(&mut self, name: &str) -> Option<Bytes> {
        let value = self.names.remove(name)?;
        self.bytes -= (name.len() + value.len()) as u64;
        Some(value)
    }

    pub(super) fn call(&mut self, call: NamespaceCall) -> Result<Reply, StateError> {
        match call {
            NamespaceCall::Get(name) => match self.names.get(&name) {
                Some(value) => Ok(Reply::Value(value.clone())),
                None => Err(no_attribute(&name)),
            },
            NamespaceCall::Set(name, value) => {
                self.set(name, value);
                Ok(Reply::None)
            }
            NamespaceCall::Delete(name) => match self.remove(&name) {
                Some(_) => Ok(Reply::None),
                None => Err(no_attribute(&name)),
            },
        }
    }
}

fn no_attribute(name: &str) -> StateError {
    let message = format!("'Namespace' object has no attribute '{name}'");
    StateError::Raised { class: "AttributeError", message }
}
