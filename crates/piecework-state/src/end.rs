//! What the end of a session says about its process, and so about its leases.
//!
//! A Python process that ends in good order releases its proxies (`decref`) before its connection
//! closes; one that was killed does not. A thread that ends closes its own connection without a
//! word, while its process lives on: such an end is undecided for a moment.

use crate::call::{Note, Outcome};
use crate::deadline::Due;
use crate::item::Ended;
use crate::session::{Held, Session};
use crate::state::State;
use crate::{Delivery, ObjectId, Peer, QueueId, Reply, SessionId, Time};
use std::time::Duration;

/// How long the end of a thread's session stays undecided before its leases are acked.
pub(crate) const UNDECIDED_MAX: Duration = Duration::from_secs(2);

/// Ends of a thread's and of its process's main session that are no further apart than this are
/// one event.
pub(crate) const SAME_EVENT: Duration = Duration::from_secs(1);

/// What an end says about the process.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// It let go of everything first.
    Orderly,
    /// It died.
    Lost,
    /// A thread ended; its process may live or not.
    Undecided,
}

impl State {
    /// Ends a session: its wait is given up, its leases are settled as its ack modes say.
    pub fn end(&mut self, now: Time, session: SessionId) -> Outcome {
        let mut out = Outcome::default();
        self.unpark(session);
        let Some(mut ended) = self.sessions.remove(&session) else { return out };
        self.calls += 1;
        self.pay_all(&ended, &mut out);
        ended.unpaid.clear();
        let handles: Vec<(ObjectId, u64)> = ended.handles.to_vec();
        let end = self.judge(now, &ended);
        for (handle, _) in &handles {
            if let Some(handle) = self.handles.by_id.get_mut(handle) {
                handle.sessions -= 1;
            }
        }
        match end {
            End::Undecided => self.wait_and_see(now, session, ended, &mut out),
            End::Orderly | End::Lost => {
                if end == End::Lost && !ended.peer.is_thread() {
                    self.process_died(now, &ended.peer, &handles, &mut out);
                }
                self.settle_ended(now, session, &ended, end == End::Lost, &mut out);
            }
        }
        for (handle, _) in handles {
            self.forget_handle(handle);
        }
        out
    }

    /// Gives up a session's waiting call without a reply: its client was interrupted and has made
    /// another call already. Returns whether it was still waiting.
    pub fn cancel(&mut self, session: SessionId) -> bool {
        self.unpark(session).is_some()
    }

    /// The deliveries in a reply that could not be sent.
    pub fn deliveries(reply: Reply) -> Vec<Delivery> {
        match reply {
            Reply::Item(delivery) => vec![delivery],
            Reply::Items(deliveries) | Reply::Leases(deliveries) => deliveries,
            _ => Vec::new(),
        }
    }

    fn judge(&mut self, now: Time, ended: &Session) -> End {
        // A session that never used a handle has nothing to release, and so cannot say good-bye.
        let mut released = !ended.handles.is_empty();
        let mut process_died = false;
        for &(id, last_use) in &ended.handles {
            let Some(handle) = self.handles.by_id.get_mut(&id) else { continue };
            released &= handle.claim_release(last_use);
            process_died |= handle.crashed.as_ref().is_some_and(|(at, peer)| {
                now.since(*at) <= SAME_EVENT && peer.same_process(&ended.peer)
            });
        }
        match (released, ended.peer.is_thread()) {
            (true, _) => End::Orderly,
            (false, true) if !process_died => End::Undecided,
            (false, _) => End::Lost,
        }
    }

    /// Items acked by an ended session count as finished: nobody can pay for them any more.
    fn pay_all(&mut self, ended: &Session, out: &mut Outcome) {
        for &(queue, count) in &ended.unpaid {
            if let Some(at) = self.queues.get_mut(&queue) {
                at.unfinished = at.unfinished.saturating_sub(count);
            }
            self.wake_joiners(queue, out);
        }
    }

