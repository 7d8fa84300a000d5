//! Many short random lives of a manager: after every step all invariants hold, its records replay
//! to what it has, nothing that was put is ever lost, and in mode answered each task has exactly
//! one result. And where the tasks of many masters share a queue, those of a master that has ended
//! are left to nobody.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{
    AckMode, Call, ItemId, Payload, Peer, QueueId, QueueOptions, Reply, SessionId,
};
use piecework_state::{Settle, Take, Wait};
use std::time::Duration;
use support::random::Random;
use support::{Client, World};

/// What a worker is at: it waits, or it works on something.
enum Doing {
    Idle,
    Waiting,
    Working,
}

fn life(seed: u64) {
    let mut random = Random::new(seed);
    let mut world = World::answered();
    let ack = AckMode::Answered { answers: world.result };
    let maxsize = if random.below(2) == 0 { 0 } else { 3 };
    let lease = (random.below(3) == 0).then(|| Duration::from_secs(5));
    let options = QueueOptions { ack, maxsize, lease, attempts: 0, ..QueueOptions::default() };
    world.register("task", options);
    let master = world.client();
    let mut workers: Vec<(Client, Doing)> = Vec::new();
    let mut put = 0;
    for _ in 0..200 {
        match random.below(12) {
            0..=2 => {
                let full = maxsize > 0 && world.stats().ready >= maxsize;
                if !full {
                    assert!(matches!(world.put(&master, "task"), Some(Reply::None)));
                    put += 1;
                }
            }
            3 => {
                let worker = world.client();
                workers.push((worker, Doing::Idle));
            }
            4..=8 if !workers.is_empty() => {
                let at = random.below(workers.len() as u64) as usize;
                let (worker, doing) = &mut workers[at];
                *doing = match doing {
                    Doing::Idle => match world.get(worker) {
                        Some(reply) => {
                            support::got(Some(reply));
                            Doing::Working
                        }
                        None => Doing::Waiting,
                    },
                    Doing::Waiting => {
                        let woken = world.woken.iter().position(|(who, _)| *who == worker.session);
                        match woken {
                            Some(at) => {
                                support::got(Some(world.woken.remove(at).1));
                                Doing::Working
                            }
                            None => Doing::Waiting,
                        }
                    }
                    Doing::Working => {
                        assert!(matches!(world.answer(worker, "result"), Some(Reply::None)));
                        Doing::Idle
                    }
                };
            }
            9 | 10 if !workers.is_empty() => {
                let at = random.below(workers.len() as u64) as usize;
                let (worker, _) = workers.swap_remove(at);
                world.woken.retain(|(who, _)| *who != worker.session);
                if random.below(2) == 0 { world.exit(&worker) } else { world.kill(&worker) }
            }
            _ => world.after(Duration::from_millis(random.below(3_000))),
        }
        let stats = world.stats();
        let alive = stats.ready + stats.delayed + stats.leased + stats.dead;
        assert_eq!(alive + world.results(), put, "seed {seed}: {stats:?}");
    }
    for (worker, _) in workers {
        world.kill(&worker);
    }
    drain(&mut world, put, seed);
}

/// One good worker finishes what is left.
fn drain(world: &mut World, put: usize, seed: u64) {
    let last = world.client();
    world.on_task(&last, |queue| Call::Nack(queue, Duration::ZERO));
    while world.results() < put {
        world.after(Duration::from_secs(60));
        match world.get_nowait(&last) {
            Some(Reply::Item(_)) => world.answer(&last, "result"),
            other => panic!("seed {seed}: {other:?} with {} of {put} results", world.results()),
        };
    }
    let stats = world.stats();
    assert_eq!((stats.ready, stats.leased, stats.delayed, stats.dead), (0, 0, 0, 0), "seed {seed}");
}

#[test]
fn nothing_is_lost_or_doubled_in_any_life() {
    (1..=300).for_each(life);
}

/// A master of a run: its session, the queue of its results, and how many of its tasks are undone.
struct Master {
    session: SessionId,
    results: QueueId,
    undone: u64,
}

/// A worker of many runs: its session, and what it holds, each with the queue of its results.
struct Crew {
    session: SessionId,
    holds: Vec<(ItemId, QueueId)>,
}

/// Masters come, put tasks for themselves, withdraw them and end; workers lease, settle and are
/// lost.
struct Runs {
    world: World,
    masters: Vec<Master>,
    crews: Vec<Crew>,
}

impl Runs {
    fn open(&mut self) -> SessionId {
        self.world.state.open(self.world.now, Peer::native("piecework/1 test"))
    }

    fn begin(&mut self) {
        let session = self.open();
        let ident = self.world.state.own(session, "results", QueueOptions::default()).unwrap();
        let results = self.world.state.find(&ident).unwrap();
        self.masters.push(Master { session, results, undone: 0 });
    }

