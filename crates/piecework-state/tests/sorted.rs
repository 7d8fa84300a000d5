//! Random lives of a queue of any order whose items expire and are put once, against a model that
//! is a list: what is got is what should be got next, what is gone has expired, and a key is known
//! for as long as it should be. Over restarts, too.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{
    Call, Limits, Order, Payload, Peer, QueueOptions, Record, Reply, SessionId, Settle, Take, Time,
    Wait,
};
use std::collections::HashMap;
use std::time::Duration;
use support::World;
use support::random::Random;

const EXPIRE: Duration = Duration::from_secs(20);
const ONCE: Duration = Duration::from_secs(7);

/// The longest time that passes between two steps.
const STEP_MAX: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug)]
struct Item {
    id: piecework_state::ItemId,
    value: u8,
    since: Time,
}

struct Model {
    world: World,
    session: SessionId,
    order: Order,
    ready: Vec<Item>,
    leased: Vec<Item>,
    keys: HashMap<String, Time>,
    restarted: Time,
    expired: u64,
}

impl Model {
    fn new(order: Order) -> Self {
        let expire = Some(EXPIRE);
        let options = QueueOptions { order, expire, once: ONCE, ..QueueOptions::default() };
        let mut world = World::new(options);
        let session = world.state.open(world.now, Peer::native("client"));
        let (ready, leased, keys) = Default::default();
        let restarted = world.now;
        Self { world, session, order, ready, leased, keys, restarted, expired: 0 }
    }

    fn put(&mut self, value: u8, key: Option<String>) {
        let payload = Payload { order: Some([value].into()), ..Payload::opaque("item") };
        let queue = self.world.task;
        let call = match &key {
            None => Call::put(queue, payload),
            Some(key) => Call::PutOnce { queue, key: key.clone(), payload, wait: Wait::No },
        };
        let known = key.as_ref().is_some_and(|key| self.keys.contains_key(key));
        match self.world.call(self.session, call) {
            Some(Reply::None) => assert!(key.is_none()),
            Some(Reply::Bool(put)) => assert_eq!(put, !known, "{key:?}"),
            other => panic!("{other:?}"),
        }
        if known {
            return;
        }
        let now = self.world.now;
        let put = self.world.records.iter().rev().find_map(|record| match record {
            Record::Put { items, .. } => Some(items[0].id),
            _ => None,
        });
        self.ready.push(Item { id: put.unwrap(), value, since: now });
        if let Some(key) = key {
            let until = now + ONCE;
            self.keys.insert(key, Time::from_secs(until.micros().div_ceil(1_000_000)));
        }
    }

    /// The item that is to be got next: ids are in the order of places, as nothing is handed back.
    fn next(&self) -> Option<usize> {
        let rank = |item: &Item| match self.order {
            Order::Fifo => (0, item.id.0),
            Order::Lifo => (0, u64::MAX - item.id.0),
            Order::Priority => (item.value, item.id.0),
        };
        (0..self.ready.len()).min_by_key(|at| rank(&self.ready[*at]))
    }

    fn lease(&mut self) {
        let queue = self.world.task;
        let call = Call::Take { queue, max: 1, wait: Wait::No, style: Take::Leases };
        let Some(Reply::Leases(got)) = self.world.call(self.session, call) else { panic!() };
        let next = self.next().map(|at| self.ready.remove(at));
        assert_eq!(got.first().map(|got| got.id), next.map(|item| item.id), "{:?}", self.order);
        self.leased.extend(next);
    }

    fn settle(&mut self, at: usize, how: Settle) {
        let item = self.leased.swap_remove(at);
        self.world.call(self.session, Call::Settle(self.world.task, item.id, how));
        if how == Settle::Release {
            self.ready.push(Item { since: self.world.now, ..item });
        }
    }

    fn restart(&mut self) {
        self.world.state = self.world.replay.clone().into_state(1, Limits::default());
        self.session = self.world.state.open(self.world.now, Peer::native("client"));
        self.ready.append(&mut self.leased);
        self.restarted = self.world.now;
        self.world.after(Duration::ZERO);
    }

    fn wait(&mut self, wait: Duration) {
        self.world.after(wait);
        let now = self.world.now;
        self.keys.retain(|_, until| *until > now);
        let (world, longest) = (&self.world, EXPIRE + EXPIRE / 64 + STEP_MAX);
        let before = self.ready.len();
        self.ready.retain(|item| {
            let stays = world.state.item(world.task, item.id).is_some();
            let stood = now.since(item.since);
            assert!(stays || stood >= EXPIRE, "{item:?} has expired after {stood:?}");
            let looked_at = now.since(item.since.max(self.restarted));
            assert!(!stays || looked_at <= longest, "{item:?} stays after {stood:?}");
            stays
        });
        self.expired += (before - self.ready.len()) as u64;
    }

    fn step(&mut self, random: &mut Random) {
        match random.below(12) {
            0..=3 => {
                let key = random.one_of(&[None, Some("a"), Some("b"), Some("c")]);
                self.put(random.below(3) as u8, key.map(str::to_owned));
            }
            4..=6 => self.lease(),
            7 | 8 if !self.leased.is_empty() => {
                let at = random.below(self.leased.len() as u64) as usize;
                self.settle(at, random.one_of(&[Settle::Ack, Settle::Release]));
            }
            9 if random.below(5) == 0 => self.restart(),
            _ => self.wait(Duration::from_millis(random.below(3_000))),
        }
        let stats = self.world.stats();
        assert_eq!((stats.ready, stats.leased), (self.ready.len(), self.leased.len()));
    }
}

#[test]
fn any_life_of_any_order_is_as_the_model_says() {
    let mut expired = 0;
    for seed in 1..=100 {
        let mut random = Random::new(seed);
        let order = random.one_of(&[Order::Fifo, Order::Lifo, Order::Priority]);
        let mut model = Model::new(order);
        (0..150).for_each(|_| model.step(&mut random));
        expired += model.expired;
    }
    assert!(expired > 100, "only {expired} items expired in all lives");
}
