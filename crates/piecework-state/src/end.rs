//! What the end of a session says about its process, and so about its leases.
//!
//! A Python process that ends in good order releases its proxies (`decref`) before its connection
//! closes; one that was killed does not. A thread that ends closes its own connection without a
//! word, while its process lives on: such an end is undecided for a moment.

use crate::call::{Note, Outcome};
use crate::deadline::Due;
use crate::holdings::Held;
use crate::item::Ended;
use crate::objects::{Awaits, ObjectCall, Target};
use crate::patience::Wait;
use crate::session::{Session, Undecided, Waits};
use crate::state::State;
use crate::{Delivery, HandleId, Peer, QueueId, Reply, SessionId, Take, Time};
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
    /// Nothing: it is the manager that stops.
    Stopped,
}

impl State {
    /// Ends a session: its wait is given up, its leases are settled as its ack modes say.
    ///
    /// A put that waits for room is let in all the same: its whole frame arrived, and whatever it
    /// answers must not be done again.
    pub fn end(&mut self, now: Time, session: SessionId) -> Outcome {
        let mut out = Outcome::default();
        self.end_into(now, session, &mut out);
        out
    }

    /// The same, adding to an outcome; gives back what became of a put that waited for room.
    fn end_into(&mut self, now: Time, session: SessionId, out: &mut Outcome) -> Option<Reply> {
        let (at, let_in) = match self.unpark(session) {
            Some((Target::Queue(queue), Waits::Put(put))) => {
                let reply = self.admit(now, session, queue, *put, out);
                (Some(Target::Queue(queue)), Some(reply))
            }
            Some((Target::Object(id), Waits::Object(awaits))) => {
                self.object_wait_given_up(session, id, awaits, false, out);
                (Some(Target::Object(id)), None)
            }
            Some((at, _)) => (Some(at), None),
            None => (None, None),
        };
        if let Some(at) = at {
            self.serve_at(now, at, out);
        }
        let Some(mut ended) = self.sessions.remove(&session) else { return let_in };
        self.calls += 1;
        self.pay_all(&ended, out);
        ended.unpaid.clear();
        let owned = std::mem::take(&mut ended.owns);
        let handles: Vec<(HandleId, u64)> = ended.handles.to_vec();
        let end = self.judge(now, &ended);
        for (handle, _) in &handles {
            if let Some(handle) = self.handles.by_id.get_mut(handle) {
                handle.users.retain(|user| *user != session);
            }
        }
        match end {
            End::Undecided => self.wait_and_see(now, session, ended, out),
            End::Orderly | End::Lost | End::Stopped => {
                if end == End::Lost && !ended.peer.is_thread() {
                    self.process_died(now, &ended.peer, &handles, out);
                }
                self.settle_ended(now, session, &ended, end, out);
            }
        }
        for (handle, _) in handles {
            self.forget_handle(handle);
        }
        for handle in owned {
            self.release_handle(now, handle, out);
        }
        let_in
    }

