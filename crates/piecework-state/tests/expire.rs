//! Expiry: what nobody fetches in time is dropped, after a restart too.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{
    AckMode, Call, Limits, Note, Payload, QueueOptions, Reply, Settle, Time, Wait, Which,
};
use std::time::Duration;
use support::{Client, World, got, secs};

fn expires(expire: u64) -> QueueOptions {
    let expire = Some(secs(expire));
    QueueOptions { expire, ack: AckMode::Explicit, ..QueueOptions::default() }
}

/// Ready items, and how many have expired.
fn counts(world: &World) -> (usize, u64) {
    (world.stats().ready, world.stats().expired_total)
}

fn put_later(world: &mut World, client: &Client, secs: u64) {
    let payloads = [Payload::opaque("later")].into_iter().collect();
    let (queue, delay) = (world.task, Some(Duration::from_secs(secs)));
    world.call(client.session, Call::Put { queue, payloads, delay, wait: Wait::No });
}

#[test]
fn what_nobody_fetches_is_dropped_when_its_time_has_come() {
    let mut world = World::new(expires(100));
    let client = world.client();
    world.put(&client, "a");
    world.put(&client, "b");
    assert_eq!(got(world.get(&client)), "a");
    world.after(secs(60));
    world.put(&client, "c");
    world.after(Duration::from_micros(39_999_999));
    assert_eq!(counts(&world), (2, 0));
    world.after(Duration::from_micros(1));
    assert_eq!((counts(&world), world.stats().leased), ((1, 1), 1), "what is leased stays");
    let queue = "task".to_owned();
    assert_eq!(world.notes, [Note::Expired { queue, items: 1 }]);
    world.after(secs(60));
    assert_eq!((counts(&world), world.stats().unfinished), ((0, 2), 1));
    assert_eq!((world.stats().bytes, world.state.next_deadline()), (1, None));
}

#[test]
fn a_thousand_that_expire_together_are_one_line_and_soon_gone() {
    let mut world = World::new(expires(100));
    let client = world.client();
    for _ in 0..50 {
        world.put(&client, "a");
        world.after(Duration::from_millis(10));
    }
    world.after(secs(102));
    assert_eq!(counts(&world), (0, 50));
    assert!(world.notes.len() <= 3, "{:?}", world.notes);
}

#[test]
fn time_runs_anew_when_an_item_becomes_ready_again() {
    let mut world = World::new(QueueOptions { attempts: 1, ..expires(100) });
    let client = world.client();
    put_later(&mut world, &client, 50);
    for payload in ["released", "dies", "handed back"] {
        world.put(&client, payload);
    }
    let [released, dies] = [0, 1].map(|_| world.lease(&client, 1)[0].0);
    assert_eq!(got(world.get(&client)), "handed back");
    world.after(secs(50));
    world.settle(&client, dies, Settle::Nack);
    world.after(secs(10));
    world.settle(&client, released, Settle::Release);
    world.put(&client, "handed back");
    world.on_task(&client, |queue| Call::Revive { queue, which: Which::All });
    assert_eq!(counts(&world), (4, 0));
    world.after(secs(89));
    assert_eq!(counts(&world), (4, 0));
    world.after(secs(2));
    assert_eq!(counts(&world), (3, 1), "the one that was delayed, by fifty seconds");
    world.after(secs(11));
    assert_eq!(counts(&world), (0, 4));
}

#[test]
fn those_who_wait_for_room_come_in() {
    let mut world = World::new(QueueOptions { maxsize: 1, ..expires(100) });
    let client = world.client();
    world.put(&client, "old");
    let waits = world.client();
    assert!(world.put(&waits, "new").is_none());
    world.after(secs(100));
    assert!(matches!(world.woken[..], [(_, Reply::None)]), "{:?}", world.woken);
    assert_eq!(counts(&world), (1, 1));
}

#[test]
fn after_a_restart_time_goes_on_but_for_a_moment_of_grace() {
    let mut world = World::new(expires(1_000));
    let client = world.client();
    world.put(&client, "was leased");
    got(world.get(&client));
    world.after(secs(950));
    world.put(&client, "young");
    world.after(secs(100));
    world.state = world.replay.clone().into_state(1, Limits::default());
    assert_eq!(world.state.next_deadline(), Some(Time::default()), "at once it is looked after");
    world.after(Duration::ZERO);
    world.after(secs(59));
    assert_eq!(counts(&world), (2, 0), "whoever had it may come back");
    world.after(secs(1));
    assert_eq!(counts(&world), (1, 1));
    world.after(secs(839));
    assert_eq!(counts(&world), (1, 1));
    world.after(secs(1));
    assert_eq!(counts(&world), (0, 2));
}

#[test]
fn other_options_are_other_times() {
    let mut world = World::new(expires(1_000));
    let client = world.client();
    world.put(&client, "a");
    world.register("task", expires(10));
    assert_eq!(world.state.next_deadline(), Some(world.now + secs(10)));
    world.register("task", QueueOptions::default());
    assert_eq!(world.state.next_deadline(), None);
    world.register("task", expires(20));
    world.after(secs(20));
    assert_eq!(counts(&world), (0, 1));
}

#[test]
fn after_a_restart_what_came_back_keeps_nothing_older_from_expiring() {
    let mut world = World::new(expires(1_000));
    let client = world.client();
    world.put(&client, "comes back");
    world.put(&client, "never fetched");
    let (id, _) = world.lease(&client, 1)[0];
    world.after(secs(900));
    world.settle(&client, id, Settle::Release);
    world.state = world.replay.clone().into_state(1, Limits::default());
    world.after(Duration::ZERO);
    world.after(secs(100));
    assert_eq!(counts(&world), (1, 1));
}
