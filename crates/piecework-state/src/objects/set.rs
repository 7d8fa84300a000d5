//! `set`: keys of a dict without values, in the order in which they came.

use super::container_call::{Mix, Relation, SetCall};
use super::dict::Dict;
use super::key::Key;
use crate::Reply;
use crate::error::StateError;
use bytes::Bytes;

/// Elements, each there once.
#[derive(Debug, Default)]
pub(crate) struct Set(pub(super) Dict);

impl Set {
    pub(super) fn of(elements: impl IntoIterator<Item = Key>) -> Self {
        let mut set = Self::default();
        elements.into_iter().for_each(|element| set.add(element));
        set
    }

    pub(super) fn elements(&self) -> Vec<Bytes> {
        self.0.keys()
    }

    /// How many bytes its elements have.
    pub(super) fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    pub(super) fn call(&mut self, call: SetCall) -> Result<Reply, StateError> {
        Ok(match call {
            SetCall::Add(element) => {
                self.add(element);
                Reply::None
            }
            SetCall::Discard(element) => {
                self.0.remove(&element);
                Reply::None
            }
            SetCall::Remove(element) => match self.0.remove(&element) {
                Some(_) => Reply::None,
                None => return Err(StateError::KeyMissing { key: element.bytes }),
            },
            SetCall::Pop => match self.0.pop_first() {
                Some(element) => Reply::Value(element.bytes),
                None => {
                    let message = "pop from an empty set".to_owned();
                    return Err(StateError::Raised { class: "KeyError", message });
                }
            },
            SetCall::Clear => {
                self.0.clear();
                Reply::None
            }
            SetCall::Contains(element) => Reply::Bool(self.has(&element)),
            SetCall::Len => Reply::Count(self.len()),
            SetCall::Copy => Reply::Set(self.elements()),
            SetCall::Iterate => Reply::Iterator(self.elements()),
            SetCall::Mixed(how, others) => Reply::Set(self.mixed(how, others).elements()),
            SetCall::MixedInto(how, other) => {
                let own = self.0.whole_keys().cloned().collect();
                Reply::Set(Self::of(other).mixed(how, vec![own]).elements())
            }
            SetCall::Mix { how, others, told } => {
                self.mix(how, others);
                if told { Reply::Set(self.elements()) } else { Reply::None }
            }
            SetCall::Is(relation, other) => Reply::Bool(self.is(relation, &Self::of(other))),
        })
    }

    fn add(&mut self, element: Key) {
        self.0.set(element, Bytes::new());
    }

    fn has(&self, element: &Key) -> bool {
        self.0.get(element).is_some()
    }

    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Mixes the others in: no more than these are looked at where that will do.
    fn mix(&mut self, how: Mix, others: Vec<Vec<Key>>) {
        match how {
            Mix::Union => others.into_iter().flatten().for_each(|element| self.add(element)),
            Mix::Difference => others.iter().flatten().for_each(|element| {
                self.0.remove(element);
            }),
            _ => self.0.become_like(self.mixed(how, others).0),
        }
    }

    /// A new set of this and the others, one after the other.
    fn mixed(&self, how: Mix, others: Vec<Vec<Key>>) -> Self {
        let first = Self::of(self.0.whole_keys().cloned());
        others.into_iter().fold(first, |set, other| set.mixed_with(how, &Self::of(other)))
    }

    fn mixed_with(&self, how: Mix, other: &Self) -> Self {
        let without = |a: &Self, b: &Self| a.only(|element| !b.has(element));
        match how {
            Mix::Union => Self::of(self.0.whole_keys().chain(other.0.whole_keys()).cloned()),
            // Of what is in both, Python keeps that of the smaller set: 1 or 1.0.
            Mix::Intersection if other.len() > self.len() => self.only(|key| other.has(key)),
            Mix::Intersection => other.only(|element| self.has(element)),
            Mix::Difference => without(self, other),
            Mix::SymmetricDifference => {
                let [own, others] = [without(self, other), without(other, self)];
                Self::of(own.0.whole_keys().chain(others.0.whole_keys()).cloned())
            }
        }
    }

    fn only(&self, keep: impl Fn(&Key) -> bool) -> Self {
        Self::of(self.0.whole_keys().filter(|element| keep(element)).cloned())
    }

    fn is(&self, relation: Relation, other: &Self) -> bool {
        let within = |a: &Self, b: &Self| a.0.whole_keys().all(|element| b.has(element));
        match relation {
            Relation::Disjoint => !self.0.whole_keys().any(|element| other.has(element)),
            Relation::Within => within(self, other),
            Relation::Around => within(other, self),
            Relation::WithinMore => self.len() < other.len() && within(self, other),
            Relation::AroundLess => self.len() > other.len() && within(other, self),
        }
    }
}
