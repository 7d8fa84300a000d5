//! Putting: room or no room, and what a put answers.

use crate::ack;
use crate::call::{Note, Outcome, Payload, Reply};
use crate::deadline::Due;
use crate::error::StateError;
use crate::holdings::Held;
use crate::objects::Target;
use crate::patience::Wait;
use crate::session::{Put, Waits};
use crate::state::{Served, State};
use crate::{Item, ItemId, QueueId, Rare, Record, SessionId, Time};
use smallvec::{SmallVec, smallvec};

impl State {
    pub(crate) fn put(
        &mut self,
        now: Time,
        session: SessionId,
        queue: QueueId,
        mut put: Put,
        wait: Wait,
        out: &mut Outcome,
    ) -> Served {
        let target = self.at(queue)?;
        if target.shut_down {
            return Err(StateError::ShutDown);
        }
        put.acks = target.options.maxbytes > 0 && self.answers(session, queue, &put);
        target.refuse_huge(&put)?;
        if self.hand_back(now, session, queue, &put, out) {
            return Ok(Some(Reply::None));
        }
        let target = self.at(queue)?;
        // A delayed item takes no room until it is ready, one that was put before takes none at
        // all, and a put that could be served now does not overtake one that waits, unless it
        // would not wait itself.
        let needs_room = put.delay.is_none() && !target.keys.knows(put.once.as_deref());
        let waits_behind = wait != Wait::No && target.has_line_for(&put);
        if needs_room && (!target.has_room_for(&put) || waits_behind) {
            return self.park(session, Target::Queue(queue), Waits::Put(Box::new(put)), wait);
        }
        let reply = self.admit(now, session, queue, put, out);
        self.serve(now, queue, out);
        Ok(Some(reply))
    }

    /// Lets items in that there is room for. They settle the lease that they were said to settle,
    /// else what the ack mode says they answer, in one record. Serving those who wait for them is
    /// up to the caller.
    pub(crate) fn admit(
        &mut self,
        now: Time,
        session: SessionId,
        queue: QueueId,
        put: Put,
        out: &mut Outcome,
    ) -> Reply {
        let answered = match self.may_put(session, queue, &put) {
            Ok(answered) => answered,
            Err(refused) => return Reply::Error(refused),
        };
        let Put { payloads, delay, once, settles: _, acks: _ } = put;
        let known = self.is_known(queue, once.as_deref());
        let mut acked = SmallVec::new();
        let mut items = SmallVec::new();
        for (at, payload) in payloads.into_iter().enumerate() {
            match answered.get(at) {
                Some(held) if held.late => {
                    self.drop_late(session, *held, out);
                    continue;
                }
                Some(held) if self.let_go_acked(session, *held, out) => {
                    acked.push((held.queue, held.item));
                }
                _ => {}
            }
            if !known {
                items.push(self.make(now, payload));
            }
        }
        let is_put = !items.is_empty();
        self.store(now, queue, items, delay.map(|delay| now + delay), acked, out);
        match once {
            None => Reply::None,
            Some(key) => {
                if is_put {
                    self.remember_key(now, queue, key, out);
                }
                Reply::Bool(is_put)
            }
        }
    }

    /// Whether a put settles a lease.
    fn answers(&self, session: SessionId, queue: QueueId, put: &Put) -> bool {
        let putter = self.sessions.get(&session);
        let answered = |putter| ack::answered_by(putter, &self.queues, queue, put.payloads.len());
        putter.is_some_and(|putter| !answered(putter).is_empty())
    }

    /// What a put settles; or why it is refused.
    fn may_put(
        &mut self,
        session: SessionId,
        queue: QueueId,
        put: &Put,
    ) -> Result<SmallVec<[Held; 1]>, StateError> {
        self.expect_answers(queue, &put.payloads)?;
        let putter = self.sessions.get(&session).expect("a session that calls is open");
        let answered = match put.settles {
            // While the answer waited for room, its lease may have run out.
            Some(held) if self.held_by_id(session, held.queue, held.item).is_none() => {
                return Err(self.not_leased(held.queue, held.item));
            }
            Some(held) => smallvec![held],
            None => ack::answered_by(putter, &self.queues, queue, put.payloads.len()),
        };
        if self.is_known(queue, put.once.as_deref()) {
            return Ok(answered);
        }
        if answered.is_empty() {
            self.refuse_full(put)?;
        }
        if put.once.is_some() && self.keys >= self.limits.keys {
            return Err(StateError::KeysMax { max: self.limits.keys });
        }
        self.room = self.room.saturating_sub(put.bytes());
        Ok(answered)
    }

    /// The queues that answers to these payloads are for remember where they were put; an error if
    /// one of them has ended.
    fn expect_answers(&mut self, queue: QueueId, payloads: &[Payload]) -> Result<(), StateError> {
        for results in payloads.iter().filter_map(|payload| payload.reply_to) {
            let mut asked = std::mem::take(&mut self.at_mut(results)?.asked);
            if !asked.contains(&queue) {
                asked.retain(|queue| self.queues.contains_key(queue));
                asked.push(queue);
            }
            self.at_mut(results)?.asked = asked;
        }
        Ok(())
    }

