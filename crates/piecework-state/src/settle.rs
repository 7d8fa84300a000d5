//! Settling: how leases end, and Python's count of unfinished puts.

use crate::ack;
use crate::call::{Note, Outcome, Reply, Settle};
use crate::deadline::Due;
use crate::error::StateError;
use crate::holdings::Held;
use crate::item::{Attempt, Ended, Item};
use crate::objects::Target;
use crate::patience::Wait;
use crate::queue::Lease;
use crate::session::{Session, Waits};
use crate::state::{Served, State};
use crate::{ItemId, QueueId, Record, SessionId, Time, retry};
use std::time::Duration;

impl State {
    /// `ack()`: the session's oldest lease on this queue ends well.
    pub(crate) fn ack(&mut self, session: SessionId, queue: QueueId, out: &mut Outcome) -> Served {
        match self.oldest(session, queue, "ack")? {
            held if held.late => self.drop_late(session, held, out),
            held => self.acked(session, held, out),
        }
        Ok(Some(Reply::None))
    }

    /// `nack(delay)`: the session's oldest lease on this queue failed.
    pub(crate) fn nack(
        &mut self,
        now: Time,
        session: SessionId,
        queue: QueueId,
        delay: Duration,
        out: &mut Outcome,
    ) -> Served {
        match self.oldest(session, queue, "nack")? {
            held if held.late => self.drop_late(session, held, out),
            held => self.failed(now, session, held, Ended::Nacked, delay, out),
        }
        Ok(Some(Reply::None))
    }

    /// `extend(seconds)`: the session's oldest lease on this queue lasts that long from now.
    pub(crate) fn extend(
        &mut self,
        now: Time,
        session: SessionId,
        queue: QueueId,
        by: Duration,
    ) -> Served {
        let (_, item) = self.oldest_lease(session, queue, "extend")?;
        self.prolong(queue, item, now + by)
    }

    /// `renew(id)`: a lease lasts for the whole of its queue's time again.
    pub(crate) fn renew(
        &mut self,
        now: Time,
        session: SessionId,
        queue: QueueId,
        item: ItemId,
    ) -> Served {
        if self.held_by_id(session, queue, item).is_none() {
            return Err(self.not_leased(queue, item));
        }
        match self.at(queue)?.options.lease {
            Some(lasts) => self.prolong(queue, item, now + lasts),
            None => Ok(Some(Reply::None)),
        }
    }

    /// Without a deadline a lease lasts as long as its session: there is nothing to prolong.
    fn prolong(&mut self, queue: QueueId, item: ItemId, until: Time) -> Served {
        let lease = self.at_mut(queue)?.leased.get_mut(&item);
        if let Some(deadline) = lease.and_then(|lease| lease.deadline.as_mut()) {
            let was = std::mem::replace(deadline, until);
            self.deadlines.remove(was, Due::Lease(queue, item));
            self.deadlines.add(until, Due::Lease(queue, item));
        }
        Ok(Some(Reply::None))
    }

    /// `progress(fraction, note)` of the session's oldest lease on this queue.
    pub(crate) fn progress(
        &mut self,
        session: SessionId,
        queue: QueueId,
        fraction: f64,
        note: String,
    ) -> Served {
        let (lease, _) = self.oldest_lease(session, queue, "progress")?;
        lease.progress = Some((fraction, note));
        Ok(Some(Reply::None))
    }

    /// `settle(id, how)`.
    pub(crate) fn settle(
        &mut self,
        now: Time,
        session: SessionId,
        queue: QueueId,
        item: ItemId,
        how: Settle,
        out: &mut Outcome,
    ) -> Served {
        let held = self.held_by_id(session, queue, item);
        let held = held.ok_or_else(|| self.not_leased(queue, item))?;
        match how {
            Settle::Ack => self.acked(session, held, out),
            Settle::Nack => {
                self.failed(now, session, held, Ended::Nacked, Duration::ZERO, out);
            }
            Settle::Release => self.release(now, session, held, Ended::Released, out),
        }
        Ok(Some(Reply::None))
    }

