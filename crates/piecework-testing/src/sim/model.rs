//! The reference: what clients were told, and so what must hold of every item.
//!
//! It knows nothing of queues within the manager, of records or of sessions. It sees what programs
//! ask and which replies reach them, and which items leave the manager. Where a client cannot know
//! what became of a call (its connection was cut, say), the item is in doubt until the manager
//! starts again: what it then has is the truth, and everything told later must agree with it.

use super::op::Key;
use super::plan::{Mode, Q, QueuePlan, RESULT, TASK};
use super::storage::Forgotten;
use piecework_state::{Delivery, Item, Order, Record, Standing, Time};
use std::collections::BTreeMap;

/// What is known of everything that was ever put.
#[derive(Debug)]
pub(super) struct Model {
    facts: Vec<Fact>,
    queues: [QueuePlan; 3],
    /// Of the items of a queue with this key or a later one none went back unseen, so they leave in
    /// the order in which they were put.
    calm: [usize; 3],
    /// How many items of a queue may be gone that were on their way to somebody when the manager
    /// crashed, where the delivery is the ack.
    on_their_way: [usize; 3],
    /// Whether the manager lets go of payloads, and fetches them when their turn comes.
    fetches: bool,
    /// When dead items were made ready the last time.
    revived_at: Time,
}

/// What is known of one item.
#[derive(Debug)]
struct Fact {
    queue: Q,
    /// The task that it is a result of.
    answers: Option<Key>,
    put: Put,
    /// It is put again by whoever does not know whether it was put.
    once: bool,
    /// When somebody was about to put it first.
    made: Time,
    /// How many keys there were when its put was acknowledged: they are all older.
    known_at: Option<usize>,
    /// Calls under way, or lost, that may have settled it.
    doubts: usize,
    /// A client was told that it is settled.
    settled: bool,
    /// It may be settled without a result.
    without_result: bool,
    /// It was about to leave the manager once.
    released: bool,
    /// It has left the manager so often.
    left: u32,
    /// The attempt that it was at when it was about to leave last.
    attempt: u32,
    holder: Option<Holder>,
    /// It is delayed until then.
    not_before: Time,
    /// It was delayed or handed back, so it does not stand where it was put.
    moved: bool,
    dead: bool,
    /// It may have been revived since the manager started, so its attempts may begin anew.
    revived: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Put {
    /// Nobody knows yet.
    Asked,
    /// It must be there, until it is settled.
    Kept,
    /// It must not be there.
    Refused,
    /// It was not there when the manager started, but may be put again.
    Missed,
}

/// The connection over which an item was sent last, while it may be that client's.
#[derive(Clone, Copy, Debug)]
struct Holder {
    line: usize,
    until: Option<Time>,
}

/// How an item leaves the manager.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// Over which connection.
    pub(super) line: usize,
    /// Whether it is settled by its id.
    pub(super) by_id: bool,
    /// Whether whoever is there may not know that it has got it.
    pub(super) blind: bool,
    /// How long the lease lasts.
    pub(super) lease: Lasts,
}

/// How long a lease lasts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Lasts {
    /// As long as its session.
    On,
    Until(Time),
    /// It ran out before its reply left: the item may be somebody else's, or gone.
    Over,
}