    /// Puts made items into the queue, and records them with what they settle.
    fn store(
        &mut self,
        now: Time,
        queue: QueueId,
        items: SmallVec<[Item; 1]>,
        due: Option<Time>,
        acked: SmallVec<[(QueueId, ItemId); 1]>,
        out: &mut Outcome,
    ) {
        let Some(target) = self.queues.get_mut(&queue) else { return };
        target.unfinished += items.len() as u64;
        target.puts.add(now, items.len() as u64);
        if self.is_kept(queue) {
            for item in &items {
                self.place(queue, self.let_go(queue, item), due);
            }
            self.keep(Record::Put { queue, items, due, acked }, out);
        } else {
            items.into_iter().for_each(|item| self.place(queue, item, due));
            acked.into_iter().for_each(|(of, item)| self.keep(Record::Acked(of, item), out));
        }
    }

    /// Puts an item where it waits to be got, or to become ready.
    fn place(&mut self, queue: QueueId, item: Item, due: Option<Time>) {
        self.count_in(queue, &item);
        let Some(target) = self.queues.get_mut(&queue) else { return };
        match due {
            None => target.ready.push(item),
            Some(due) => {
                self.deadlines.add(due, Due::Delay(queue, item.id));
                target.delay(item, due);
            }
        }
    }

    fn make(&mut self, now: Time, payload: Payload) -> Item {
        let (id, place) = self.fresh_item();
        let Payload { bytes, stop, reply_to, order } = payload;
        let rare = order.map(|order| Box::new(Rare { order: order.into(), ..Rare::default() }));
        Item { id, place, payload: bytes.into(), stop, reply_to, put_at: now, attempts: 0, rare }
    }

    /// A put of a held item's own bytes to the queue it came from hands it back: to the end of
    /// the queue, as one record, and the lease is over.
    fn hand_back(
        &mut self,
        now: Time,
        session: SessionId,
        queue: QueueId,
        put: &Put,
        out: &mut Outcome,
    ) -> bool {
        let Put { payloads, delay: None, once: None, settles: None, .. } = put else {
            return false;
        };
        let [payload] = &payloads[..] else { return false };
        let Some(putter) = self.sessions.get(&session) else { return false };
        let Some(target) = self.queues.get(&queue) else { return false };
        let own = |held: &Held| {
            let lease = target.leased.get(&held.item).filter(|_| !held.late);
            lease.is_some_and(|lease| lease.item.payload.here() == Some(&payload.bytes))
        };
        let Some(held) = putter.held_on(queue).find(own) else { return false };
        let Some(lease) = self.take_lease(session, held) else { return false };
        if !self.is_wanted(&lease.item) {
            self.drop_unwanted(queue, lease.item, out);
            return true;
        }
        let (_, place) = self.fresh_item();
        let mut item = Item { place, ..lease.item };
        item.ready_again(now);
        self.keep(Record::Ready(queue, item.id, place, now), out);
        if let Some(target) = self.queues.get_mut(&queue) {
            // To Python this is a put like any other, and the item that was got still needs its
            // `task_done()`.
            target.unfinished += 1;
            target.puts.add(now, 1);
            target.ready.push(item);
        }
        if let Some(putter) = self.sessions.get_mut(&session) {
            putter.owes(queue);
        }
        self.serve(now, queue, out);
        true
    }

    /// The answer to a lease that has run out: the item is somebody else's by now.
    pub(crate) fn drop_late(&mut self, session: SessionId, held: Held, out: &mut Outcome) {
        self.count_late(session, held.queue, held.item, out);
        if let Some(session) = self.sessions.get_mut(&session) {
            session.held.remove(held.item, true);
        }
    }

    fn count_late(&mut self, session: SessionId, queue: QueueId, item: ItemId, out: &mut Outcome) {
        out.notes.push(Note::Late { session, queue: self.name_of(queue), item });
        if let Some(source) = self.queues.get_mut(&queue) {
            source.late_total += 1;
        }
    }

    /// A delayed item has become ready: one that was never delivered takes its place in line now,
    /// one that failed goes back to its old place.
    pub(crate) fn delay_over(
        &mut self,
        now: Time,
        queue: QueueId,
        item: ItemId,
        out: &mut Outcome,
    ) {
        let (_, place) = self.fresh_item();
        let Some(at) = self.queues.get_mut(&queue) else { return };
        let Some(mut delayed) = at.undelay(item) else { return };
        delayed.item.ready_again(now);
        let (id, old_place) = (delayed.item.id, delayed.item.place);
        let place = match delayed.item.history() {
            [] => {
                at.ready.push(Item { place, ..delayed.item });
                place
            }
            _ => {
                at.ready.put_back(delayed.item);
                old_place
            }
        };
        self.keep(Record::Ready(queue, id, place, now), out);
        self.serve(now, queue, out);
    }

    /// Puts the answer to a lease and acks it, in one record.
    #[expect(clippy::too_many_arguments, reason = "the fields of Call::Answer")]
    pub(crate) fn answer(
        &mut self,
        now: Time,
        session: SessionId,
        queue: QueueId,
        item: ItemId,
        to: QueueId,
        payload: Payload,
        out: &mut Outcome,
    ) -> Served {
        let Some(held) = self.held_by_id(session, queue, item) else {
            self.count_late(session, queue, item, out);
            return Err(self.not_leased(queue, item));
        };
        let target = self.at(to)?;
        if target.shut_down {
            return Err(StateError::ShutDown);
        }
        let put =
            Put { payloads: smallvec![payload], settles: Some(held), acks: true, ..Put::default() };
        let full = !target.has_room_for(&put) || target.has_line_for(&put);
        if full {
            return self.park(session, Target::Queue(to), Waits::Put(Box::new(put)), Wait::Forever);
        }
        let reply = self.admit(now, session, to, put, out);
        self.serve(now, to, out);
        Ok(Some(reply))
    }
}