    /// A thread's session ended. What would be given back at either end is given back now; the
    /// rest waits until it is known what became of the process.
    fn wait_and_see(
        &mut self,
        now: Time,
        session: SessionId,
        mut ended: Session,
        out: &mut Outcome,
    ) {
        let (either_way, open) =
            ended.held.iter().copied().partition(|held: &Held| !self.acks_at_orderly_end(*held));
        ended.held = either_way;
        self.settle_ended(now, session, &ended, false, out);
        ended.held = open;
        if ended.held.is_empty() {
            return;
        }
        for (handle, _) in &ended.handles {
            if let Some(handle) = self.handles.by_id.get_mut(handle) {
                handle.undecided.push(session);
            }
        }
        self.deadlines.add(now + UNDECIDED_MAX, Due::Undecided(session));
        ended.opened = now; // from here on: since when it is undecided
        self.undecided.insert(session, ended);
    }

    /// A process died: threads of it whose sessions ended a moment ago died with it, and those
    /// that end in a moment will have.
    fn process_died(
        &mut self,
        now: Time,
        peer: &Peer,
        handles: &[(ObjectId, u64)],
        out: &mut Outcome,
    ) {
        let mut threads = Vec::new();
        for (id, _) in handles {
            let Some(handle) = self.handles.by_id.get_mut(id) else { continue };
            handle.crashed = Some((now, peer.clone()));
            threads.extend(handle.undecided.iter().copied());
        }
        threads.sort();
        threads.dedup();
        threads.retain(|thread| {
            self.undecided.get(thread).is_some_and(|ended| {
                ended.peer.same_process(peer) && now.since(ended.opened) <= SAME_EVENT
            })
        });
        self.decide_all(now, threads, true, out);
    }

    /// Decides the undecided ends of these sessions.
    pub(crate) fn decide_all(
        &mut self,
        now: Time,
        sessions: Vec<SessionId>,
        lost: bool,
        out: &mut Outcome,
    ) {
        for session in sessions {
            let Some(ended) = self.undecided.remove(&session) else { continue };
            self.deadlines.remove(ended.opened + UNDECIDED_MAX, Due::Undecided(session));
            for (id, _) in &ended.handles {
                if let Some(handle) = self.handles.by_id.get_mut(id) {
                    handle.undecided.retain(|&other| other != session);
                }
                self.forget_handle(*id);
            }
            self.settle_ended(now, session, &ended, lost, out);
        }
    }

    /// Settles the leases of an ended session, in the order they were taken. Of those on one
    /// queue only the oldest is blamed: it is the one its worker was at.
    fn settle_ended(
        &mut self,
        now: Time,
        session: SessionId,
        ended: &Session,
        lost: bool,
        out: &mut Outcome,
    ) {
        let mut blamed: Vec<QueueId> = Vec::new();
        let live = || ended.held.iter().copied().filter(|held| !held.late);
        for held in live() {
            // Not the session's own business any more, but the queue's.
            let first = !blamed.contains(&held.queue);
            if first {
                blamed.push(held.queue);
                self.note_unanswered(session, held.queue, ended, lost, out);
            }
            if !lost && self.acks_at_orderly_end(held) {
                self.acked(session, held, out);
            } else if first {
                let how = if lost { Ended::Lost } else { Ended::Unanswered };
                self.failed(now, session, held, how, Duration::ZERO, out);
            } else {
                self.release(now, session, held.queue, held.item, Ended::Released, out);
            }
        }
        // What was acked just now is paid for by nobody: it counts as finished.
        for queue in blamed {
            let acked = !lost
                && self
                    .queues
                    .get(&queue)
                    .is_some_and(|queue| queue.options.ack.acks_at_orderly_end());
            if acked {
                let count = live().filter(|held| held.queue == queue && !held.by_id).count();
                if let Some(at) = self.queues.get_mut(&queue) {
                    at.unfinished = at.unfinished.saturating_sub(count as u64);
                }
                self.wake_joiners(queue, out);
            }
        }
    }

    fn acks_at_orderly_end(&self, held: Held) -> bool {
        let mode = self.queues.get(&held.queue).map(|queue| queue.options.ack);
        !held.by_id && mode.is_some_and(crate::AckMode::acks_at_orderly_end)
    }

    fn note_unanswered(
        &mut self,
        session: SessionId,
        queue: QueueId,
        ended: &Session,
        lost: bool,
        out: &mut Outcome,
    ) {
        let leases = ended.held.iter().filter(|held| held.queue == queue && !held.late).count();
        let acked = !lost
            && ended.held.iter().any(|held| held.queue == queue && self.acks_at_orderly_end(*held));
        let queue = self.name_of(queue);
        out.notes.push(Note::Unanswered { session, queue, leases, acked, lost });
    }
}
