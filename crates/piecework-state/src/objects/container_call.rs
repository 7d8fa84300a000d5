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
    /// `update(...)`, and `d |= other`.
    Update {
        /// What is set.
        entries: Vec<(Key, Bytes)>,
        /// Whether the answer is all of the dict, as of `d |= other`.
        told: bool,
    },
    /// `d | other`.
    Merged(Vec<(Key, Bytes)>),
    /// `other | d`.
    MergedInto(Vec<(Key, Bytes)>),
    /// `fromkeys(keys, value)`: a dict of its own.
    FromKeys(Vec<Key>, Bytes),
    /// `reversed(d)`.
    Reversed,
    /// `iter(d)`.
    Iterate,
}

impl DictCall {
    /// The keys and values that it brings.
    pub(super) fn values(&self) -> Vec<&Bytes> {
        match self {
            Self::Set(key, value) | Self::SetDefault(key, value) => vec![&key.bytes, value],
            Self::Update { entries, .. } => {
                entries.iter().flat_map(|(key, value)| [&key.bytes, value]).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What a session asks of a set.
#[derive(Clone, Debug)]
pub enum SetCall {
    /// `add(element)`.
    Add(Key),
    /// `discard(element)`.
    Discard(Key),
    /// `remove(element)`.
    Remove(Key),
    /// `pop()`: of what came first.
    Pop,
    /// `clear()`.
    Clear,
    /// `element in s`.
    Contains(Key),
    /// `len(s)`.
    Len,
    /// `copy()`, and all of it for `_getvalue()`.
    Copy,
    /// `iter(s)`: over what there is at that moment.
    Iterate,
    /// `s | other`, `union(*others)` and their like: a set of its own.
    Mixed(Mix, Vec<Vec<Key>>),
    /// `other | s` and its like.
    MixedInto(Mix, Vec<Key>),
    /// `s |= other`, `update(*others)` and their like.
    Mix {
        /// What becomes of both.
        how: Mix,
        /// What is mixed in, one after the other.
        others: Vec<Vec<Key>>,
        /// Whether the answer is all of the set, as of `s |= other`.
        told: bool,
    },
    /// `s <= other`, `isdisjoint(other)` and their like.
    Is(Relation, Vec<Key>),
}

impl SetCall {
    /// The elements that it brings.
    pub(super) fn values(&self) -> Vec<&Bytes> {
        match self {
            Self::Add(element) => vec![&element.bytes],
            Self::Mix { how: Mix::Union | Mix::SymmetricDifference, others, .. } => {
                others.iter().flatten().map(|element| &element.bytes).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What becomes of two sets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mix {
    /// All of both.
    Union,
    /// What is in both.
    Intersection,
    /// What is in the first only.
    Difference,
    /// What is in one of them only.
    SymmetricDifference,
}

/// What a set is to another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Relation {
    /// Has nothing that the other has.
    Disjoint,
    /// `<=`.
    Within,
    /// `>=`.
    Around,
    /// `<`.
    WithinMore,
    /// `>`.
    AroundLess,
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
    /// `a[a:b:c] = array.array(typecode, numbers)`.
    SetSlice(Slice, char, Vec<Bytes>),
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
