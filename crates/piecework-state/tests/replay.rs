//! Any life of a manager replays: random calls of every kind by random sessions, and after each of
//! them the records so far come to what the manager has (`World::note` compares).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{
    AckMode, Call, Delivery, Ended, ItemId, Limits, Note, Order, Outcome, Payload, Peer, QueueId,
    QueueOptions, Record, Replay, ReplayError, Reply, SessionId, Settle, State, Take, Wait, Which,
};
use std::time::Duration;
use support::random::Random;
use support::{World, secs};

struct Life {
    world: World,
    random: Random,
    /// Of the task queue, whatever its other options become.
    attempts: u32,
    maxsize: usize,
    /// The first one owns a queue, and stays to the end.
    sessions: Vec<SessionId>,
    waiting: Vec<SessionId>,
    queues: Vec<QueueId>,
    /// What was delivered, to whom.
    delivered: Vec<(SessionId, Delivery)>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let attempts = random.one_of(&[0, 2, 5]);
        let maxsize = random.one_of(&[0, 0, 4]);
        let task = QueueOptions { attempts, maxsize, ..QueueOptions::default() };
        let mut world = World::new(task);
        let options = QueueOptions::default();
        let passing = world.state.register_passing("passing", &options);
        let owner = world.state.open(world.now, Peer::native("owner"));
        let own = world.state.own(owner, "own", options).unwrap();
        let own = world.state.find(&own).unwrap();
        let queues = vec![world.task, world.task, world.result, passing, own];
        let (sessions, waiting, delivered) = (vec![owner], Vec::new(), Vec::new());
        Self { world, random, attempts, maxsize, sessions, waiting, queues, delivered }
    }

    fn live(&mut self) {
        for _ in 0..150 {
            match self.random.below(20) {
                0 | 1 => self.open(),
                2 => self.register(),
                3 => self.end(),
                4 | 5 => {
                    let wait = self.random.below(4_000);
                    self.world.after(Duration::from_millis(wait));
                }
                _ => self.call(),
            }
            for (session, reply) in std::mem::take(&mut self.world.woken) {
                self.waiting.retain(|waits| *waits != session);
                self.replied(session, reply);
            }
        }
        for session in self.sessions.split_off(0).into_iter().rev() {
            let out = self.world.state.end(self.world.now, session);
            self.world.note(out);
        }
    }

    fn open(&mut self) {
        let peer = self.random.one_of(&[Peer::native("n"), Peer::stock("MainProcess", "h")]);
        self.sessions.push(self.world.state.open(self.world.now, peer));
    }

    fn register(&mut self) {
        let answers = self.world.result;
        let modes =
            [AckMode::Auto, AckMode::Answered { answers }, AckMode::Explicit, AckMode::None];
        let ack = self.random.one_of(&modes);
        let lease = self.random.one_of(&[None, Some(secs(3))]);
        let (attempts, maxsize) = (self.attempts, self.maxsize);
        let once = self.random.one_of(&[secs(2), secs(60)]);
        let maxbytes = self.random.one_of(&[0, 0, 5]);
        let expire = self.random.one_of(&[None, None, Some(secs(7))]);
        let order = self.random.one_of(&[Order::Fifo, Order::Priority, Order::Lifo]);
        let more = self.random.one_of(&["", "stop=1"]).to_owned();
        let options =
            QueueOptions { ack, maxsize, maxbytes, attempts, lease, once, expire, order, more };
        self.world.register("task", options);
    }

    fn end(&mut self) {
        if self.sessions.len() > 1 {
            let at = 1 + self.random.below(self.sessions.len() as u64 - 1) as usize;
            let session = self.sessions.swap_remove(at);
            self.waiting.retain(|waits| *waits != session);
            let out = self.world.state.end(self.world.now, session);
            self.world.note(out);
        }
    }

    fn call(&mut self) {
        let session = self.random.one_of(&self.sessions);
        if self.waiting.contains(&session) {
            let out = self.world.state.cancel(self.world.now, session);
            self.waiting.retain(|waits| *waits != session);
            return drop(out.and_then(|out| self.world.note(out)));
        }
        let call = self.some_call(session);
        match self.world.call(session, call) {
            Some(reply) => self.replied(session, reply),
            None => self.waiting.push(session),
        }
    }

    fn some_call(&mut self, session: SessionId) -> Call {
        let queue = self.random.one_of(&self.queues);
        let to = self.random.one_of(&self.queues);
        let wait =
            self.random.one_of(&[Wait::No, Wait::Forever, Wait::Until(self.world.now + secs(2))]);
        let delay = self.random.one_of(&[Duration::ZERO, secs(1), secs(5)]);
        let own = self.delivered.iter().filter(|(holder, _)| *holder == session);
        let held = own.last().map_or((queue, ItemId(1)), |(_, d)| (d.queue, d.id));
        let take = |max, style| Call::Take { queue, max, wait, style };
        let any = [Which::All, Which::One(held.1), Which::Ended(Ended::Nacked)];
        let which = self.random.one_of(&any);
        match self.random.below(24) {
            0..=3 => self.put(queue, wait, None),
            4 => self.put(queue, wait, Some(delay)),
            5..=8 => take(1, Take::Item),
            9 => take(3, Take::Many),
            10 | 11 => take(2, Take::Leases),
            12 => Call::Ack(queue),
            13 => Call::Nack(queue, delay),
            14 => Call::TaskDone(queue),
            15 => Call::Answer { queue: held.0, item: held.1, to, payload: self.payload() },
            16 | 17 => {
                let how = self.random.one_of(&[Settle::Ack, Settle::Nack, Settle::Release]);
                Call::Settle(held.0, held.1, how)
            }
            18 if self.random.below(4) == 0 => Call::Purge(queue),
            22 | 23 => {
                let key = self.random.one_of(&["x", "y", "z"]).to_owned();
                Call::PutOnce { queue, key, payload: self.payload(), wait }
            }
            20 => Call::Revive { queue, which },
            21 => Call::Drop { queue, which },
            _ => Call::Extend(queue, secs(9)),
        }
    }

    fn put(&mut self, queue: QueueId, wait: Wait, delay: Option<Duration>) -> Call {
        let puts = 1 + self.random.below(3);
        let payloads = (0..puts).map(|_| self.payload()).collect();
        Call::Put { queue, payloads, delay, wait }
    }

    /// One of few, so that some puts hand back what their session holds.
    fn payload(&mut self) -> Payload {
        let bytes = self.random.one_of(&["a", "bb", "ccc"]);
        let order = (self.random.below(2) == 0).then(|| bytes.as_bytes().into());
        Payload { stop: self.random.below(20) == 0, order, ..Payload::opaque(bytes) }
    }

    fn replied(&mut self, session: SessionId, reply: Reply) {
        let deliveries = State::deliveries(reply);
        if self.random.below(10) == 0 {
            let out = self.world.state.unsent(self.world.now, session, deliveries);
            self.world.note(out);
        } else {
            self.delivered.extend(deliveries.into_iter().map(|delivery| (session, delivery)));
        }
    }
}

