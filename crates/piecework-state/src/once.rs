//! Putting once: the keys under which items were put, remembered for a while.
//!
//! A client that was not told whether its put was done puts again under the same key, and nothing
//! is put twice. Keys are forgotten by the second, so that a queue with many has few moments at
//! which it forgets some.

use crate::call::Outcome;
use crate::deadline::Due;
use crate::keys::Keys;
use crate::state::State;
use crate::{QueueId, Record, Time};
use std::sync::Arc;

impl State {
    /// Whether something was put into the queue under this key, if it is one.
    pub(crate) fn is_known(&self, queue: QueueId, key: Option<&str>) -> bool {
        key.is_some() && self.queues.get(&queue).is_some_and(|at| at.keys.knows(key))
    }

    /// Remembers that something was put under a key that was not known.
    pub(crate) fn remember_key(
        &mut self,
        now: Time,
        queue: QueueId,
        key: Arc<str>,
        out: &mut Outcome,
    ) {
        let Some(at) = self.queues.get_mut(&queue) else { return };
        let until = (now + at.options.once).whole_second();
        let before = at.keys.first();
        at.keys.remember(Arc::clone(&key), until);
        self.keys += 1;
        self.arm_keys(queue, before);
        self.keep(Record::Key { queue, key, until }, out);
    }

    /// Forgets the keys whose time has come.
    pub(crate) fn forget_keys(&mut self, now: Time, queue: QueueId, out: &mut Outcome) {
        let Some(at) = self.queues.get_mut(&queue) else { return };
        let (before, were) = (at.keys.first(), at.keys.len());
        at.keys.forget(now);
        let forgotten = were - at.keys.len();
        self.keys -= forgotten;
        self.arm_keys(queue, before);
        if forgotten > 0 {
            self.keep(Record::Forgotten(queue, now), out);
        }
    }

    /// Sets the deadline of a queue's oldest key, after the one that was set for `before`.
    fn arm_keys(&mut self, queue: QueueId, before: Option<Time>) {
        let first = self.queues.get(&queue).and_then(|at| at.keys.first());
        if first != before {
            before.into_iter().for_each(|at| self.deadlines.remove(at, Due::Keys(queue)));
            first.into_iter().for_each(|at| self.deadlines.add(at, Due::Keys(queue)));
        }
    }

    /// A queue has ended, and its keys with it.
    pub(crate) fn disarm_keys(&mut self, queue: QueueId, keys: &Keys) {
        self.keys -= keys.len();
        keys.first().into_iter().for_each(|at| self.deadlines.remove(at, Due::Keys(queue)));
    }
}
