//! One connection of a program as its own side sees it: what it holds, what it waits for, and what
//! its calls mean for that, by the rules that clients are promised.

use super::model::Model;
use super::op::{Key, Op, carried};
use super::plan::{Mode, Plan, Q, RESULT, TASK};
use piecework_state::{ItemId, Reply, Settle, StateError, Take, Time};

/// A thread of a program, or its main one.
#[derive(Debug, Default)]
pub(super) struct Agent {
    /// Its connection, once it has made a call.
    pub(super) line: Option<usize>,
    pub(super) pending: Option<Pending>,
    /// What it got and has not settled, in the order in which it got it.
    pub(super) held: Vec<Held>,
    /// The queue that it got from last.
    got_last: Option<Q>,
    /// Items got and acked that no `task_done()` has paid for, by queue.
    unpaid: [u32; 3],
    /// Queues of which a lease may have run out, so that it does not know any more what it holds.
    unsure: [bool; 3],
    /// Queues on which it has had a reply.
    pub(super) used: [bool; 3],
    /// It may have missed a reply, and leaves.
    pub(super) confused: bool,
    pub(super) ended: bool,
}

/// An item that it holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) key: Key,
    pub(super) queue: Q,
    pub(super) item: ItemId,
    pub(super) by_id: bool,
    /// When it asked for it.
    asked: Time,
}

/// A call under way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) number: u64,
    pub(super) op: Op,
    pub(super) sent: Time,
    effect: Effect,
}

/// What a call will have done once it has succeeded.
#[derive(Debug)]
struct Effect {
    /// The places among what is held of what it ends the lease of.
    ends: Vec<usize>,
    /// Whether these are acked, rather than given back.
    acks: bool,
    /// Whether the ack needs no more `task_done()`.
    pays: bool,
    /// The queue of which it ends leases.
    source: Q,
    /// Whether the item was named.
    by_id: bool,
    /// What it settles.
    settles: Vec<Key>,
    /// What it may settle instead, if a lease has run out.
    or_settles: Vec<Key>,
}

