//! Putting once: a key is good for one item, for a while.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{
    AckMode, Call, Limits, Outcome, Payload, QueueOptions, Record, Reply, StateError, Wait,
};
use support::{Client, World, failed, got, secs};

/// `put_once` to the queue of tasks, which does not wait.
fn once(world: &mut World, client: &Client, key: &str) -> Option<Reply> {
    let task = world.task;
    put(world, client, task, key, Wait::No)
}

fn put(
    world: &mut World,
    client: &Client,
    queue: piecework_state::QueueId,
    key: &str,
    wait: Wait,
) -> Option<Reply> {
    let (key, payload) = (key.to_owned(), Payload::opaque("item"));
    world.call(client.session, Call::PutOnce { queue, key, payload, wait })
}

#[track_caller]
fn is(reply: Option<Reply>, put: bool) {
    match reply {
        Some(Reply::Bool(said)) => assert_eq!(said, put),
        other => panic!("neither put nor known, but {other:?}"),
    }
}

#[test]
fn a_key_is_good_for_one_item_within_the_window() {
    let mut world = World::new(QueueOptions { once: secs(60), ..QueueOptions::default() });
    let client = world.client();
    is(once(&mut world, &client, "a"), true);
    is(once(&mut world, &client, "a"), false);
    is(once(&mut world, &client, "b"), true);
    assert_eq!((world.stats().ready, world.stats().put_total), (2, 2));
    // That the item is gone changes nothing.
    got(world.get(&client));
    world.on_task(&client, Call::Ack);
    world.after(secs(59));
    is(once(&mut world, &client, "a"), false);
    world.after(secs(1));
    is(once(&mut world, &client, "a"), true);
    assert_eq!(world.records.iter().filter(|r| matches!(r, Record::Forgotten(..))).count(), 1);
}

#[test]
fn a_queue_knows_its_own_keys_only() {
    let mut world = World::auto();
    let client = world.client();
    is(once(&mut world, &client, "a"), true);
    let result = world.result;
    is(put(&mut world, &client, result, "a", Wait::No), true);
}

#[test]
fn a_put_that_is_refused_remembers_nothing() {
    let mut world = World::new(QueueOptions { maxsize: 1, ..QueueOptions::default() });
    let client = world.client();
    world.put(&client, "first");
    assert_eq!(failed(once(&mut world, &client, "a")), StateError::Full);
    got(world.get(&client));
    is(once(&mut world, &client, "a"), true);
    // What is there already needs no room.
    is(once(&mut world, &client, "a"), false);
}

#[test]
fn of_two_that_wait_with_one_key_one_is_put() {
    let mut world = World::new(QueueOptions { maxsize: 1, ..QueueOptions::default() });
    let [client, one, other] = std::array::from_fn(|_| world.client());
    world.put(&client, "first");
    for putter in [&one, &other] {
        let task = world.task;
        assert!(put(&mut world, putter, task, "a", Wait::Forever).is_none());
    }
    for _ in 0..2 {
        got(world.get_nowait(&client));
    }
    let replies = std::mem::take(&mut world.woken);
    let said: Vec<_> =
        replies.iter().map(|(_, reply)| matches!(reply, Reply::Bool(true))).collect();
    assert_eq!(said, [true, false]);
    assert_eq!((world.stats().ready, world.stats().putters), (0, 0));
}

#[test]
fn an_answer_that_is_there_already_acks_its_task_all_the_same() {
    let mut world = World::new(QueueOptions::default());
    let ack = AckMode::Answered { answers: world.result };
    world.register("task", QueueOptions { ack, ..QueueOptions::default() });
    let worker = world.client();
    let result = world.result;
    is(put(&mut world, &worker, result, "a", Wait::No), true);
    world.put(&worker, "task");
    got(world.get(&worker));
    is(put(&mut world, &worker, result, "a", Wait::No), false);
    assert_eq!((world.results(), world.stats().leased, world.stats().acked_total), (1, 0, 1));
}

#[test]
fn the_own_bytes_of_a_held_item_are_no_hand_back_under_a_key() {
    let mut world = World::auto();
    let worker = world.client();
    world.put(&worker, "item");
    got(world.get(&worker));
    is(once(&mut world, &worker, "a"), true);
    assert_eq!((world.stats().ready, world.stats().leased), (1, 1));
}

#[test]
fn keys_survive_a_restart_until_their_time() {
    let mut world = World::new(QueueOptions { once: secs(60), ..QueueOptions::default() });
    let client = world.client();
    is(once(&mut world, &client, "a"), true);
    world.state = world.replay.clone().into_state(1, Limits::default());
    let client = world.client();
    is(once(&mut world, &client, "a"), false);
    assert_eq!(world.state.next_deadline(), Some(world.now + secs(60)));
    world.after(secs(60));
    is(once(&mut world, &client, "a"), true);
}

#[test]
fn a_queue_that_starts_fresh_has_no_keys() {
    let mut world = World::auto();
    let client = world.client();
    is(once(&mut world, &client, "a"), true);
    let mut out = Outcome::default();
    world.state.empty(world.task, &mut out);
    world.note(out);
    is(once(&mut world, &client, "a"), true);
}

#[test]
fn keys_are_bounded() {
    let limits = Limits { keys: 2, ..Limits::default() };
    let mut world = World::limited(QueueOptions::default(), limits);
    let client = world.client();
    is(once(&mut world, &client, "a"), true);
    is(once(&mut world, &client, "b"), true);
    assert_eq!(failed(once(&mut world, &client, "c")), StateError::KeysMax { max: 2 });
    is(once(&mut world, &client, "a"), false);
    world.after(secs(3_600));
    is(once(&mut world, &client, "c"), true);
}
