//! The ack modes: what a stock client's calls mean for the leases of its session.

use crate::call::Take;
use crate::holdings::Held;
use crate::id::IdMap;
use crate::queue::Queue;
use crate::session::Session;
use crate::{AckMode, QueueId};
use smallvec::SmallVec;

/// The leases that a put of `puts` payloads to `target` settles: the oldest ones on a queue that
/// names `target` as its answer queue (the one that the session got from last, if that is one),
/// else on the queue that it got from last.
pub(crate) fn answered_by(
    session: &Session,
    queues: &IdMap<QueueId, Queue>,
    target: QueueId,
    puts: usize,
) -> SmallVec<[Held; 1]> {
    let last = session.got_last.filter(|&source| session.held_on(source).next().is_some());
    let names =
        |&source: &QueueId| mode(queues, source) == Some(AckMode::Answered { answers: target });
    let named = || session.held.oldest_among(names);
    let auto = || last.filter(|&last| mode(queues, last) == Some(AckMode::Auto) && last != target);
    match last.filter(names).or_else(named).or_else(auto) {
        Some(source) => session.held_on(source).take(puts).collect(),
        None => SmallVec::new(),
    }
}

fn mode(queues: &IdMap<QueueId, Queue>, queue: QueueId) -> Option<AckMode> {
    queues.get(&queue).map(|queue| queue.options.ack)
}

/// Whether the arrival of a session's next `get` acks what it holds of this queue.
pub(crate) fn acked_by_next_get(mode: AckMode, style: Take) -> bool {
    mode == AckMode::Auto && style != Take::Leases
}

/// Whether the delivery of an item is its ack.
pub(crate) fn acked_by_delivery(mode: AckMode, stop: bool, style: Take) -> bool {
    match (style, mode) {
        (Take::Leases, _) | (_, AckMode::Explicit) => false,
        (_, AckMode::None) => true,
        (_, AckMode::Auto | AckMode::Answered { .. }) => stop,
    }
}

/// Whether an answer may still come for a lease that has run out: whoever had it is to be told
/// from whoever has the item next.
pub(crate) fn remembers_late(mode: AckMode, by_id: bool) -> bool {
    !by_id && matches!(mode, AckMode::Answered { .. } | AckMode::Explicit)
}