impl Model {
    pub(super) fn new(queues: [QueuePlan; 3], fetches: bool) -> Self {
        let (calm, on_their_way) = ([0; 3], [0; 3]);
        Self { facts: Vec::new(), queues, calm, on_their_way, fetches, revived_at: Time::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.facts.len()
    }

    /// A payload that somebody is about to put.
    pub(super) fn new_key(&mut self, now: Time, queue: Q, answers: Option<Key>) -> Key {
        self.facts.push(Fact {
            queue,
            answers,
            put: Put::Asked,
            once: false,
            made: now,
            known_at: None,
            doubts: 0,
            settled: false,
            without_result: false,
            released: false,
            left: 0,
            attempt: 0,
            holder: None,
            not_before: Time::default(),
            moved: false,
            dead: false,
            revived: false,
        });
        Key(self.facts.len() - 1)
    }

    fn fact(&mut self, key: Key) -> &mut Fact {
        self.facts.get_mut(key.0).expect("every payload was made here")
    }

    fn plan(&self, queue: Q) -> QueuePlan {
        *self.queues.get(queue.0).expect("one of the three queues")
    }

    /// It is not ready before this moment.
    pub(super) fn delayed(&mut self, key: Key, until: Time) {
        let fact = self.fact(key);
        fact.not_before = until;
        fact.moved = true;
    }

    /// A call of this moment failed it, and it is not tried again before that one.
    pub(super) fn failed(&mut self, key: Key, asked: Time, until: Time) {
        if asked > self.revived_at {
            self.fact(key).not_before = until;
        }
    }

    /// Somebody puts it to the end of its queue.
    pub(super) fn handed_back(&mut self, key: Key) {
        self.fact(key).moved = true;
    }

    /// It is put under a key, perhaps again and again.
    pub(super) fn put_once(&mut self, key: Key) {
        self.fact(key).once = true;
    }

    pub(super) fn put_done(&mut self, key: Key) {
        let keys = self.facts.len();
        let fact = self.fact(key);
        assert!(fact.put != Put::Refused, "the put of {key:?} is said to have failed and done");
        // It may have been put, got and settled by somebody who did not live to tell.
        if fact.put == Put::Missed {
            fact.doubts += 1;
            fact.without_result = true;
        }
        fact.put = Put::Kept;
        fact.known_at.get_or_insert(keys);
    }

    pub(super) fn put_refused(&mut self, key: Key) {
        let fact = self.fact(key);
        assert!(fact.put != Put::Kept, "the put of {key:?} is said to have failed, but was seen");
        if !fact.once {
            fact.put = Put::Refused;
        }
    }

    /// A call is made that may settle it.
    pub(super) fn doubt(&mut self, key: Key) {
        let fact = self.fact(key);
        fact.doubts += 1;
        fact.holder = None;
    }

    /// That call did not.
    pub(super) fn doubt_over(&mut self, key: Key) {
        let fact = self.fact(key);
        fact.doubts = fact.doubts.saturating_sub(1);
    }

    /// That call did.
    pub(super) fn settled(&mut self, key: Key) {
        self.fact(key).settled = true;
    }

    pub(super) fn without_result(&mut self, key: Key) {
        self.fact(key).without_result = true;
    }

    /// Whoever has it may lose it from now on.
    pub(super) fn let_go(&mut self, key: Key) {
        self.fact(key).holder = None;
    }

    /// What was sent over this connection may go to others from now on.
    pub(super) fn line_ends(&mut self, line: usize) {
        for fact in self.facts.iter_mut().filter(|fact| fact.is_held_by(line)) {
            fact.holder = None;
        }
    }

    /// The program at this connection leaves, and the manager may take it for an orderly end.
    pub(super) fn leaves(&mut self, line: usize) {
        let queues = self.queues;
        for fact in self.facts.iter_mut().filter(|fact| fact.is_held_by(line)) {
            fact.doubts += usize::from(queues.get(fact.queue.0).is_some_and(QueuePlan::is_auto));
        }
        self.line_ends(line);
    }

    /// What waits in this queue is dropped.
    pub(super) fn purged(&mut self, queue: Q) {
        self.facts.iter_mut().filter(|fact| fact.queue == queue).for_each(|fact| fact.doubts += 1);
    }

    /// What is dead is as if it had never been tried.
    pub(super) fn revived(&mut self, now: Time) {
        self.revived_at = now;
        for fact in &mut self.facts {
            (fact.dead, fact.revived, fact.not_before) = (false, true, Time::default());
        }
    }

    /// An item of this queue may have gone back before it left the manager.
    pub(super) fn disturbed(&mut self, queue: Q) {
        let keys = self.facts.len();
        if let Some(calm) = self.calm.get_mut(queue.0) {
            *calm = keys;
        }
    }

    /// Items of this queue were on their way to somebody when the manager crashed.
    pub(super) fn on_their_way(&mut self, queue: Q, items: usize) {
        if let Some(on_their_way) = self.on_their_way.get_mut(queue.0) {
            *on_their_way += items;
        }
    }

    /// A reply is about to leave with this item. The first time, no older one may stay behind.
    pub(super) fn released(&mut self, delivery: &Delivery) {
        let key = Key::of(&delivery.payload);
        // Where leases run out, somebody else may get it before those it was to be sent with are
        // fetched.
        let queue = self.fact(key).queue;
        let overtaken = self.fetches && self.plan(queue).lease.is_some();
        let fact = self.fact(key);
        let attempt = delivery.attempt;
        let forgot = attempt < fact.attempt && !fact.revived && !overtaken;
        assert!(!forgot, "{key:?} is at attempt {attempt} after {}", fact.attempt);
        fact.attempt = if overtaken { attempt.max(fact.attempt) } else { attempt };
        let first = !std::mem::replace(&mut fact.released, true);
        let (queue, moved) = (fact.queue, fact.moved);
        let calm = self.calm.get(queue.0).copied().unwrap_or_default();
        let QueuePlan { order, expire, lease, .. } = self.plan(queue);
        // What is fetched first may leave after what is at hand.
        let overtaken = self.fetches;
        // Where leases run out, an item may go back, and wait, before it ever left.
        let goes_by = expire.is_some() || lease.is_some();
        let in_order = order == Order::Fifo && !goes_by && !overtaken;
        if !first || moved || key.0 < calm || !in_order {
            return;
        }
        let older = self.facts.iter().take(key.0).enumerate().skip(calm).find(|(_, other)| {
            other.queue == queue
                && !other.released
                && !other.moved
                && other.put == Put::Kept
                && other.doubts == 0
                && !other.settled
                && other.known_at.is_some_and(|known_at| known_at <= key.0)
        });
        assert!(older.is_none(), "{key:?} leaves before {older:?}, which was put before it");
    }

    /// An item leaves the manager, in this reply.
    pub(super) fn left(&mut self, now: Time, delivery: &Delivery, sent: Sent) {
        let Sent { line, by_id, blind, lease } = sent;
        let key = Key::of(&delivery.payload);
        let queue = self.fact(key).queue;
        let plan = self.plan(queue);
        let fetches = self.fetches;
        let fact = self.fact(key);
        fact.left += 1;
        let gone = plan.acked_by_delivery(key.is_stop(), by_id);
        let until = match lease {
            Lasts::Over if !gone => return,
            // While an item is fetched it is leased, though its delivery will ack it; that lease
            // may have run out.
            Lasts::Over if fetches => {
                fact.put = Put::Kept;
                fact.doubts += 1;
                fact.without_result = true;
                return;
            }
            Lasts::Over | Lasts::On => None,
            Lasts::Until(until) => Some(until),
        };
        assert!(fact.put != Put::Refused, "{key:?} is delivered, and its put was refused or lost");
        assert!(!fact.settled, "{key:?} is delivered again after it was settled");
        assert!(!fact.dead, "{key:?} is delivered, and is dead");
        assert!(now >= fact.not_before, "{key:?} is delivered before {:?}", fact.not_before);
        // A lease may run out before its reply leaves.
        let tried = plan.lease.is_some() || delivery.attempt <= fact.left;
        assert!(tried, "{key:?} has left {} times, at attempt {}", fact.left, delivery.attempt);
        let held = fact.holder.filter(|holder| holder.until.is_none_or(|until| now < until));
        assert!(held.is_none(), "{key:?} goes to line {line}, and is leased to {held:?}");
        fact.put = Put::Kept;
        fact.holder = Some(Holder { line, until });
        if gone {
            fact.settled = true;
            fact.without_result = true;
        } else if blind && !by_id && plan.is_auto() {
            fact.doubts += 1;
        }
    }

    /// A loss of power has forgotten things of these items.
    pub(super) fn forget(&mut self, forgotten: Vec<Forgotten>) {
        for Forgotten { payload, put } in forgotten {
            let key = Key::of(&payload);
            let fact = self.fact(key);
            fact.put = if put && !fact.once { Put::Refused } else { Put::Asked };
            (fact.doubts, fact.settled, fact.dead, fact.attempt) = (1, false, false, 0);
            fact.not_before = Time::default();
            // Where the delivery is the ack, that it was taken back may be forgotten alone.
            let (queue, answers) = (fact.queue, fact.answers);
            if let Some(task) =
                answers.filter(|_| self.plan(queue).acked_by_delivery(key.is_stop(), false))
            {
                self.fact(task).without_result = true;
            }
        }
    }

    /// The manager has started again, and has this. No call of before is under way any more.
    pub(super) fn restarted(&mut self, now: Time, kept: &[Record]) {
        let mut there: BTreeMap<Key, (&Item, Standing)> = BTreeMap::new();
        for record in kept {
            let Record::Item { item, standing, .. } = record else { continue };
            let twice = there.insert(Key::of_kept(item), (item, *standing));
            assert!(twice.is_none(), "{item:?} is there twice");
        }
        let lossy = self.on_their_way;
        for at in 0..self.facts.len() {
            match there.get(&Key(at)) {
                Some((item, standing)) => self.is_there(Key(at), item, *standing),
                None => self.is_gone(now, Key(at)),
            }
        }
        if self.plan(TASK).mode == Mode::Answered {
            let expires = self.plan(RESULT).expire.is_some();
            let may_lack = expires || lossy.get(RESULT.0).is_some_and(|items| *items > 0);
            self.check_results(|key| there.contains_key(&key), may_lack);
        }
        self.on_their_way = [0; 3];
    }

    fn is_there(&mut self, key: Key, item: &Item, standing: Standing) {
        let queue = self.fact(key).queue;
        let QueuePlan { attempts: attempts_max, lease, .. } = self.plan(queue);
        let fact = self.fact(key);
        assert!(fact.put != Put::Refused, "{key:?} is there, and its put was refused or lost");
        assert!(!fact.settled, "{key:?} is there again after it was settled");
        fact.put = Put::Kept;
        fact.doubts = 0;
        fact.holder = None;
        let forgot = item.attempts + 1 < fact.attempt && !fact.revived;
        assert!(!forgot, "{key:?} has forgotten attempts: {item:?}");
        if std::mem::take(&mut fact.revived) {
            fact.attempt = 0;
        }
        assert!(fact.moved || item.place.0 == item.id.0, "{key:?} has lost its place: {item:?}");
        if standing == Standing::Dead {
            let died = attempts_max > 0 && item.attempts >= attempts_max;
            let tried = lease.is_some() || fact.left >= attempts_max;
            assert!(died && tried, "{key:?} died too soon: {item:?}");
            fact.dead = true;
        } else {
            assert!(!fact.dead, "{key:?} was dead, and is {standing:?}");
        }
    }

    fn is_gone(&mut self, now: Time, key: Key) {
        let queue = self.fact(key).queue;
        let plan = self.plan(queue);
        let on_their_way = *self.on_their_way.get(queue.0).expect("one of the three queues");
        let fact = self.fact(key);
        fact.holder = None;
        let expired = plan.expire.is_some_and(|expire| now >= fact.made + expire);
        fact.without_result |= expired;
        match fact.put {
            Put::Refused => {}
            Put::Asked | Put::Missed if fact.once => fact.put = Put::Missed,
            Put::Asked | Put::Missed => fact.put = Put::Refused,
            Put::Kept if expired || fact.settled || fact.doubts > 0 => fact.settled = true,
            Put::Kept => {
                let excused = plan.acked_by_delivery(key.is_stop(), false) && on_their_way > 0;
                assert!(excused, "{key:?} is lost: {fact:?}");
                fact.settled = true;
                fact.without_result = true;
                if let Some(on_their_way) = self.on_their_way.get_mut(queue.0) {
                    *on_their_way -= 1;
                }
            }
        }
    }

    /// Each task is there, and has no result; or it is gone, and has one.
    fn check_results(&mut self, there: impl Fn(Key) -> bool, may_lack: bool) {
        let mut results = vec![0; self.facts.len()];
        for fact in self.facts.iter().filter(|fact| fact.put == Put::Kept) {
            if let Some(count) = fact.answers.and_then(|task| results.get_mut(task.0)) {
                *count += 1;
            }
        }
        for (at, (fact, &results)) in self.facts.iter_mut().zip(&results).enumerate() {
            if fact.queue != TASK || fact.put != Put::Kept {
                continue;
            }
            let there = there(Key(at));
            // Its result went to somebody whom it never reached.
            fact.without_result |= may_lack && !there && results == 0;
            let right = match there {
                true => results == 0,
                false => results == 1 || (results == 0 && fact.without_result),
            };
            assert!(right, "task {at} has {results} results: {fact:?}");
        }
    }
}

impl Fact {
    fn is_held_by(&self, line: usize) -> bool {
        self.holder.is_some_and(|holder| holder.line == line)
    }
}
