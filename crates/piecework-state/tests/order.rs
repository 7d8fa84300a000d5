//! Queues that go by priority, or youngest first.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{
    AckMode, Call, ItemId, Limits, Order, Payload, QueueOptions, Reply, Stands, Take, Wait,
};
use std::time::Duration;
use support::{Client, World, got, secs};

fn ordered(order: Order) -> World {
    World::new(QueueOptions { order, ack: AckMode::Explicit, ..QueueOptions::default() })
}

/// Puts an item that its first byte orders.
fn put(world: &mut World, client: &Client, payload: &'static str) -> Option<Reply> {
    let order = Some(payload.as_bytes()[..1].into());
    let queue = world.task;
    world.call(client.session, Call::put(queue, Payload { order, ..Payload::opaque(payload) }))
}

/// Gets all that is there.
fn all(world: &mut World, client: &Client) -> Vec<String> {
    let call = |queue| Call::Take { queue, max: 99, wait: Wait::No, style: Take::Many };
    let Some(Reply::Items(items)) = world.on_task(client, call) else { panic!() };
    items.iter().map(|item| String::from_utf8(item.payload.to_vec()).unwrap()).collect()
}

#[test]
fn the_lowest_value_is_got_first_and_of_equal_ones_the_oldest() {
    let mut world = ordered(Order::Priority);
    let client = world.client();
    for payload in ["b1", "c1", "a1", "b2", "a2"] {
        put(&mut world, &client, payload);
    }
    assert_eq!(all(&mut world, &client), ["a1", "a2", "b1", "b2", "c1"]);
}

#[test]
fn an_item_that_comes_back_stands_where_its_value_and_place_put_it() {
    let mut world = ordered(Order::Priority);
    let client = world.client();
    for payload in ["b1", "b2", "a1"] {
        put(&mut world, &client, payload);
    }
    let lost = world.client();
    assert_eq!(all(&mut world, &lost), ["a1", "b1", "b2"]);
    put(&mut world, &client, "b3");
    world.kill(&lost);
    put(&mut world, &client, "a2");
    let before = world.state.item(world.task, ItemId(4)).unwrap().stands;
    assert_eq!(before, Stands::Ready { before: 2 });
    assert_eq!(all(&mut world, &client), ["a1", "a2", "b1", "b2", "b3"]);
}

#[test]
fn a_delay_a_restart_and_a_hand_back_keep_the_order() {
    let mut world = ordered(Order::Priority);
    let client = world.client();
    let payload = Payload { order: Some((*b"b").into()), ..Payload::opaque("b") };
    let payloads = [payload].into_iter().collect();
    let (queue, delay) = (world.task, Some(secs(1)));
    world.call(client.session, Call::Put { queue, payloads, delay, wait: Wait::No });
    for payload in ["c1", "a1", "a2"] {
        put(&mut world, &client, payload);
    }
    assert_eq!(got(world.get(&client)), "a1");
    put(&mut world, &client, "a1");
    world.after(secs(1));
    world.state = world.replay.clone().into_state(1, Limits::default());
    let client = world.client();
    assert_eq!(all(&mut world, &client), ["a2", "a1", "b", "c1"]);
}

#[test]
fn the_youngest_is_got_first() {
    let mut world = ordered(Order::Lifo);
    let client = world.client();
    for payload in ["1", "2", "3"] {
        world.put(&client, payload);
    }
    assert_eq!(got(world.get(&client)), "3");
    world.put(&client, "4");
    world.on_task(&client, |queue| Call::Nack(queue, Duration::ZERO));
    let stands = |id| world.state.item(world.task, ItemId(id)).unwrap().stands;
    assert_eq!([stands(4), stands(6)], [3, 1].map(|before| Stands::Ready { before }));
    assert_eq!(all(&mut world, &client), ["4", "3", "2", "1"]);
}

#[test]
fn another_order_holds_for_what_is_there() {
    let mut world = ordered(Order::Fifo);
    let client = world.client();
    for payload in ["b", "c", "a"] {
        put(&mut world, &client, payload);
    }
    for (order, first) in [(Order::Priority, "a"), (Order::Lifo, "a"), (Order::Fifo, "b")] {
        world.register("task", QueueOptions { order, ..QueueOptions::default() });
        let looks = world.client();
        assert_eq!(got(world.get(&looks)), first, "{order:?}");
        world.kill(&looks);
    }
}

#[test]
fn what_orders_the_next_item_is_told() {
    let mut world = ordered(Order::Priority);
    let client = world.client();
    assert_eq!(world.state.order(world.task), (Order::Priority, None));
    put(&mut world, &client, "b");
    put(&mut world, &client, "a");
    assert_eq!(world.state.order(world.task), (Order::Priority, Some(&b"a"[..])));
    assert_eq!(world.state.order(world.result), (Order::Fifo, None));
}

#[test]
fn an_item_whose_delivery_was_its_ack_and_failed_stands_where_it_stood() {
    let options = QueueOptions { order: Order::Priority, ack: AckMode::None, ..Default::default() };
    let mut world = World::new(options);
    let client = world.client();
    put(&mut world, &client, "b");
    let Some(reply) = world.get(&client) else { panic!() };
    put(&mut world, &client, "a");
    let deliveries = piecework_state::State::deliveries(reply);
    let out = world.state.unsent(world.now, client.session, deliveries);
    world.note(out);
    assert_eq!(all(&mut world, &client), ["a", "b"]);
}
