//! Bounds: of a queue in items and in bytes, and of the manager.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{
    AckMode, Call, Limits, Payload, QueueId, QueueOptions, Reply, StateError, Wait,
};
use support::{Client, World, failed, got};

fn try_put(
    world: &mut World,
    client: &Client,
    queue: QueueId,
    bytes: &'static str,
) -> Option<Reply> {
    let payloads = [Payload::opaque(bytes)].into_iter().collect();
    world.call(client.session, Call::Put { queue, payloads, delay: None, wait: Wait::No })
}

#[track_caller]
fn done(reply: Option<Reply>) {
    match reply {
        Some(Reply::None) => {}
        other => panic!("not put, but {other:?}"),
    }
}

fn bytes(maxbytes: u64) -> QueueOptions {
    QueueOptions { maxbytes, ..QueueOptions::default() }
}

#[test]
fn a_queue_that_is_full_of_bytes_makes_putters_wait_or_fail() {
    let mut world = World::new(bytes(5));
    let task = world.task;
    let [client, waits] = std::array::from_fn(|_| world.client());
    done(world.put(&client, "abc"));
    assert_eq!(failed(try_put(&mut world, &client, task, "def")), StateError::Full);
    assert!(world.put(&waits, "def").is_none());
    assert!(matches!(world.on_task(&client, Call::IsFull), Some(Reply::Bool(false))));
    assert_eq!(got(world.get(&client)), "abc");
    assert_eq!((world.woken.len(), world.stats().putters, world.stats().ready), (1, 0, 1));
    done(world.put(&client, "gh"));
    assert!(matches!(world.on_task(&client, Call::IsFull), Some(Reply::Bool(true))));
}

#[test]
fn what_is_larger_than_its_queue_is_refused_for_good() {
    let mut world = World::new(bytes(5));
    let client = world.client();
    let queue = "task".to_owned();
    let never = StateError::NeverFitsBytes { bytes: 6, queue, maxbytes: 5 };
    assert_eq!(failed(world.put(&client, "abcdef")), never);
}

#[test]
fn a_put_that_acks_is_let_in_whatever_the_bounds_in_bytes_say() {
    let mut world = World::answered();
    world.register("result", bytes(5));
    let [worker, other] = std::array::from_fn(|_| world.client());
    world.put(&worker, "task");
    got(world.get(&worker));
    done(world.answer(&other, "abcde"));
    assert!(world.answer(&other, "waits").is_none());
    done(world.answer(&worker, "larger than the whole queue"));
    assert_eq!((world.results(), world.stats().leased), (2, 0));
    let lease = world.client();
    world.put(&lease, "task");
    let (id, _) = world.lease(&lease, 1)[0];
    let (queue, to) = (world.task, world.result);
    let (item, payload) = (piecework_state::ItemId(id), Payload::opaque("by id"));
    done(world.call(lease.session, Call::Answer { queue, item, to, payload }));
}

#[test]
fn a_larger_bound_wakes_those_who_wait() {
    for (small, large) in [
        (bytes(1), bytes(3)),
        (
            QueueOptions { maxsize: 1, ..QueueOptions::default() },
            QueueOptions { maxsize: 3, ..QueueOptions::default() },
        ),
        (bytes(1), QueueOptions::default()),
    ] {
        let mut world = World::new(small);
        let clients: [Client; 3] = std::array::from_fn(|_| world.client());
        done(world.put(&clients[0], "a"));
        assert!(world.put(&clients[1], "b").is_none());
        assert!(world.put(&clients[2], "c").is_none());
        world.register("task", large);
        assert_eq!((world.woken.len(), world.stats().ready), (2, 3));
    }
}

#[test]
fn the_managers_items_are_bounded_but_for_answers() {
    let limits = Limits { items: 2, ..Limits::default() };
    let ack = AckMode::Explicit;
    let options = QueueOptions { ack, ..QueueOptions::default() };
    let mut world = World::limited(options, limits);
    let client = world.client();
    done(world.put(&client, "a"));
    done(world.answer(&client, "b"));
    let full = StateError::FullItems { items: 2, items_max: 2 };
    assert_eq!(failed(world.put(&client, "c")), full);
    let (id, _) = world.lease(&client, 1)[0];
    let (queue, to) = (world.task, world.result);
    let (item, payload) = (piecework_state::ItemId(id), Payload::opaque("answer"));
    done(world.call(client.session, Call::Answer { queue, item, to, payload }));
    assert_eq!(failed(world.put(&client, "c")), full);
    world.call(client.session, Call::Purge(to));
    done(world.put(&client, "c"));
}