    /// A master puts a task, whose payload names the queue of its results.
    fn put(&mut self, at: usize, delay: Option<Duration>) {
        let master = &mut self.masters[at];
        let payload = Payload::opaque(master.results.0.to_string()).reply_to(master.results);
        let payloads = [payload].into_iter().collect();
        let call = Call::Put { queue: self.world.task, payloads, delay, wait: Wait::No };
        match self.world.call(master.session, call) {
            Some(Reply::None) => master.undone += 1,
            full => assert!(matches!(full, Some(Reply::Error(_))), "{full:?}"),
        }
    }

    fn withdraw(&mut self, at: usize) {
        let master = &mut self.masters[at];
        let call = Call::Withdraw(self.world.task, master.results);
        match self.world.call(master.session, call) {
            Some(Reply::Count(dropped)) => master.undone -= dropped,
            other => panic!("{other:?}"),
        }
    }

    fn lease(&mut self, at: usize) {
        let (queue, crew) = (self.world.task, &mut self.crews[at]);
        let call = Call::Take { queue, max: 1, wait: Wait::No, style: Take::Leases };
        let Some(Reply::Leases(leases)) = self.world.call(crew.session, call) else { panic!() };
        for leased in leases {
            let of = str::from_utf8(&leased.payload).unwrap().parse().map(QueueId).unwrap();
            let lives = self.masters.iter().any(|master| master.results == of);
            assert!(lives, "a task of a master that has ended is handed out");
            crew.holds.push((leased.id, of));
        }
    }

    fn settle(&mut self, at: usize, how: Settle) {
        let crew = &mut self.crews[at];
        let Some((item, of)) = crew.holds.pop() else { return };
        self.world.call(crew.session, Call::Settle(self.world.task, item, how));
        let master = self.masters.iter_mut().find(|master| master.results == of);
        if let (Some(master), Settle::Ack) = (master, how) {
            master.undone -= 1;
        }
    }

    fn step(&mut self, random: &mut Random) {
        let master = random.below(8) as usize;
        let crew = random.below(8) as usize;
        let (is_master, is_crew) = (master < self.masters.len(), crew < self.crews.len());
        match random.below(12) {
            0 => self.begin(),
            1 => {
                let session = self.open();
                self.crews.push(Crew { session, holds: Vec::new() });
            }
            2..=4 if is_master => {
                let delay = random.below(3_000);
                self.put(master, (delay < 1_000).then(|| Duration::from_millis(delay)));
            }
            5 | 6 if is_crew => self.lease(crew),
            7 | 8 if is_crew => {
                let how = [Settle::Ack, Settle::Nack, Settle::Release][random.below(3) as usize];
                self.settle(crew, how);
            }
            9 if is_master => self.withdraw(master),
            10 if is_master && random.below(2) == 0 => {
                let ended = self.masters.swap_remove(master);
                self.world.end(ended.session);
            }
            10 if is_crew => {
                let ended = self.crews.swap_remove(crew);
                self.world.end(ended.session);
            }
            _ => self.world.after(Duration::from_millis(random.below(3_000))),
        }
    }

    /// What is left is what a master that lives waits for, and what a worker holds of one that has
    /// ended.
    fn check(&self) {
        let stats = self.world.stats();
        let undone: u64 = self.masters.iter().map(|master| master.undone).sum();
        let ended = |of: QueueId| self.masters.iter().all(|master| master.results != of);
        let held = self.crews.iter().flat_map(|crew| &crew.holds);
        let left = (stats.ready + stats.delayed + stats.leased + stats.dead) as u64;
        let for_nobody = held.filter(|(_, of)| ended(*of)).count() as u64;
        assert_eq!(left, undone + for_nobody, "{stats:?}");
    }

    fn end(mut self) {
        let masters = self.masters.iter().map(|master| master.session);
        let all: Vec<_> = masters.chain(self.crews.iter().map(|crew| crew.session)).collect();
        for session in all {
            self.world.end(session);
        }
        let stats = self.world.stats();
        let left = stats.ready + stats.delayed + stats.leased;
        assert_eq!((left, stats.bytes, stats.unfinished), (0, 0, 0), "{stats:?}");
    }
}

#[test]
fn what_is_left_in_any_life_of_runs_is_what_a_master_waits_for() {
    for seed in 1..=200 {
        let mut random = Random::new(seed);
        let maxsize = if random.below(2) == 0 { 0 } else { 4 };
        let ack = AckMode::Explicit;
        let options = QueueOptions { ack, maxsize, attempts: 0, ..QueueOptions::default() };
        let (masters, crews) = (Vec::new(), Vec::new());
        let mut runs = Runs { world: World::new(options), masters, crews };
        for _ in 0..200 {
            runs.step(&mut random);
            runs.check();
        }
        runs.end();
    }
}