    /// `task_done()`: pays for the oldest item this session got that is acked already, else acks
    /// a lease.
    pub(crate) fn task_done(
        &mut self,
        session: SessionId,
        queue: QueueId,
        out: &mut Outcome,
    ) -> Served {
        let paid = self.sessions.get_mut(&session).is_some_and(|session| session.pay(queue));
        let held = self.oldest_or_late(session, queue).filter(|_| !paid);
        match held {
            // Whoever has the item now will pay for it.
            Some(held) if held.late => {
                self.drop_late(session, held, out);
                return Ok(Some(Reply::None));
            }
            Some(held) => {
                self.acked(session, held, out);
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.pay(queue);
                }
            }
            None => {}
        }
        if self.at(queue)?.unfinished == 0 && held.is_none() {
            return Err(StateError::DoneTooOften);
        }
        self.finished(queue, out);
        Ok(Some(Reply::None))
    }

    /// `join()`: waits until every put is paid for.
    pub(crate) fn join(&mut self, session: SessionId, queue: QueueId) -> Served {
        match self.at(queue)?.unfinished {
            0 => Ok(Some(Reply::None)),
            _ => self.park(session, Target::Queue(queue), Waits::Join, Wait::Forever),
        }
    }

    /// One put less that `join()` waits for.
    fn finished(&mut self, queue: QueueId, out: &mut Outcome) {
        if let Some(at) = self.queues.get_mut(&queue) {
            at.unfinished = at.unfinished.saturating_sub(1);
            self.wake_joiners(queue, out);
        }
    }

    /// Wakes those in `join()` if nothing is unfinished.
    pub(crate) fn wake_joiners(&mut self, queue: QueueId, out: &mut Outcome) {
        while let Some(at) = self.queues.get(&queue) {
            let joiner = at.joiners.first().filter(|_| at.unfinished == 0);
            let Some(joiner) = joiner else { return };
            self.unpark(joiner);
            out.woken.push((joiner, Reply::None));
        }
    }

    /// A lease ends well, on its own.
    pub(crate) fn acked(&mut self, session: SessionId, held: Held, out: &mut Outcome) {
        if self.let_go_acked(session, held, out) {
            self.keep(Record::Acked(held.queue, held.item), out);
        }
    }

    /// Acks everything a session holds of one queue and did not take by `lease`.
    pub(crate) fn ack_all(&mut self, session: SessionId, queue: QueueId, out: &mut Outcome) {
        while let Some(held) = self.oldest_or_late(session, queue) {
            match held.late {
                true => self.drop_late(session, held, out),
                false => self.acked(session, held, out),
            }
        }
    }

    /// A lease ends well as part of a greater record; false if it had run out.
    pub(crate) fn let_go_acked(
        &mut self,
        session: SessionId,
        held: Held,
        out: &mut Outcome,
    ) -> bool {
        let Some(lease) = self.take_lease(session, held) else { return false };
        if held.by_id {
            // Whoever settles by id says that the item is done, and not only that he has it.
            self.finished(held.queue, out);
        } else if let Some(session) = self.session_mut(session) {
            session.owes(held.queue);
        }
        self.forget(held.queue, &lease.item);
        true
    }

    /// An item that its delivery acked.
    pub(crate) fn gone_for_good(&mut self, queue: QueueId, item: &Item, out: &mut Outcome) {
        self.forget(queue, item);
        self.keep(Record::Acked(queue, item.id), out);
    }

    fn forget(&mut self, queue: QueueId, item: &Item) {
        if let Some(queue) = self.count_out(queue, item) {
            queue.acked_total += 1;
        }
    }

    /// An attempt failed and counts.
    pub(crate) fn failed(
        &mut self,
        now: Time,
        session: SessionId,
        held: Held,
        how: Ended,
        delay: Duration,
        out: &mut Outcome,
    ) {
        let Some(lease) = self.take_lease(session, held) else { return };
        let Lease { mut item, began, .. } = lease;
        let attempt = self.attempt(session, [began, now], how, true);
        item.remember(attempt.clone());
        let wanted = self.is_wanted(&item);
        let name = self.name_of(held.queue);
        let Some(queue) = self.queues.get_mut(&held.queue) else { return };
        queue.returned_total += 1;
        if !wanted {
            return self.drop_unwanted(held.queue, item, out);
        }
        let attempts = item.attempts;
        if queue.options.attempts > 0 && attempts >= queue.options.attempts {
            let id = item.id;
            out.notes.push(Note::Died { queue: name, item: id, attempts });
            queue.dead.insert(id, item);
            queue.unfinished = queue.unfinished.saturating_sub(1);
            self.keep(Record::Died { queue: held.queue, item: id, attempt }, out);
            return self.wake_joiners(held.queue, out);
        }
        let wait = if delay.is_zero() { retry::backoff(item.id, attempts) } else { delay };
        self.give_back(now, held.queue, item, attempt, wait, out);
    }

    /// A lease ends without an attempt that counts.
    pub(crate) fn release(
        &mut self,
        now: Time,
        session: SessionId,
        held: Held,
        how: Ended,
        out: &mut Outcome,
    ) {
        let queue = held.queue;
        let Some(lease) = self.take_lease(session, held) else { return };
        let Lease { mut item, began, .. } = lease;
        let attempt = self.attempt(session, [began, now], how, false);
        item.remember(attempt.clone());
        if let Some(queue) = self.queues.get_mut(&queue) {
            queue.returned_total += 1;
        }
        if !self.is_wanted(&item) {
            return self.drop_unwanted(queue, item, out);
        }
        self.give_back(now, queue, item, attempt, Duration::ZERO, out);
    }

    /// What is remembered of a lease that did not end well.
    fn attempt(
        &self,
        session: SessionId,
        [began, ended]: [Time; 2],
        how: Ended,
        counted: bool,
    ) -> Attempt {
        let open = self.sessions.get(&session).map(|session| &session.peer);
        let undecided = || self.undecided.get(&session).map(|ended| &ended.session.peer);
        let leaving = || self.leaving.as_ref().filter(|(id, _)| *id == session);
        let peer = open.or_else(undecided).or_else(|| leaving().map(|(_, peer)| peer));
        let peer = peer.expect("a lease ends with, or before, the session that has it");
        let [name, address] = [peer.shared_name(), peer.shared_address()].map(Attempt::brief);
        Attempt { session, name, address, began, ended, how, counted }
    }

    /// An item goes back to its old place, now or after a wait.
    fn give_back(
        &mut self,
        now: Time,
        queue: QueueId,
        item: Item,
        attempt: Attempt,
        wait: Duration,
        out: &mut Outcome,
    ) {
        let due = (!wait.is_zero()).then(|| now + wait);
        self.keep(Record::Returned { queue, item: item.id, attempt, due }, out);
        let Some(at) = self.queues.get_mut(&queue) else { return };
        match due {
            None => {
                at.ready.put_back(item);
                self.serve(now, queue, out);
            }
            Some(due) => {
                self.deadlines.add(due, Due::Delay(queue, item.id));
                at.delay(item, due);
            }
        }
    }

    /// A lease's deadline has come. Its session may still answer: that is expected, so that it can
    /// be dropped rather than taken for something else.
    pub(crate) fn lease_run_out(
        &mut self,
        now: Time,
        queue: QueueId,
        item: ItemId,
        out: &mut Outcome,
    ) {
        let Some(at) = self.queues.get_mut(&queue) else { return };
        let mode = at.options.ack;
        let Some(lease) = at.leased.get_mut(&item) else { return };
        lease.deadline = None;
        let session = lease.session;
        let Some(holder) = self.session_mut(session) else { return };
        // First the books of the session: the item may come back to it at once.
        let remembered = |held: Held| ack::remembers_late(mode, held.by_id);
        let Some(held) = holder.held.run_out(item, remembered) else { return };
        self.failed(now, session, held, Ended::RunOut, Duration::ZERO, out);
    }

    /// Ends a lease in the books of both its queue and its session.
    pub(crate) fn take_lease(&mut self, session: SessionId, held: Held) -> Option<Lease> {
        if let Some(session) = self.session_mut(session) {
            session.held.remove(held.item, held.late);
        }
        if held.late {
            return None;
        }
        let lease = self.queues.get_mut(&held.queue)?.leased.remove(&held.item)?;
        assert_eq!(lease.session, session, "a lease ends with the session that has it");
        if let Some(at) = lease.deadline {
            self.deadlines.remove(at, Due::Lease(held.queue, held.item));
        }
        Some(lease)
    }

    /// A session that is open, or ended and undecided.
    pub(crate) fn session_mut(&mut self, session: SessionId) -> Option<&mut Session> {
        let undecided = self.undecided.get_mut(&session).map(|ended| &mut ended.session);
        self.sessions.get_mut(&session).or(undecided).map(|session| &mut **session)
    }

    /// What a call that names no item speaks of.
    fn oldest(
        &self,
        session: SessionId,
        queue: QueueId,
        method: &'static str,
    ) -> Result<Held, StateError> {
        let oldest = self.oldest_or_late(session, queue);
        oldest.ok_or_else(|| StateError::NothingHeld { method, queue: self.name_of(queue) })
    }

    /// The same, where only a lease that has not run out will do.
    fn oldest_lease(
        &mut self,
        session: SessionId,
        queue: QueueId,
        method: &'static str,
    ) -> Result<(&mut Lease, ItemId), StateError> {
        let held = self.oldest(session, queue, method)?;
        let run_out = self.not_leased(queue, held.item);
        let lease = self.at_mut(queue)?.leased.get_mut(&held.item).filter(|_| !held.late);
        lease.map(|lease| (lease, held.item)).ok_or(run_out)
    }

    fn oldest_or_late(&self, session: SessionId, queue: QueueId) -> Option<Held> {
        self.sessions.get(&session)?.held_on(queue).next()
    }

    /// The lease of this item, if this session has it.
    pub(crate) fn held_by_id(
        &self,
        session: SessionId,
        queue: QueueId,
        item: ItemId,
    ) -> Option<Held> {
        let mut held = self.sessions.get(&session)?.held.iter().copied();
        held.find(|held| held.item == item && held.queue == queue && !held.late)
    }

    pub(crate) fn not_leased(&self, queue: QueueId, item: ItemId) -> StateError {
        StateError::NotLeased { item, queue: self.name_of(queue) }
    }
}
