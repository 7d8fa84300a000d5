//! The ack modes: what a stock client's calls mean for the leases of its session.

use crate::call::Take;
use crate::id::IdMap;
use crate::queue::Queue;
use crate::session::{Held, Session};
use crate::{AckMode, QueueId};
use smallvec::SmallVec;

/// Whether a put to `target` answers an item that was got from `source`.
fn answers(source: &Queue, target: QueueId) -> bool {
    match source.options.ack {
        AckMode::Auto => source.id != target,
        AckMode::Answered { answers } => answers == target,
        AckMode::Explicit | AckMode::None => false,
    }
}

/// The leases that a put of `puts` payloads to `target` settles: the oldest ones on the queue that
/// the session got from last, else on a queue that names `target` as its answer queue.
pub(crate) fn answered_by(
    session: &Session,
    queues: &IdMap<QueueId, Queue>,
    target: QueueId,
    puts: usize,
) -> SmallVec<[Held; 1]> {
    let holds = |source: QueueId| session.held_on(source).next().is_some();
    let last = session.got_last.filter(|&source| {
        holds(source) && queues.get(&source).is_some_and(|queue| answers(queue, target))
    });
    let named = || {
        let mut sources = session.held.iter().filter(|held| !held.by_id);
        sources.find(|held| names(queues, held.queue, target)).map(|held| held.queue)
    };
    match last.or_else(named) {
        Some(source) => session.held_on(source).take(puts).collect(),
        None => SmallVec::new(),
    }
}

/// Whether `source` names `target` as its answer queue.
fn names(queues: &IdMap<QueueId, Queue>, source: QueueId, target: QueueId) -> bool {
    let mode = queues.get(&source).map(|queue| queue.options.ack);
    mode == Some(AckMode::Answered { answers: target })
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
