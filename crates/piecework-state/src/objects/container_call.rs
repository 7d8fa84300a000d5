//! What sessions ask of lists, dicts, arrays and namespaces.

use super::key::{Comparable, Key, Ordered, Same};
use super::slice::Slice;
use crate::error::StateError;
use bytes::Bytes;

/// What a session asks of a list.
#[derive(Clone, Debug)]
pub enum ListCall {
    /// `l[i]`.
    Get(i64),
    /// `l[a:b:c]`.
    GetSlice(Slice),
    /// `l[i] = value`.
    Set(i64, Bytes),
    /// `l[a:b:c] = values`.
    SetSlice(Slice, Vec<Bytes>),
    /// `del l[i]`.
    Delete(i64),
    /// `del l[a:b:c]`.
    DeleteSlice(Slice),
    /// `len(l)`.
    Len,
    /// `append(value)`.
    Append(Bytes),
    /// `extend(values)`.
    Extend(Vec<Bytes>),
    /// `insert(i, value)`.
    Insert(i64, Bytes),
    /// `pop(i)`.
    Pop(i64),
    /// `clear()`.
    Clear,
    /// `copy()`, and all of it for `_getvalue()`.
    Copy,
    /// `reverse()`.
    Reverse,
    /// `reversed(l)`: what is left to iterate over.
    Reversed,
    /// `value in l`.
    Contains(Bytes, Same),
    /// `count(value)`.
    Count(Bytes, Same),
    /// `index(value, start, stop)`.
    Index(Bytes, i64, i64, Same),
    /// `remove(value)`.
    Remove(Bytes, Same),
    /// `sort(reverse=...)`, without a key.
    Sort {
        /// Whether the greatest comes first.
        reverse: bool,
        /// What orders an item.
        key: Ordered,
        /// Which of them can be held against each other.
        comparable: Comparable,
    },
    /// `l + values`.
    Plus(Vec<Bytes>),
    /// `l * n`.
    Times(i64),
    /// `l *= n`.
    TimesInPlace(i64),
}

impl ListCall {
    /// The values that it brings.
    pub(super) fn values(&self) -> Vec<&Bytes> {
        match self {
            Self::Set(_, value) | Self::Append(value) | Self::Insert(_, value) => vec![value],
            Self::SetSlice(_, values) | Self::Extend(values) => values.iter().collect(),
            _ => Vec::new(),
        }
    }
}

/// What a session asks of a dict.
#[derive(Clone, Debug)]
pub enum DictCall {
    /// `d[key]`.
    Item(Key),
    /// `get(key, default)`.
    Get(Key, Option<Bytes>),
    /// `d[key] = value`.
    Set(Key, Bytes),
    /// `del d[key]`.
    Delete(Key),
    /// `key in d`.
    Contains(Key),
    /// `len(d)`.
    Len,
    /// `clear()`.
    Clear,
    /// `copy()`, and all of it for `_getvalue()`.
    Copy,
    /// `items()`.
    Items,
    /// `keys()`.
    Keys,
    /// `values()`.
    Values,
    /// `pop(key, default)`.
    Pop(Key, Option<Bytes>),
    /// `popitem()`.
    PopItem,
    /// `setdefault(key, value)`.
    SetDefault(Key, Bytes),
    /// `update(...)`.
    Update(Vec<(Key, Bytes)>),
    /// `iter(d)`.
    Iterate,
}

impl DictCall {
    /// The keys and values that it brings.
    pub(super) fn values(&self) -> Vec<&Bytes> {
        match self {
            Self::Set(key, value) | Self::SetDefault(key, value) => vec![&key.bytes, value],
            Self::Update(entries) => {
                entries.iter().flat_map(|(key, value)| [&key.bytes, value]).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Makes what is put into an array of this typecode a number of that, or says why it is none.
pub type Convert = fn(char, &Bytes) -> Result<Bytes, StateError>;

/// What a session asks of an array.
#[derive(Clone, Debug)]
pub enum ArrayCall {
    /// `a[i]`.
    Get(i64),
    /// `a[a:b:c]`.
    GetSlice(Slice),
    /// `a[i] = value`.
    Set(i64, Bytes, Convert),
    /// `len(a)`.
    Len,
}

/// What a session asks of a namespace.
#[derive(Clone, Debug)]
pub enum NamespaceCall {
    /// `n.name`.
    Get(String),
    /// `n.name = value`.
    Set(String, Bytes),
    /// `del n.name`.
    Delete(String),
}
