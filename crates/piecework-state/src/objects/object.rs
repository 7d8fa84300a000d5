//! One object, whatever it is: what it holds, who waits for it, who can be served.

use super::awaits::Awaits;
use super::barrier::Barrier;
use super::call::{Kind, Make};
use super::condition::Condition;
use super::dict::Dict;
use super::event::Event;
use super::list::List;
use super::lock::Lock;
use super::semaphore::Semaphore;
use super::set::Set;
use super::value::{Array, Cell, Namespace};
use crate::call::Shown;
use crate::waiters::Line;
use crate::{ObjectId, SessionId};
use bytes::Bytes;
use std::vec;

/// One object: what it is called, and what it is.
#[derive(Debug)]
pub(crate) struct Object {
    /// Without one it goes with its last reference.
    pub(crate) name: Option<String>,
    /// Whether what is in it is kept.
    pub(crate) is_kept: bool,
    pub(crate) kind: Kind,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    Lock(Lock),
    Semaphore(Semaphore),
    Event(Event),
    Condition(Condition),
    Barrier(Barrier),
    Value(Cell),
    Array(Array),
    Namespace(Namespace),
    List(List),
    Dict(Dict),
    Set(Set),
    Iterator(Keys),
}

impl Make {
    pub(crate) fn make(self) -> What {
        match self {
            Self::Lock { reentrant } => What::Lock(Lock::new(reentrant)),
            Self::Semaphore { permits, bounded } => {
                What::Semaphore(Semaphore::new(permits, bounded))
            }
            Self::Event => What::Event(Event::default()),
            Self::Condition => What::Condition(Condition::default()),
            Self::Barrier { parties, patience } => What::Barrier(Barrier::new(parties, patience)),
            Self::Value { typecode, value } => What::Value(Cell::new(typecode, value)),
            Self::Array { typecode, values } => {
                What::Array(Array { typecode, list: List::of(values) })
            }
            Self::Namespace(names) => What::Namespace(Namespace::of(names)),
            Self::List(items) => What::List(List::of(items)),
            Self::Dict(entries) => What::Dict(Dict::of(entries)),
            Self::Set(elements) => What::Set(Set::of(elements)),
        }
    }
}

impl Object {
    /// How idents begin that lead to it: `NAME:KIND`, which no queue is called.
    pub(crate) fn stem(&self) -> String {
        format!("{}:{}", self.name.as_deref().unwrap_or_default(), self.kind.name())
    }

    /// The lock that is in it, or that it is.
    pub(crate) fn lock(&mut self) -> Option<&mut Lock> {
        match &mut self.what {
            What::Lock(lock) => Some(lock),
            What::Condition(condition) => Some(&mut condition.lock),
            _ => None,
        }
    }

    /// Who has that lock.
    pub(crate) fn holder(&self) -> Option<SessionId> {
        match &self.what {
            What::Lock(lock) => lock.holder(),
            What::Condition(condition) => condition.lock.holder(),
            _ => None,
        }
    }

    /// The lines that sessions wait in here.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Line> {
        let [first, second] = match &self.what {
            What::Value(_)
            | What::Array(_)
            | What::Namespace(_)
            | What::List(_)
            | What::Dict(_)
            | What::Set(_)
            | What::Iterator(_) => [None, None],
            What::Lock(lock) => [Some(&lock.line), None],
            What::Semaphore(semaphore) => [Some(&semaphore.line), None],
            What::Event(event) => [Some(&event.line), None],
            What::Condition(Condition { lock, line }) => [Some(&lock.line), Some(line)],
            What::Barrier(barrier) => [Some(&barrier.line), None],
        };
        first.into_iter().chain(second)
    }
}

/// What is left of a dict's keys, as they were when it was asked.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(super) keys: vec::IntoIter<Bytes>,
    pub(super) of: ObjectId,
    /// How many there were.
    pub(super) len: usize,
    pub(super) bytes: u64,
    /// Whether that was said: nobody minds any more what becomes of the dict.
    pub(super) is_over: bool,
}

impl Object {
    /// The line in which sessions wait for that.
    pub(crate) fn line(&mut self, awaits: Awaits) -> Option<&mut Line> {
        if let Awaits::Lock | Awaits::Again { .. } = awaits {
            return self.lock().map(|lock| &mut lock.line);
        }
        match (&mut self.what, awaits) {
            (What::Condition(condition), Awaits::Notice { .. }) => Some(&mut condition.line),
            (What::Semaphore(semaphore), Awaits::Permit) => Some(&mut semaphore.line),
            (What::Event(event), Awaits::Set) => Some(&mut event.line),
            (What::Barrier(barrier), Awaits::Others) => Some(&mut barrier.line),
            _ => None,
        }
    }

    /// Who is first in a line, if what he waits for is there. At a barrier nobody is: whoever
    /// comes last tells all.
    pub(crate) fn first_to_serve(&self) -> Option<SessionId> {
        match &self.what {
            What::Lock(lock) => lock.line.first().filter(|_| !lock.is_held()),
            What::Condition(at) => at.lock.line.first().filter(|_| !at.lock.is_held()),
            What::Semaphore(at) => at.line.first().filter(|_| !at.is_used_up()),
            What::Event(event) => event.line.first().filter(|_| event.is_set),
            // Nobody waits for the others.
            _ => None,
        }
    }
}

impl Object {
    /// How many bytes of values it holds.
    pub(crate) fn bytes(&self) -> u64 {
        match &self.what {
            What::Value(cell) => (cell.typecode.len() + cell.value.len()) as u64,
            What::Array(array) => array.list.bytes(),
            What::Namespace(names) => names.0.bytes(),
            What::List(list) => list.bytes(),
            What::Dict(dict) => dict.bytes(),
            What::Set(set) => set.bytes(),
            What::Iterator(keys) => keys.bytes,
            _ => 0,
        }
    }

    /// The same, counted one by one.
    pub(crate) fn bytes_anew(&self) -> u64 {
        let all = |values: &[Bytes]| values.iter().map(|value| value.len() as u64).sum::<u64>();
        match (self.show(), &self.what) {
            (Shown::List(values) | Shown::Set(values) | Shown::Array(_, values), _) => all(&values),
            (Shown::Dict(pairs), _) => pairs.iter().map(|pair| all(pair)).sum(),
            (Shown::Value(pair), _) => all(&pair),
            (Shown::Names(names), _) => {
                names.iter().map(|(name, value)| (name.len() + value.len()) as u64).sum()
            }
            (Shown::Opaque(_), What::Iterator(keys)) => all(keys.keys.as_slice()),
            (Shown::Opaque(_), _) => 0,
        }
    }

    pub(crate) fn show(&self) -> Shown {
        match &self.what {
            What::Value(cell) => Shown::Value([cell.typecode.clone(), cell.value.clone()]),
            What::Array(array) => Shown::Array(array.typecode, array.list.items().to_vec()),
            What::Namespace(names) => Shown::Names(names.attributes()),
            What::List(list) => Shown::List(list.items().to_vec()),
            What::Dict(dict) => Shown::Dict(dict.pairs()),
            What::Set(set) => Shown::Set(set.elements()),
            _ => Shown::Opaque(self.kind),
        }
    }
}

impl Object {
    pub(crate) fn first_waiter(&self) -> Option<SessionId> {
        self.lines().find_map(Line::first)
    }
}
