//! What kinds of objects there are, what they are made of, and what is asked of them.

use super::container_call::{ArrayCall, DictCall, ListCall, NamespaceCall, SetCall};
use super::key::Key;
use crate::patience::Wait;
use bytes::Bytes;
use std::time::Duration;

/// A kind of object, by the typeid that `SyncManager` has for it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Kind {
    /// `threading.Lock`.
    Lock,
    /// `threading.RLock`.
    RLock,
    /// `threading.Semaphore`.
    Semaphore,
    /// `threading.BoundedSemaphore`.
    BoundedSemaphore,
    /// `threading.Event`.
    Event,
    /// `threading.Condition`.
    Condition,
    /// `threading.Barrier`.
    Barrier,
    /// `multiprocessing.Value`.
    Value,
    /// `multiprocessing.Array`.
    Array,
    /// `managers.Namespace`.
    Namespace,
    /// `list`.
    List,
    /// `dict`.
    Dict,
    /// `set`.
    Set,
    /// What `iter(dict)` gives; made by that only.
    Iterator,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Lock,
        Self::RLock,
        Self::Semaphore,
        Self::BoundedSemaphore,
        Self::Event,
        Self::Condition,
        Self::Barrier,
        Self::Value,
        Self::Array,
        Self::Namespace,
        Self::List,
        Self::Dict,
        Self::Set,
        Self::Iterator,
    ];

    /// The typeid.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lock => "Lock",
            Self::RLock => "RLock",
            Self::Semaphore => "Semaphore",
            Self::BoundedSemaphore => "BoundedSemaphore",
            Self::Event => "Event",
            Self::Condition => "Condition",
            Self::Barrier => "Barrier",
            Self::Value => "Value",
            Self::Array => "Array",
            Self::Namespace => "Namespace",
            Self::List => "list",
            Self::Dict => "dict",
            Self::Set => "set",
            Self::Iterator => "Iterator",
        }
    }

    /// The kind of that typeid.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What an object is made of, with checked arguments.
#[derive(Clone, Debug)]
pub enum Make {
    /// A lock that nobody holds; one that its holder may take again, or not.
    Lock {
        /// Whether it is an `RLock`.
        reentrant: bool,
    },
    /// A semaphore with so many permits.
    Semaphore {
        /// How many.
        permits: u64,
        /// Whether there may never be more.
        bounded: bool,
    },
    /// An event that is not set.
    Event,
    /// A condition with a lock of its own.
    Condition,
    /// A barrier for so many parties, who wait for so long where they do not say.
    Barrier {
        /// How many.
        parties: u64,
        /// How long.
        patience: Option<Duration>,
    },
    /// A value, and the typecode that was said to be its.
    Value {
        /// As it was given.
        typecode: Bytes,
        /// What it is at first.
        value: Bytes,
    },
    /// An array of numbers of this typecode.
    Array {
        /// One of those of Python's `array`.
        typecode: char,
        /// What is in it.
        values: Vec<Bytes>,
    },
    /// A namespace with these names.
    Namespace(Vec<(String, Bytes)>),
    /// A list of these.
    List(Vec<Bytes>),
    /// A dict of these.
    Dict(Vec<(Key, Bytes)>),
    /// A set of these.
    Set(Vec<Key>),
}

/// What a session asks of an object. Arguments are checked and timeouts are moments by now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ObjectCall {
    /// `acquire(...)` of a lock, a semaphore, a condition.
    Acquire(Wait),
    /// `release()`; of a semaphore, so many permits.
    Release(u64),
    /// `locked()`.
    IsLocked,
    /// `fence()`: the number of the present holding, greater than those of all earlier ones.
    Fence,
    /// `wait(timeout)` of an event, a condition, a barrier; `None` leaves it to the barrier.
    Wait(Option<Wait>),
    /// `notify(n)`; `notify_all()` is for more than there can be.
    Notify(usize),
    /// `is_set()`.
    IsSet,
    /// `set()` of an event.
    Set,
    /// `clear()` of an event.
    Clear,
    /// `abort()` of a barrier.
    Abort,
    /// `reset()` of a barrier.
    Reset,
    /// `parties` of a barrier.
    Parties,
    /// `n_waiting` of a barrier.
    Waiting,
    /// `broken` of a barrier.
    IsBroken,
    /// `get()` of a value.
    Get,
    /// `set(value)` of a value.
    Put(Bytes),
    /// Of an array.
    Array(ArrayCall),
    /// Of a namespace.
    Namespace(NamespaceCall),
    /// Of a list.
    List(ListCall),
    /// Of a dict.
    Dict(DictCall),
    /// Of a set.
    InSet(SetCall),
    /// `next()` of an iterator.
    Next,
    /// All of it, for `_getvalue()`, of what has attributes.
    Whole,
    /// What it looks like.
    Show,
}

impl Make {
    /// The kind of object that this makes.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Lock { reentrant: false } => Kind::Lock,
            Self::Lock { reentrant: true } => Kind::RLock,
            Self::Semaphore { bounded: false, .. } => Kind::Semaphore,
            Self::Semaphore { bounded: true, .. } => Kind::BoundedSemaphore,
            Self::Event => Kind::Event,
            Self::Condition => Kind::Condition,
            Self::Barrier { .. } => Kind::Barrier,
            Self::Value { .. } => Kind::Value,
            Self::Array { .. } => Kind::Array,
            Self::Namespace(_) => Kind::Namespace,
            Self::List(_) => Kind::List,
            Self::Dict(_) => Kind::Dict,
            Self::Set(_) => Kind::Set,
        }
    }

    /// The values that it is made of.
    pub fn values(&self) -> Vec<&Bytes> {
        match self {
            Self::Value { typecode, value } => vec![typecode, value],
            Self::Array { values, .. } | Self::List(values) => values.iter().collect(),
            Self::Namespace(names) => names.iter().map(|(_, value)| value).collect(),
            Self::Dict(entries) => {
                entries.iter().flat_map(|(key, value)| [&key.bytes, value]).collect()
            }
            Self::Set(elements) => elements.iter().map(|key| &key.bytes).collect(),
            _ => Vec::new(),
        }
    }
}

impl ObjectCall {
    /// The values that it brings.
    pub fn values(&self) -> Vec<&Bytes> {
        match self {
            Self::Put(value)
            | Self::Array(ArrayCall::Set(_, value, _))
            | Self::Namespace(NamespaceCall::Set(_, value)) => vec![value],
            Self::Array(ArrayCall::SetSlice(_, _, values)) => values.iter().collect(),
            Self::List(call) => call.values(),
            Self::Dict(call) => call.values(),
            Self::InSet(call) => call.values(),
            _ => Vec::new(),
        }
    }
}
