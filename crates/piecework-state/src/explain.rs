//! Explaining: all that is known of one item.

use crate::queue::{Lease, Queue};
use crate::state::State;
use crate::{Item, ItemId, Peer, QueueId, SessionId, Time};
use std::borrow::Cow;

/// One item, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The item, with how its attempts ended so far.
    pub item: Item,
    /// Where it stands.
    pub stands: Stands,
}

/// Where an item stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Stands {
    /// It can be got, after so many others.
    Ready {
        /// How many would be got sooner.
        before: usize,
    },
    /// It becomes ready.
    Delayed {
        /// When.
        until: Time,
    },
    /// A session has it.
    Leased {
        /// Which.
        session: SessionId,
        /// Who that is; `None` where it has ended and it is not known yet how.
        peer: Option<Peer>,
        /// Since when.
        since: Time,
        /// Until when at most, where the queue says so.
        deadline: Option<Time>,
        /// What the session said of its progress last: the part that is done, and a note.
        progress: Option<(f64, String)>,
    },
    /// It has used up its attempts.
    Dead,
}

impl State {
    /// All that is known of an item; `None` if the queue has no such item (any more).
    ///
    /// It is for people who ask once in a while: a ready item is looked for from the front.
    pub fn item(&self, queue: QueueId, item: ItemId) -> Option<Explained> {
        let at = self.queues.get(&queue)?;
        let leased = at.leased.get(&item);
        let leased = leased.map(|lease| (Cow::Borrowed(&lease.item), self.leased(lease)));
        let (item, stands) = leased.or_else(|| at.stands(item))?;
        Some(Explained { item: item.into_owned(), stands })
    }

    fn leased(&self, lease: &Lease) -> Stands {
        let Lease { session, began, deadline, progress, .. } = lease;
        Stands::Leased {
            session: *session,
            peer: self.sessions.get(session).map(|session| session.peer.clone()),
            since: *began,
            deadline: *deadline,
            progress: progress.clone(),
        }
    }
}

impl Queue {
    /// Where an item stands that nobody has leased.
    fn stands(&self, item: ItemId) -> Option<(Cow<'_, Item>, Stands)> {
        if let Some(delayed) = self.delayed.get(&item) {
            return Some((Cow::Borrowed(&delayed.item), Stands::Delayed { until: delayed.due }));
        }
        if let Some(dead) = self.dead.get(&item) {
            return Some((Cow::Borrowed(dead), Stands::Dead));
        }
        let item = self.ready.find(item)?;
        let before = self.ready.before(&item);
        Some((item, Stands::Ready { before }))
    }
}