/// Which kinds of records the lives below led to.
fn kinds(records: &[Record]) -> [bool; 11] {
    let has = |of: fn(&Record) -> bool| records.iter().any(of);
    [
        has(|r| matches!(r, Record::Queue { .. })),
        has(|r| matches!(r, Record::Put { due: None, .. })),
        has(|r| matches!(r, Record::Put { due: Some(_), .. })),
        has(|r| matches!(r, Record::Acked(..))),
        has(|r| matches!(r, Record::Returned { due: Some(_), .. })),
        has(|r| matches!(r, Record::Ready(..))),
        has(|r| matches!(r, Record::Died { .. })),
        has(|r| matches!(r, Record::Revived(..))),
        has(|r| matches!(r, Record::Key { .. })),
        has(|r| matches!(r, Record::Forgotten(..))),
        has(|r| matches!(r, Record::Purged { spared, .. } if !spared.is_empty())),
    ]
}

#[test]
fn any_life_replays_at_every_step() {
    let (mut seen, mut expired) = ([false; 11], false);
    for seed in 1..=400 {
        let mut life = Life::new(seed);
        life.live();
        expired |= life.world.notes.iter().any(|note| matches!(note, Note::Expired { .. }));
        let kinds = kinds(&life.world.records);
        seen = std::array::from_fn(|at| seen[at] || kinds[at]);
    }
    assert!(expired, "no item ever expired");
    assert_eq!(seen, [true; 11], "some kind of record never came");
}

#[test]
fn what_is_left_replays_to_itself() {
    let mut life = Life::new(7);
    life.live();
    let mut replay = Replay::default();
    life.world.state.kept().into_iter().for_each(|record| replay.add(record).unwrap());
    assert_eq!(replay.into_state(1, Limits::default()).kept(), life.world.state.kept());
}

#[test]
fn no_number_is_given_twice_over_a_restart() {
    let mut world = World::auto();
    let worker = world.client();
    world.put(&worker, "a");
    support::got(world.get(&worker));
    world.on_task(&worker, Call::TaskDone);
    let mut state = world.replay.clone().into_state(1, Limits::default());
    let master = state.open(world.now, Peer::native("master"));
    let mut out = Outcome::default();
    state.apply_into(world.now, master, Call::put(world.task, Payload::opaque("b")), &mut out);
    let ids = |records: &[Record]| -> Vec<ItemId> {
        let puts = records.iter().filter_map(|record| match record {
            Record::Put { items, .. } => Some(items[0].id),
            _ => None,
        });
        puts.collect()
    };
    assert!(ids(&out.records)[0] > ids(&world.records)[0]);
}

#[test]
fn a_record_that_does_not_follow_is_refused() {
    let mut world = World::auto();
    let worker = world.client();
    world.put(&worker, "a");
    let put = world.records.last().unwrap().clone();
    let mut replay = world.replay.clone();
    assert_eq!(replay.add(put.clone()), Err(ReplayError::ItemTwice(world.task, ItemId(4))));
    let acked = Record::Acked(world.task, ItemId(99));
    assert_eq!(replay.add(acked), Err(ReplayError::UnknownItem(world.task, ItemId(99))));
    assert_eq!(Replay::default().add(put), Err(ReplayError::UnknownQueue(world.task)));
}