impl Agent {
    /// The items of a queue that its calls speak of, oldest first, by their places.
    fn held_on(&self, queue: Q) -> impl Iterator<Item = usize> + '_ {
        let of_queue = move |held: &Held| held.queue == queue && !held.by_id;
        self.held.iter().enumerate().filter(move |(_, held)| of_queue(held)).map(|(at, _)| at)
    }

    pub(super) fn holds_on(&self, queue: Q) -> usize {
        self.held_on(queue).count()
    }

    pub(super) fn oldest(&self, queue: Q) -> Option<Held> {
        self.held.iter().find(|held| held.queue == queue && !held.by_id).copied()
    }

    /// The tasks that puts of `puts` results would answer.
    pub(super) fn answered_by(&self, plan: &Plan, target: Q, puts: usize) -> Vec<Key> {
        let places = self.answers(plan, target, puts);
        places.into_iter().filter_map(|at| self.held.get(at)).map(|held| held.key).collect()
    }

    fn answers(&self, plan: &Plan, target: Q, puts: usize) -> Vec<usize> {
        let last = self.got_last.filter(|last| self.holds_on(*last) > 0);
        let named = || target == RESULT && plan.queue(TASK).mode == Mode::Answered;
        let source = match last {
            _ if named() && self.holds_on(TASK) > 0 => Some(TASK),
            Some(last) if last != target && plan.queue(last).is_auto() => Some(last),
            _ => None,
        };
        source.map_or_else(Vec::new, |source| self.held_on(source).take(puts).collect())
    }

    fn by_id(&self, item: ItemId) -> Vec<usize> {
        let found = self.held.iter().position(|held| held.item == item && held.by_id);
        found.into_iter().collect()
    }

    fn effect(&self, plan: &Plan, op: &Op) -> Effect {
        let oldest = |queue| self.held_on(queue).take(1).collect::<Vec<_>>();
        let (ends, acks) = match op {
            Op::Put { queue, keys, .. } => (self.answers(plan, *queue, keys.len()), true),
            Op::PutOnce { queue, .. } => (self.answers(plan, *queue, 1), true),
            Op::Take { queue, style, .. } if plan.queue(*queue).is_auto() => match style {
                Take::Leases => (Vec::new(), true),
                Take::Item | Take::Many => (self.held_on(*queue).collect(), true),
            },
            Op::Ack(queue) => (oldest(*queue), true),
            Op::TaskDone(queue) if self.unpaid(*queue) == 0 => (oldest(*queue), true),
            Op::Nack(queue, _) => (oldest(*queue), false),
            Op::HandBack { queue, key } => {
                let own = |at: &usize| self.held.get(*at).is_some_and(|held| held.key == *key);
                (self.held_on(*queue).filter(own).take(1).collect(), false)
            }
            Op::Answer { item, .. } => (self.by_id(*item), true),
            Op::Settle { item, how, .. } => (self.by_id(*item), *how == Settle::Ack),
            _ => (Vec::new(), false),
        };
        let keys = |places: &[usize]| -> Vec<Key> {
            places.iter().filter_map(|at| self.held.get(*at)).map(|held| held.key).collect()
        };
        let settles = if acks { keys(&ends) } else { Vec::new() };
        let first = ends.first().and_then(|at| self.held.get(*at));
        let by_id = first.is_some_and(|first| first.by_id);
        let source = first.map_or(op.queue(), |first| first.queue);
        // Where a lease has run out, another item than it thinks may be its oldest.
        let pays = matches!(op, Op::TaskDone(_));
        let or_settles = match plan.queue(source).lease {
            Some(_) if !by_id && (first.is_some() || pays) => {
                keys(&self.held_on(source).collect::<Vec<_>>())
            }
            _ => Vec::new(),
        };
        Effect { ends, acks, pays, source, by_id, settles, or_settles }
    }

    fn unpaid(&self, queue: Q) -> u32 {
        self.unpaid.get(queue.0).copied().unwrap_or_default()
    }

    /// It makes a call.
    pub(super) fn begins(
        &mut self,
        now: Time,
        plan: &Plan,
        number: u64,
        op: Op,
        model: Option<&mut Model>,
    ) {
        let effect = self.effect(plan, &op);
        if let Some(model) = model {
            self.announce(now, &effect, &op, model);
        }
        self.pending = Some(Pending { number, op, sent: now, effect });
    }

    /// Tells the model what a call may do to items.
    fn announce(&self, now: Time, effect: &Effect, op: &Op, model: &mut Model) {
        effect
            .ends
            .iter()
            .filter_map(|at| self.held.get(*at))
            .for_each(|held| model.let_go(held.key));
        effect.settles.iter().chain(&effect.or_settles).for_each(|key| model.doubt(*key));
        let is_answer = matches!(op, Op::Answer { .. } | Op::Put { .. });
        let both = effect.settles.iter().chain(&effect.or_settles);
        both.filter(|_| !is_answer).for_each(|key| model.without_result(*key));
        match op {
            Op::Put { keys, delay: Some(delay), .. } => {
                keys.iter().for_each(|key| model.delayed(*key, now + *delay));
            }
            Op::HandBack { key, .. } => model.handed_back(*key),
            _ => {}
        }
    }

    /// The reply to its call has come. `counts` is false where the manager that sent it is gone:
    /// what is true of its items is known from the next one.
    pub(super) fn ends(
        &mut self,
        now: Time,
        plan: &Plan,
        pending: Pending,
        reply: &Reply,
        counts: bool,
        model: &mut Model,
    ) {
        let Pending { op, sent, effect, .. } = pending;
        let queue = op.queue();
        if let Some(used) = self.used.get_mut(queue.0) {
            *used = true;
        }
        self.doubt_old_leases(now, plan);
        // A get settles what it settles before it looks whether there is anything to get.
        let failed = matches!(reply, Reply::Error(_)) && !matches!(op, Op::Take { .. });
        let first = effect.ends.first().and_then(|at| self.held.get(*at)).copied();
        let unsure = self.unsure.get(effect.source.0).copied().unwrap_or_default();
        let sure = effect.by_id || !unsure;
        if counts {
            settle(&effect, &op, failed, sure, model);
        }
        if !failed {
            self.books(&effect, &op);
        } else if matches!(reply, Reply::Error(StateError::NotLeased { .. })) {
            self.remove(&effect.ends);
        }
        if let (Op::Nack(_, delay), Some(held), true) = (&op, first, sure && !failed && counts) {
            model.failed(held.key, sent, sent + *delay);
        }
        self.takes(plan, &op, sent, reply);
    }

    /// Once the deadline of a lease has passed, nobody here knows whether it has run out.
    fn doubt_old_leases(&mut self, now: Time, plan: &Plan) {
        for held in &self.held {
            let lease = plan.queue(held.queue).lease;
            if lease.is_some_and(|lease| now >= held.asked + lease)
                && let Some(unsure) = self.unsure.get_mut(held.queue.0)
            {
                *unsure = true;
            }
        }
    }

    /// A child goes on in its place: what it held is nobody's, or still the call's that waits.
    pub(super) fn inherits(&mut self) {
        self.held.clear();
        self.unsure = [true; 3];
        self.confused = true;
    }

    fn remove(&mut self, places: &[usize]) {
        let mut at = 0;
        self.held.retain(|_| {
            at += 1;
            !places.contains(&(at - 1))
        });
    }

    /// What a call that succeeded has done to what it holds.
    fn books(&mut self, effect: &Effect, op: &Op) {
        let owes = effect.acks || matches!(op, Op::HandBack { .. });
        for held in effect.ends.iter().filter_map(|at| self.held.get(*at)) {
            let owes = owes && !effect.pays && !held.by_id;
            if let Some(unpaid) = self.unpaid.get_mut(held.queue.0).filter(|_| owes) {
                *unpaid += 1;
            }
        }
        if let (Op::TaskDone(queue), true) = (op, effect.ends.is_empty())
            && let Some(unpaid) = self.unpaid.get_mut(queue.0)
        {
            *unpaid = unpaid.saturating_sub(1);
        }
        self.remove(&effect.ends);
    }

    /// Takes what a reply carries.
    fn takes(&mut self, plan: &Plan, op: &Op, asked: Time, reply: &Reply) {
        let Op::Take { queue, style, .. } = op else { return };
        let by_id = *style == Take::Leases;
        for delivery in carried(reply) {
            let key = Key::of(&delivery.payload);
            if !by_id {
                self.got_last = Some(*queue);
            }
            match plan.queue(*queue).acked_by_delivery(key.is_stop(), by_id) {
                true => {
                    if let Some(unpaid) = self.unpaid.get_mut(queue.0) {
                        *unpaid += 1;
                    }
                }
                false => {
                    let (queue, item) = (*queue, delivery.id);
                    self.held.push(Held { key, queue, item, by_id, asked });
                }
            }
        }
    }
}

/// Tells the model what the reply to a call says of items.
fn settle(effect: &Effect, op: &Op, failed: bool, sure: bool, model: &mut Model) {
    let puts = op.puts();
    if failed {
        effect.settles.iter().chain(&effect.or_settles).for_each(|key| model.doubt_over(*key));
        puts.iter().for_each(|key| model.put_refused(*key));
    } else if sure {
        effect.settles.iter().for_each(|key| model.settled(*key));
        effect.or_settles.iter().for_each(|key| model.doubt_over(*key));
        puts.iter().for_each(|key| model.put_done(*key));
    } else if effect.settles.is_empty() {
        puts.iter().for_each(|key| model.put_done(*key));
    }
}
