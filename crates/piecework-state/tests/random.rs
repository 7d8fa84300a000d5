//! Many short random lives of a manager: after every step all invariants hold, its records replay
//! to what it has, nothing that was put is ever lost, and in mode answered each task has exactly
//! one result.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use piecework_state::{AckMode, Call, QueueOptions, Reply};
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
    let options = QueueOptions { ack, maxsize, lease, attempts: 0 };
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
