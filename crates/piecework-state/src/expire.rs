//! Expiry: what nobody fetches is dropped after a while, where the queue says so.

use crate::call::{Note, Outcome};
use crate::deadline::Due;
use crate::state::State;
use crate::{QueueId, Record, Time};
use std::time::Duration;

/// After a restart nothing expires for so long, or for as long as the queue says if that is less:
/// what was leased is ready again, and whoever worked at it needs a moment to come back.
const RESTART_GRACE: Duration = Duration::from_secs(60);

/// A queue is looked through so many times while an item expires, and not more often.
const LOOKS: u32 = 64;

impl State {
    /// Sets the moment at which the queue is looked through, if it is one whose items expire.
    pub(crate) fn watch_expiry(&mut self, queue: QueueId, soonest: Time) {
        let Some(at) = self.queues.get_mut(&queue) else { return };
        let Some(expire) = at.options.expire else { return };
        let oldest = at.ready.oldest();
        at.expiry = oldest.map(|since| (since + expire).max(soonest));
        at.expiry.into_iter().for_each(|at| self.deadlines.add(at, Due::Expiry(queue)));
    }

    /// The moment that was set is another one, or none.
    pub(crate) fn unwatch_expiry(&mut self, queue: QueueId) {
        let Some(at) = self.queues.get_mut(&queue) else { return };
        let was = at.expiry.take();
        was.into_iter().for_each(|at| self.deadlines.remove(at, Due::Expiry(queue)));
    }

    /// Drops what has been ready for too long.
    pub(crate) fn expire(&mut self, now: Time, queue: QueueId, out: &mut Outcome) {
        let Some(at) = self.queues.get_mut(&queue) else { return };
        at.expiry = None;
        let Some(expire) = at.options.expire else { return };
        if std::mem::take(&mut at.restored) {
            return self.watch_expiry(queue, now + expire.min(RESTART_GRACE));
        }
        let since = now.before(expire);
        let expired = since.map(|since| at.ready.take_ready_since(since)).unwrap_or_default();
        let items = expired.len();
        at.expired_total += items as u64;
        self.watch_expiry(queue, now + expire / LOOKS);
        if items == 0 {
            return;
        }
        out.notes.push(Note::Expired { queue: self.name_of(queue), items });
        // To those who keep records, what has expired is gone as what is acked.
        for item in &expired {
            self.keep(Record::Acked(queue, item.id), out);
        }
        self.discard(queue, expired.into_iter().map(|item| (item, None)).collect(), out);
        self.serve(now, queue, out);
    }
}
