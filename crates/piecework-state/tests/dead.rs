//! Dead items and what is known of any item: listed, revived, dropped, explained.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{
    Attempt, Call, Ended, ItemId, Payload, Peer, QueueOptions, Reply, Settle, Stands, Which,
};
use std::time::Duration;
use support::{Client, World, got, secs};

fn dies_at_once() -> QueueOptions {
    QueueOptions { attempts: 1, ..QueueOptions::default() }
}

/// A world with three dead items, `a` and `c` nacked and `b` lost, and whoever nacked them.
fn with_dead() -> (World, Client) {
    let mut world = World::new(dies_at_once());
    let client = world.client();
    for payload in ["a", "b", "c"] {
        world.put(&client, payload);
    }
    let lost = world.named("lost");
    for worker in [&client, &lost, &client] {
        got(world.get(worker));
        if worker.session == client.session {
            world.on_task(worker, |queue| Call::Nack(queue, Duration::ZERO));
        }
    }
    world.kill(&lost);
    assert_eq!(world.stats().dead, 3);
    (world, client)
}

fn dead(world: &World, after: Option<ItemId>, max: usize) -> Vec<ItemId> {
    world.state.dead(world.task, after, max).iter().map(|item| item.id).collect()
}

#[track_caller]
fn counts(reply: Option<Reply>, count: u64) {
    match reply {
        Some(Reply::Count(counted)) => assert_eq!(counted, count),
        other => panic!("no count but {other:?}"),
    }
}

#[test]
fn the_dead_are_listed_page_by_page() {
    let (world, _) = with_dead();
    let all = dead(&world, None, 10);
    assert_eq!(all.len(), 3);
    assert_eq!(dead(&world, None, 2), all[..2]);
    assert_eq!(dead(&world, Some(all[1]), 2), all[2..]);
    assert!(world.state.dead(world.result, None, 10).is_empty());
}

#[test]
fn a_revived_item_is_in_its_old_place_and_remembers_its_past() {
    let (mut world, client) = with_dead();
    world.put(&client, "younger");
    let b = dead(&world, None, 10)[1];
    counts(world.on_task(&client, |queue| Call::Revive { queue, which: Which::One(b) }), 1);
    assert_eq!(world.stats().unfinished, 2);
    let revived = world.state.item(world.task, b).unwrap();
    assert_eq!(revived.stands, Stands::Ready { before: 0 });
    assert_eq!((revived.item.attempts, revived.item.history().len()), (0, 1));
    assert_eq!(got(world.get(&client)), "b");
    counts(world.on_task(&client, |queue| Call::Revive { queue, which: Which::One(b) }), 0);
}

#[test]
fn those_that_ended_in_one_way_are_chosen() {
    let (mut world, client) = with_dead();
    let nacked = Which::Ended(Ended::Nacked);
    counts(world.on_task(&client, |queue| Call::Drop { queue, which: nacked }), 2);
    assert_eq!(dead(&world, None, 10).len(), 1);
    assert_eq!(world.stats().bytes, 1, "of the one that was lost");
    counts(world.on_task(&client, |queue| Call::Revive { queue, which: nacked }), 0);
    counts(world.on_task(&client, |queue| Call::Drop { queue, which: Which::All }), 1);
    assert_eq!((world.stats().dead, world.stats().bytes, world.stats().acked_total), (0, 0, 0));
}

#[test]
fn revived_items_go_to_those_who_wait() {
    let (mut world, client) = with_dead();
    let waiting = world.client();
    assert!(world.get(&waiting).is_none());
    counts(world.on_task(&client, |queue| Call::Revive { queue, which: Which::All }), 3);
    assert_eq!(got(world.woken.pop().map(|(_, reply)| reply)), "a");
}

#[test]
fn a_dead_item_whose_answer_nobody_wants_is_dropped_when_it_is_revived() {
    let mut world = World::new(dies_at_once());
    let master = world.state.open(world.now, Peer::native("master"));
    let results = world.state.own(master, "results", QueueOptions::default()).unwrap();
    let results = world.state.find(&results).unwrap();
    world.call(master, Call::put(world.task, Payload::opaque("a").reply_to(results)));
    let worker = world.client();
    let (id, _) = world.lease(&worker, 1)[0];
    world.settle(&worker, id, Settle::Nack);
    world.end(master);
    assert_eq!(world.stats().dead, 1);
    counts(world.on_task(&worker, |queue| Call::Revive { queue, which: Which::All }), 0);
    assert_eq!((world.stats().dead, world.stats().ready, world.stats().bytes), (0, 0, 0));
}

#[test]
fn an_attempt_remembers_who_it_was_and_is_short() {
    let mut world = World::new(QueueOptions::default());
    let master = world.client();
    world.put(&master, "a");
    let long = "é".repeat(80);
    let worker = world.named(&long);
    got(world.get(&worker));
    world.after(secs(7));
    world.kill(&worker);
    let explained = world.state.item(world.task, ItemId(4)).unwrap();
    let [Attempt { name, address, began, ended, how, .. }] = explained.item.history() else {
        panic!("{explained:?}");
    };
    assert_eq!((&name[..], &address[..]), ("é".repeat(50).as_str(), "10.0.0.7"));
    assert_eq!((ended.since(*began), *how), (secs(7), Ended::Lost));
}

#[test]
fn where_an_item_stands_is_explained() {
    let mut world = World::with(piecework_state::AckMode::Explicit);
    let client = world.client();
    let stands = |world: &World, id| world.state.item(world.task, ItemId(id)).map(|e| e.stands);
    for payload in ["a", "b", "c"] {
        world.put(&client, payload);
    }
    let [a, b, c]: [u64; 3] = std::array::from_fn(|at| 4 + at as u64);
    got(world.get(&client));
    world.on_task(&client, |queue| Call::Progress(queue, 0.5, "half".into()));
    let Some(Stands::Leased { session, peer, since, deadline, progress }) = stands(&world, a)
    else {
        panic!("{:?}", stands(&world, a));
    };
    assert_eq!((session, since, deadline), (client.session, world.now, None));
    assert_eq!(peer, Some(Peer::stock("MainProcess", "10.0.0.7")));
    assert_eq!(progress, Some((0.5, "half".into())));
    assert_eq!(stands(&world, c), Some(Stands::Ready { before: 1 }));
    world.on_task(&client, |queue| Call::Nack(queue, secs(9)));
    assert_eq!(stands(&world, a), Some(Stands::Delayed { until: world.now + secs(9) }));
    world.after(secs(9));
    assert_eq!(stands(&world, a), Some(Stands::Ready { before: 0 }));
    assert_eq!(stands(&world, b), Some(Stands::Ready { before: 1 }));
    assert_eq!(stands(&world, 99), None);
}