    /// The process of a session is known to have ended: where its thread's end would be undecided,
    /// it is lost.
    pub fn process_ended(&mut self, session: SessionId) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.process_ended = true;
        }
    }

    /// The process of a session has ended while a call on the object `ident` waits, and somebody
    /// has inherited its connection: the session is lost, and the call goes on in one of the heir's
    /// own, behind those who wait already. `None` if the call was not waiting any more.
    ///
    /// A put is let in, as at every end of a session, and the heir is told so.
    pub fn hand_over(
        &mut self,
        now: Time,
        session: SessionId,
        ident: &str,
    ) -> Option<(SessionId, Outcome)> {
        let waiting = self.sessions.get(&session)?.waiting.as_ref()?;
        let wait = waiting.deadline.map_or(Wait::Forever, Wait::Until);
        let take = match waiting.what {
            Waits::Take { max, style } => Some((max, style)),
            Waits::Put(_) | Waits::Join | Waits::Object(_) => None,
        };
        let joins = matches!(waiting.what, Waits::Join);
        let acquires = match waiting.what {
            // It had its lock in the session that ends.
            Waits::Object(Awaits::Notice { .. } | Awaits::Again { .. }) => {
                Some(ObjectCall::Wait(Some(wait)))
            }
            Waits::Object(Awaits::Lock | Awaits::Permit) => Some(ObjectCall::Acquire(wait)),
            Waits::Object(Awaits::Set | Awaits::Others) => Some(ObjectCall::Wait(Some(wait))),
            _ => None,
        };
        let peer = self.sessions.get(&session)?.peer.clone();
        self.process_ended(session);
        let mut out = Outcome::default();
        let let_in = self.end_into(now, session, &mut out);
        let heir = self.open(now, peer);
        let served = self.resolve(now, heir, ident, &mut out).and_then(|at| match (at, take) {
            (Target::Queue(queue), Some((max, style))) => {
                self.take(now, heir, queue, max, wait, style, &mut out)
            }
            (Target::Queue(queue), None) if joins => self.join(heir, queue),
            (Target::Object(id), None) if acquires.is_some() => {
                let call = acquires.unwrap_or(ObjectCall::IsLocked);
                self.call_object(now, heir, id, call, &mut out)
            }
            _ => Ok(Some(let_in.unwrap_or(Reply::None))),
        });
        out.reply = served.unwrap_or_else(|error| Some(Reply::Error(error)));
        Some((heir, out))
    }

    /// The manager stops: from here on nobody is served, and a session that ends without having
    /// released its proxies is not blamed for it.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// Whether a session waits for room for what it puts.
    pub fn waits_to_put(&self, session: SessionId) -> bool {
        let waiting = self.sessions.get(&session).and_then(|session| session.waiting.as_ref());
        waiting.is_some_and(|waiting| matches!(waiting.what, Waits::Put(_)))
    }

    /// Whether a session waits for items that it would settle by their ids.
    pub fn waits_to_lease(&self, session: SessionId) -> bool {
        let waiting = self.sessions.get(&session).and_then(|session| session.waiting.as_ref());
        waiting
            .is_some_and(|waiting| matches!(waiting.what, Waits::Take { style: Take::Leases, .. }))
    }

    /// Whether a session waits for an object that is no queue.
    pub fn waits_for_object(&self, session: SessionId) -> bool {
        let waiting = self.sessions.get(&session).and_then(|session| session.waiting.as_ref());
        waiting.is_some_and(|waiting| matches!(waiting.what, Waits::Object(_)))
    }

    /// Gives up a session's waiting call without a reply: its client was interrupted and has made
    /// another call already. `None` if it was not waiting any more.
    pub fn cancel(&mut self, now: Time, session: SessionId) -> Option<Outcome> {
        let mut out = Outcome::default();
        let (at, what) = self.unpark(session)?;
        if let (Target::Object(id), Waits::Object(awaits)) = (at, what) {
            self.object_wait_given_up(session, id, awaits, true, &mut out);
        }
        self.serve_at(now, at, &mut out);
        Some(out)
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
        let mut released = ended.released || !ended.handles.is_empty();
        let mut process_died = ended.process_ended;
        for &(id, last_use) in &ended.handles {
            let Some(handle) = self.handles.by_id.get_mut(&id) else { continue };
            released &= handle.claim_release(last_use, now);
            process_died |= handle.crashed.as_deref().is_some_and(|(at, peer)| {
                now.since(*at) <= SAME_EVENT && peer.same_process(&ended.peer)
            });
        }
        match (released, ended.peer.is_thread()) {
            (true, _) => End::Orderly,
            (false, _) if self.stopping => End::Stopped,
            (false, true) if !process_died => End::Undecided,
            (false, _) => End::Lost,
        }
    }

    /// Items acked by an ended session count as finished: nobody can pay for them any more.
    fn pay_all(&mut self, ended: &Session, out: &mut Outcome) {
        for &(queue, count) in &ended.unpaid {
            self.pay_for(queue, count, out);
        }
    }

    fn pay_for(&mut self, queue: QueueId, count: u64, out: &mut Outcome) {
        if let Some(at) = self.queues.get_mut(&queue) {
            at.unfinished = at.unfinished.saturating_sub(count);
        }
        self.wake_joiners(queue, out);
    }

    /// A thread's session ended. What would be given back at either end is given back now; the
    /// rest waits until it is known what became of the process.
    fn wait_and_see(
        &mut self,
        now: Time,
        session: SessionId,
        mut ended: Box<Session>,
        out: &mut Outcome,
    ) {
        let (open, either_way) =
            std::mem::take(&mut ended.held).partition(|held| self.acks_at_orderly_end(held));
        ended.held = either_way;
        self.settle_ended(now, session, &ended, End::Orderly, out);
        ended.held = open;
        if ended.held.is_empty() && ended.locks.is_empty() {
            return;
        }
        for (handle, _) in &ended.handles {
            let Some(handle) = self.handles.by_id.get_mut(handle) else { continue };
            handle.undecided.push(session);
            // Whoever uses the handle next decides it.
            for user in &handle.users {
                if let Some(user) = self.sessions.get_mut(user) {
                    user.resolved = None;
                }
            }
        }
        self.deadlines.add(now + UNDECIDED_MAX, Due::Undecided(session));
        self.undecided.insert(session, Undecided { session: ended, since: now });
    }

    /// A process died: threads of it whose sessions ended a moment ago died with it, and those
    /// that end in a moment will have.
    fn process_died(
        &mut self,
        now: Time,
        peer: &Peer,
        handles: &[(HandleId, u64)],
        out: &mut Outcome,
    ) {
        let mut threads = Vec::new();
        for (id, _) in handles {
            let Some(handle) = self.handles.by_id.get_mut(id) else { continue };
            handle.crashed = Some(Box::new((now, peer.clone())));
            threads.extend(handle.undecided.iter().copied());
        }
        threads.sort();
        threads.dedup();
        threads.retain(|thread| {
            self.undecided.get(thread).is_some_and(|ended| {
                ended.session.peer.same_process(peer) && now.since(ended.since) <= SAME_EVENT
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
        let end = if lost { End::Lost } else { End::Orderly };
        for id in sessions {
            let Some(Undecided { session, since }) = self.undecided.remove(&id) else { continue };
            self.deadlines.remove(since + UNDECIDED_MAX, Due::Undecided(id));
            for (handle, _) in &session.handles {
                if let Some(handle) = self.handles.by_id.get_mut(handle) {
                    handle.undecided.retain(|&other| other != id);
                }
                self.forget_handle(*handle);
            }
            self.settle_ended(now, id, &session, end, out);
        }
    }

    /// Settles the leases of an ended session, queue by queue, in the order they were taken. Of
    /// those on one queue only the oldest is blamed: it is the one its worker was at.
    fn settle_ended(
        &mut self,
        now: Time,
        session: SessionId,
        ended: &Session,
        end: End,
        out: &mut Outcome,
    ) {
        self.leaving = Some((session, ended.peer.clone()));
        let live: Vec<Held> = ended.held.iter().copied().filter(|held| !held.late).collect();
        let mut queues: Vec<QueueId> = live.iter().map(|held| held.queue).collect();
        queues.sort();
        queues.dedup();
        for queue in queues {
            let (acked, given_back): (Vec<Held>, Vec<Held>) = live
                .iter()
                .filter(|held| held.queue == queue)
                .partition(|held| end == End::Orderly && self.acks_at_orderly_end(**held));
            for held in &acked {
                self.acked(session, *held, out);
            }
            // What was acked just now is paid for by nobody: it counts as finished.
            self.pay_for(queue, acked.len() as u64, out);
            for (at, held) in given_back.iter().enumerate() {
                match end {
                    End::Lost if at == 0 => {
                        self.failed(now, session, *held, Ended::Lost, Duration::ZERO, out);
                    }
                    End::Orderly if at == 0 => {
                        self.failed(now, session, *held, Ended::Unanswered, Duration::ZERO, out);
                    }
                    _ => self.release(now, session, *held, Ended::Released, out),
                }
            }
            self.note_unanswered(session, queue, acked.len(), given_back.len(), end, out);
        }
        self.leaving = None;
        if end == End::Lost {
            self.free_locks(session, &ended.locks, out);
        }
    }

    fn acks_at_orderly_end(&self, held: Held) -> bool {
        let mode = self.queues.get(&held.queue).map(|queue| queue.options.ack);
        !held.by_id && mode.is_some_and(crate::AckMode::acks_at_orderly_end)
    }

    fn note_unanswered(
        &self,
        session: SessionId,
        queue: QueueId,
        acked: usize,
        given_back: usize,
        end: End,
        out: &mut Outcome,
    ) {
        if end == End::Stopped {
            return;
        }
        let queue = self.name_of(queue);
        let (leases, lost) = (acked + given_back, end == End::Lost);
        out.notes.push(Note::Unanswered { session, queue, leases, acked: given_back == 0, lost });
    }
}
