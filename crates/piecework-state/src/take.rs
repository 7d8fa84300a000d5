//! Taking: who gets what is ready, and what a delivery means in each ack mode.

use crate::ack;
use crate::call::{Delivery, Gone, Note, Outcome, Reply, Take};
use crate::deadline::Due;
use crate::error::StateError;
use crate::holdings::Held;
use crate::objects::Target;
use crate::patience::Wait;
use crate::queue::Lease;
use crate::session::Waits;
use crate::state::{Served, State};
use crate::{Body, Item, QueueId, Record, SessionId, Time};
use bytes::Bytes;
use smallvec::{SmallVec, smallvec};

impl State {
    #[expect(clippy::too_many_arguments, reason = "the fields of Call::Take")]
    pub(crate) fn take(
        &mut self,
        now: Time,
        session: SessionId,
        queue: QueueId,
        max: usize,
        wait: Wait,
        style: Take,
        out: &mut Outcome,
    ) -> Served {
        if ack::acked_by_next_get(self.at(queue)?.options.ack, style) {
            self.ack_all(session, queue, out);
        }
        let leases = self.sessions.get(&session).map_or(0, |session| session.held.len());
        if leases >= self.limits.leases {
            let queue = self.name_of(queue);
            out.notes.push(Note::LeasesMax { session, queue: queue.clone() });
            return Err(StateError::LeasesMax { leases, queue });
        }
        let max = max.min(self.limits.leases - leases);
        let source = self.at(queue)?;
        if source.ready.len() > 0 {
            let reply = self.deliver(now, session, queue, max, style, out);
            self.serve(now, queue, out);
            return Ok(Some(reply));
        }
        if source.shut_down {
            return Err(StateError::ShutDown);
        }
        self.park(session, Target::Queue(queue), Waits::Take { max, style }, wait)
    }

    /// Hands up to `max` ready items to a session.
    pub(crate) fn deliver(
        &mut self,
        now: Time,
        session: SessionId,
        queue: QueueId,
        max: usize,
        style: Take,
        out: &mut Outcome,
    ) -> Reply {
        if style == Take::Item {
            return match self.deliver_one(now, session, queue, style, out) {
                Some(delivery) => Reply::Item(delivery),
                None => Reply::Error(StateError::Empty),
            };
        }
        let mut deliveries = Vec::new();
        while deliveries.len() < max {
            let Some(delivery) = self.deliver_one(now, session, queue, style, out) else { break };
            deliveries.push(delivery);
        }
        match style {
            Take::Leases => Reply::Leases(deliveries),
            Take::Item | Take::Many => Reply::Items(deliveries),
        }
    }

    fn deliver_one(
        &mut self,
        now: Time,
        session: SessionId,
        queue: QueueId,
        style: Take,
        out: &mut Outcome,
    ) -> Option<Delivery> {
        let source = self.queues.get_mut(&queue)?;
        let item = source.ready.pop()?;
        source.gots.add(now, 1);
        let taker = self.sessions.get_mut(&session)?;
        if style != Take::Leases {
            taker.got_last = Some(queue);
        }
        let mut delivery = Delivery {
            queue,
            id: item.id,
            attempt: item.attempts + 1,
            payload: item.payload.here().cloned().unwrap_or_default(),
            away: item.payload.here().is_none().then_some(style),
            gone: None,
        };
        let acks = ack::acked_by_delivery(source.options.ack, item.stop, style);
        // What is gone cannot be fetched: it is acked when that is done.
        if acks && delivery.away.is_none() {
            taker.owes(queue);
            self.gone_for_good(queue, &item, out);
            delivery.gone = Some(Gone::of(item));
        } else {
            let by_id = style == Take::Leases;
            taker.held.push(Held { queue, item: item.id, by_id, late: false });
            let deadline = source.options.lease.map(|lasts| now + lasts);
            if let Some(at) = deadline {
                self.deadlines.add(at, Due::Lease(queue, item.id));
            }
            let lease = Lease { session, began: now, deadline, progress: None, item };
            source.leased.insert(delivery.id, lease);
        }
        Some(delivery)
    }

    /// The bytes of an item on its way were fetched: it keeps them for as long as it is leased,
    /// unless this is where its lease ends.
    pub(crate) fn fetched(
        &mut self,
        session: SessionId,
        delivery: &mut Delivery,
        bytes: &Bytes,
        out: &mut Outcome,
    ) {
        let Some(style) = delivery.away.take() else { return };
        delivery.payload = bytes.clone();
        let (queue, id) = (delivery.queue, delivery.id);
        let Some(source) = self.queues.get_mut(&queue) else { return };
        let Some(lease) = source.leased.get_mut(&id) else { return };
        if lease.item.payload.here().is_none() {
            lease.item.payload = Body::Here(bytes.clone());
            self.resident += bytes.len() as u64;
        }
        if !ack::acked_by_delivery(source.options.ack, lease.item.stop, style) {
            return;
        }
        let Some(held) = self.held_by_id(session, queue, id) else { return };
        let Some(lease) = self.take_lease(session, held) else { return };
        if let Some(taker) = self.sessions.get_mut(&session) {
            taker.owes(queue);
        }
        self.gone_for_good(queue, &lease.item, out);
        delivery.gone = Some(Gone::of(lease.item));
    }

    /// Takes back what could not be sent: the attempt does not count, and a delivery that was its
    /// own ack never happened.
    pub fn unsent(&mut self, now: Time, session: SessionId, deliveries: Vec<Delivery>) -> Outcome {
        let mut out = Outcome::default();
        for delivery in deliveries {
            let Delivery { queue, id, attempt, payload, gone, away: _ } = delivery;
            match gone {
                None => match self.held_by_id(session, queue, id) {
                    Some(held) => {
                        self.release(now, session, held, crate::Ended::Unsent, &mut out);
                    }
                    // The lease has run out meanwhile. No answer will come for what never arrived.
                    None => {
                        if let Some(session) = self.sessions.get_mut(&session) {
                            session.held.remove(id, true);
                        }
                    }
                },
                Some(Gone { place, put_at, stop, reply_to, rare }) => {
                    let (attempts, payload) = (attempt - 1, payload.into());
                    let item = Item { id, place, payload, stop, reply_to, put_at, attempts, rare };
                    self.undo_gone(now, session, queue, item, &mut out);
                }
            }
        }
        out
    }

    fn undo_gone(
        &mut self,
        now: Time,
        session: SessionId,
        queue: QueueId,
        item: Item,
        out: &mut Outcome,
    ) {
        if !self.is_wanted(&item) {
            return;
        }
        if let Some(session) = self.sessions.get_mut(&session) {
            session.pay(queue);
        }
        let Some(source) = self.queues.get_mut(&queue) else { return };
        source.acked_total -= 1;
        source.ready.put_back(item.clone());
        self.count_in(queue, &item);
        let (items, acked) = (smallvec![item], SmallVec::new());
        self.keep(Record::Put { queue, items, due: None, acked }, out);
        self.serve(now, queue, out);
    }
}
