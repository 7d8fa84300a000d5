//! Who waits at a queue, in order of arrival.

use crate::SessionId;
use std::collections::BTreeMap;

/// A place in a line; grows with every arrival.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Ticket(pub(crate) u64);

/// Sessions that wait for the same thing. Joining, leaving from any place and serving the first
/// cost the same with one waiter as with ten thousand, give or take a logarithm.
#[derive(Debug, Default)]
pub(crate) struct Line(BTreeMap<Ticket, SessionId>);

impl Line {
    pub(crate) fn join(&mut self, ticket: Ticket, session: SessionId) {
        self.0.insert(ticket, session);
    }

    pub(crate) fn leave(&mut self, ticket: Ticket) {
        self.0.remove(&ticket);
    }

    pub(crate) fn first(&self) -> Option<SessionId> {
        self.0.first_key_value().map(|(_, &session)| session)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, ticket: Ticket) -> bool {
        self.0.contains_key(&ticket)
    }
}
