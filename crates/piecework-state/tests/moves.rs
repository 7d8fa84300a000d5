//! The moves of an item, legal and illegal, and a queue as Python knows it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{
    AckMode, Call, Payload, QueueOptions, Reply, Settle, StateError, Take, Wait,
};
use std::time::Duration;
use support::{World, failed, got, secs};

#[derive(Debug, Clone, Copy, PartialEq)]
enum At {
    Ready,
    Delayed,
    Leased,
    Dead,
    Gone,
}

fn at(world: &World) -> At {
    let stats = world.stats();
    let all = [
        (stats.ready, At::Ready),
        (stats.delayed, At::Delayed),
        (stats.leased, At::Leased),
        (stats.dead, At::Dead),
    ];
    let mut found = all.into_iter().filter(|(count, _)| *count > 0);
    let state = found.next().map_or(At::Gone, |(_, state)| state);
    assert!(found.next().is_none(), "one item in two states: {stats:?}");
    state
}

/// An item brought to a state, then each thing that can happen to it.
#[test]
fn each_state_and_what_can_happen_in_it() {
    use At::{Dead, Delayed, Gone, Leased, Ready};
    type Step = fn(&mut World, u64) -> Option<Reply>;
    fn id_call(world: &mut World, id: u64, how: Settle) -> Option<Reply> {
        let client = world.client();
        let session = piecework_state::SessionId(4); // the lease's holder: the second client
        let _ = client;
        world.call(session, Call::Settle(world.task, piecework_state::ItemId(id), how))
    }
    let ack: Step = |world, id| id_call(world, id, Settle::Ack);
    let nack: Step = |world, id| id_call(world, id, Settle::Nack);
    let release: Step = |world, id| id_call(world, id, Settle::Release);
    let purge: Step = |world, _| {
        let client = world.client();
        world.on_task(&client, Call::Purge)
    };
    let hour: Step = |world, _| {
        world.after(secs(3_600));
        Some(Reply::None)
    };
    let table: &[(At, &str, Step, At, bool)] = &[
        (Ready, "ack", ack, Ready, false),
        (Ready, "nack", nack, Ready, false),
        (Ready, "purge", purge, Gone, true),
        (Ready, "an hour", hour, Ready, true),
        (Delayed, "ack", ack, Delayed, false),
        (Delayed, "release", release, Delayed, false),
        (Delayed, "an hour", hour, Ready, true),
        (Delayed, "purge", purge, Gone, true),
        (Leased, "ack", ack, Gone, true),
        (Leased, "nack", nack, Ready, true),
        (Leased, "release", release, Ready, true),
        (Leased, "purge", purge, Leased, true),
        (Leased, "an hour", hour, Leased, true),
        (Dead, "ack", ack, Dead, false),
        (Dead, "nack", nack, Dead, false),
        (Dead, "purge", purge, Dead, true),
        (Dead, "an hour", hour, Dead, true),
        (Gone, "ack", ack, Gone, false),
        (Gone, "release", release, Gone, false),
    ];
    for &(from, what, step, to, legal) in table {
        let (mut world, id) = item_in(from);
        assert_eq!(at(&world), from);
        let reply = step(&mut world, id).unwrap();
        assert_eq!(at(&world), to, "{from:?} and {what}");
        assert_eq!(!matches!(reply, Reply::Error(_)), legal, "{from:?} and {what}: {reply:?}");
    }
}

/// A world with one item in that state; a lease is the second client's.
fn item_in(state: At) -> (World, u64) {
    let mut world = World::new(QueueOptions { attempts: 2, ..QueueOptions::default() });
    let master = world.client();
    let worker = world.client();
    assert_eq!(worker.session.0, 4);
    let delay = (state == At::Delayed).then(|| secs(60));
    let payloads = smallvec::smallvec![Payload::opaque("a")];
    world.on_task(&master, |queue| {
        let payloads = payloads.clone();
        Call::Put { queue, payloads, delay, wait: Wait::No }
    });
    let id = 5;
    match state {
        At::Ready | At::Delayed => {}
        At::Leased => assert_eq!(world.lease(&worker, 1), [(id, 1)]),
        At::Gone => {
            world.lease(&worker, 1);
            world.settle(&worker, id, Settle::Ack);
        }
        At::Dead => {
            for _ in 0..2 {
                world.lease(&worker, 1);
                world.settle(&worker, id, Settle::Nack);
            }
        }
    }
    (world, id)
}

#[test]
fn the_first_failure_is_retried_at_once_and_the_second_waits() {
    let mut world = World::new(QueueOptions { attempts: 3, ..QueueOptions::default() });
    let worker = world.client();
    world.put(&worker, "a");
    let [(id, 1)] = world.lease(&worker, 9)[..] else { panic!() };
    world.settle(&worker, id, Settle::Nack);
    assert_eq!(world.lease(&worker, 9), [(id, 2)]);
    world.settle(&worker, id, Settle::Nack);
    assert_eq!(at(&world), At::Delayed);
    world.after(secs(2));
    assert_eq!(world.lease(&worker, 9), [(id, 3)]);
    world.settle(&worker, id, Settle::Nack);
    assert_eq!(at(&world), At::Dead);
}

#[test]
fn attempts_0_means_no_end() {
    let mut world = World::new(QueueOptions { attempts: 0, ..QueueOptions::default() });
    let worker = world.client();
    world.put(&worker, "a");
    for attempt in 1..300 {
        world.after(secs(60));
        let [(id, at)] = world.lease(&worker, 1)[..] else { panic!("attempt {attempt}") };
        assert_eq!(at, attempt);
        world.settle(&worker, id, Settle::Nack);
    }
}

#[test]
fn of_several_leases_only_the_oldest_is_blamed() {
    let mut world = World::auto();
    let (master, worker) = (world.client(), world.client());
    for payload in ["a", "b", "c"] {
        world.put(&master, payload);
    }
    assert_eq!(world.lease(&worker, 3).len(), 3);
    world.kill(&worker);
    let attempts: Vec<u32> = world.lease(&master, 3).iter().map(|(_, at)| *at).collect();
    assert_eq!(attempts, [2, 1, 1]);
}

#[test]
fn getters_are_served_in_order_of_arrival() {
    let mut world = World::auto();
    let clients: Vec<_> = (0..3).map(|_| world.client()).collect();
    for client in &clients {
        assert!(world.get(client).is_none());
    }
    let master = world.client();
    for payload in ["a", "b", "c"] {
        world.put(&master, payload);
    }
    let served: Vec<_> = world.woken.drain(..).collect();
    for ((session, reply), (client, payload)) in
        served.into_iter().zip(clients.iter().zip(["a", "b", "c"]))
    {
        assert_eq!((session, got(Some(reply))), (client.session, payload.to_owned()));
    }
}

#[test]
fn a_full_queue_makes_putters_wait_in_order_and_time_out() {
    let mut world = World::new(QueueOptions { maxsize: 1, ..QueueOptions::default() });
    let (a, b, c) = (world.client(), world.client(), world.client());
    world.put(&a, "first");
    assert!(world.put(&b, "second").is_none());
    let until = world.now + secs(5);
    let third = |queue| Call::Put {
        queue,
        payloads: smallvec::smallvec![Payload::opaque("third")],
        delay: None,
        wait: Wait::Until(until),
    };
    assert!(world.on_task(&c, third).is_none());
    assert_eq!(got(world.get(&a)), "first");
    assert_eq!(world.woken.len(), 1, "one place, one putter");
    assert_eq!(world.woken.remove(0).0, b.session);
    world.after(secs(5));
    let (session, reply) = world.woken.remove(0);
    assert_eq!((session, failed(Some(reply))), (c.session, StateError::Full));
    assert_eq!(got(world.get(&a)), "second");
    assert_eq!(failed(world.get_nowait(&a)), StateError::Empty);
}

#[test]
fn a_get_times_out_with_empty() {
    let mut world = World::auto();
    let client = world.client();
    let until = world.now + Duration::from_millis(500);
    let get = |queue| Call::Take { queue, max: 1, wait: Wait::Until(until), style: Take::Item };
    assert!(world.on_task(&client, get).is_none());
    assert_eq!(world.state.next_deadline(), Some(until));
    world.after(Duration::from_millis(500));
    assert_eq!(failed(world.woken.pop().map(|(_, reply)| reply)), StateError::Empty);
    assert_eq!(world.state.next_deadline(), None);
}

#[test]
fn join_waits_for_task_done_as_python_counts_it() {
    let mut world = World::auto();
    let (master, worker) = (world.client(), world.client());
    world.put(&master, "a");
    world.put(&master, "b");
    assert!(world.on_task(&master, Call::Join).is_none());
    got(world.get(&worker));
    got(world.get(&worker));
    world.on_task(&worker, Call::TaskDone);
    assert!(world.woken.is_empty());
    world.on_task(&worker, Call::TaskDone);
    assert_eq!(world.woken.len(), 1);
    let error = failed(world.on_task(&worker, Call::TaskDone));
    assert_eq!(error.to_string(), "task_done() called too many times");
}

#[test]
fn items_of_a_worker_that_has_left_count_as_finished() {
    let mut world = World::auto();
    let (master, worker) = (world.client(), world.client());
    world.put(&master, "a");
    world.put(&master, "b");
    assert!(world.on_task(&master, Call::Join).is_none());
    got(world.get(&worker));
    got(world.get(&worker));
    world.exit(&worker);
    assert_eq!(world.woken.len(), 1, "{:?}", world.stats());
}

#[test]
fn what_a_killed_worker_held_is_still_unfinished() {
    let mut world = World::auto();
    let (master, worker) = (world.client(), world.client());
    world.put(&master, "a");
    assert!(world.on_task(&master, Call::Join).is_none());
    got(world.get(&worker));
    world.kill(&worker);
    assert!(world.woken.is_empty());
    assert_eq!(world.stats().unfinished, 1);
}

#[test]
fn shutdown_refuses_puts_and_gets_once_empty() {
    let mut world = World::auto();
    let (a, b) = (world.client(), world.client());
    world.put(&a, "last");
    world.on_task(&a, |queue| Call::ShutDown(queue, false));
    assert_eq!(failed(world.put(&a, "more")), StateError::ShutDown);
    assert_eq!(got(world.get(&b)), "last");
    assert_eq!(failed(world.get(&b)), StateError::ShutDown);

    let mut world = World::auto();
    let (a, b) = (world.client(), world.client());
    assert!(world.get(&b).is_none());
    world.on_task(&a, |queue| Call::ShutDown(queue, true));
    assert_eq!(failed(world.woken.pop().map(|(_, reply)| reply)), StateError::ShutDown);
}

#[test]
fn put_later_is_ready_at_its_time_behind_what_was_put_meanwhile() {
    let mut world = World::auto();
    let client = world.client();
    let later = |queue| Call::Put {
        queue,
        payloads: smallvec::smallvec![Payload::opaque("later")],
        delay: Some(secs(10)),
        wait: Wait::No,
    };
    world.on_task(&client, later);
    world.put(&client, "now");
    assert_eq!((world.stats().ready, world.stats().delayed), (1, 1));
    world.after(secs(10));
    assert_eq!(got(world.get(&client)), "now");
    assert_eq!(got(world.get(&client)), "later");
}

#[test]
fn leases_by_id_are_untouched_by_what_the_session_puts_and_gets() {
    let mut world = World::with(AckMode::Auto);
    let worker = world.client();
    for payload in ["a", "b"] {
        world.put(&worker, payload);
    }
    let [(id, 1)] = world.lease(&worker, 1)[..] else { panic!() };
    got(world.get(&worker));
    world.answer(&worker, "of b");
    assert_eq!(world.stats().leased, 1);
    let answer = Call::Answer {
        queue: world.task,
        item: piecework_state::ItemId(id),
        to: world.result,
        payload: Payload::opaque("of a"),
    };
    let before = world.records.len();
    assert!(matches!(world.call(worker.session, answer.clone()), Some(Reply::None)));
    assert_eq!((world.stats().leased, world.results(), world.records.len() - before), (0, 2, 1));
    let error = failed(world.call(worker.session, answer));
    assert!(error.to_string().contains("not leased to this session"), "{error}");
}

#[test]
fn an_answer_to_a_full_queue_waits_and_settles_when_there_is_room() {
    let mut world = World::auto();
    world.register("result", QueueOptions { maxsize: 1, ..QueueOptions::default() });
    let (worker, master) = (world.client(), world.client());
    for payload in ["a", "b"] {
        world.put(&worker, payload);
    }
    let ids: Vec<u64> = world.lease(&worker, 2).iter().map(|(id, _)| *id).collect();
    let (task, result) = (world.task, world.result);
    let answer = |id| Call::Answer {
        queue: task,
        item: piecework_state::ItemId(id),
        to: result,
        payload: Payload::opaque("done"),
    };
    assert!(world.call(worker.session, answer(ids[0])).is_some());
    assert!(world.call(worker.session, answer(ids[1])).is_none());
    assert_eq!(world.stats().leased, 1, "not settled before it is in");
    got(world.call(master.session, Call::get(result)));
    assert_eq!((world.woken.len(), world.stats().leased, world.results()), (1, 0, 1));
}

#[test]
fn a_put_that_would_wait_does_not_overtake_one_that_waits() {
    let mut world = World::new(QueueOptions { maxsize: 2, ..QueueOptions::default() });
    let (first, two, one, now) = (world.client(), world.client(), world.client(), world.client());
    world.put(&first, "a");
    let both = |queue| Call::Put {
        queue,
        payloads: smallvec::smallvec![Payload::opaque("b"), Payload::opaque("c")],
        delay: None,
        wait: Wait::Forever,
    };
    assert!(world.on_task(&two, both).is_none());
    assert!(world.put(&one, "d").is_none(), "there is room for one, but two stands in front");
    let nowait = |queue| Call::Put {
        queue,
        payloads: smallvec::smallvec![Payload::opaque("e")],
        delay: None,
        wait: Wait::No,
    };
    assert!(matches!(world.on_task(&now, nowait), Some(Reply::None)));
    let order: Vec<_> = (0..5).map(|_| got(world.get_nowait(&first))).collect();
    assert_eq!(order, ["a", "e", "b", "c", "d"]);
}

#[test]
fn an_item_that_waited_out_its_back_off_returns_to_its_old_place() {
    let mut world = World::auto();
    let worker = world.client();
    world.put(&worker, "a");
    for _ in 0..2 {
        let [(id, _)] = world.lease(&worker, 1)[..] else { panic!() };
        world.settle(&worker, id, Settle::Nack);
    }
    world.put(&worker, "b");
    world.after(secs(2));
    assert_eq!(got(world.get(&worker)), "a");
}

#[test]
fn a_dead_item_counts_as_finished() {
    let mut world = World::new(QueueOptions { attempts: 1, ..QueueOptions::default() });
    let (master, worker) = (world.client(), world.client());
    world.put(&master, "a");
    assert!(world.on_task(&master, Call::Join).is_none());
    let [(id, _)] = world.lease(&worker, 1)[..] else { panic!() };
    world.settle(&worker, id, Settle::Nack);
    assert_eq!((world.stats().dead, world.stats().unfinished, world.woken.len()), (1, 0, 1));
}

#[test]
fn the_timeout_of_a_get_that_was_served_ends_no_later_one() {
    let mut world = World::auto();
    let (client, master) = (world.client(), world.client());
    let until = world.now + secs(5);
    let get = |queue| Call::Take { queue, max: 1, wait: Wait::Until(until), style: Take::Item };
    assert!(world.on_task(&client, get).is_none());
    world.put(&master, "a");
    world.woken.clear();
    assert!(world.get(&client).is_none());
    world.after(secs(60));
    assert!(world.woken.is_empty());
}

#[test]
fn a_putter_that_gives_up_lets_those_behind_it_in() {
    let mut world = World::new(QueueOptions { maxsize: 2, ..QueueOptions::default() });
    let (first, two, one) = (world.client(), world.client(), world.client());
    world.put(&first, "a");
    let until = world.now + secs(5);
    let both = |queue| Call::Put {
        queue,
        payloads: smallvec::smallvec![Payload::opaque("b"), Payload::opaque("c")],
        delay: None,
        wait: Wait::Until(until),
    };
    assert!(world.on_task(&two, both).is_none());
    assert!(world.put(&one, "d").is_none());
    world.after(secs(5));
    let served: Vec<_> = world.woken.iter().map(|(session, _)| *session).collect();
    assert_eq!(served, [two.session, one.session]);
}

/// Serving one putter must not begin to serve the next from within.
#[test]
fn ten_thousand_putters_are_served_at_once() {
    let mut world = World::new(QueueOptions { maxsize: 10_000, ..QueueOptions::default() });
    let session =
        |world: &mut World| world.state.open(world.now, piecework_state::Peer::native("putter"));
    let first = session(&mut world);
    let payloads = || (0..10_000).map(|_| Payload::opaque("a")).collect();
    let full = |queue, payloads| Call::Put { queue, payloads, delay: None, wait: Wait::No };
    let task = world.task;
    world.state.apply(world.now, first, full(task, payloads()));
    for _ in 0..10_000 {
        let putter = session(&mut world);
        let waits = world.state.apply(world.now, putter, Call::put(task, Payload::opaque("b")));
        assert!(waits.reply.is_none());
    }
    let purged = world.state.apply(world.now, first, Call::Purge(task));
    assert_eq!(purged.woken.len(), 10_000);
    world.state.check();
}

/// A master's tasks are ready, delayed and leased when the queue of its results ends.
#[test]
fn tasks_go_with_the_queue_that_their_answers_are_for() {
    let mut world = World::with(AckMode::Explicit);
    world.register(
        "task",
        QueueOptions { attempts: 1, ack: AckMode::Explicit, ..QueueOptions::default() },
    );
    let (worker, master) = (world.client(), world.client());
    let own = |world: &mut World| {
        let ident = world.state.own(master.session, "results", QueueOptions::default()).unwrap();
        world.state.find(&ident).unwrap()
    };
    let (results, others) = (own(&mut world), own(&mut world));
    let put = |world: &mut World, text: &'static str, results, delay| {
        let payloads = [Payload::opaque(text).reply_to(results)].into_iter().collect();
        let call = Call::Put { queue: world.task, payloads, delay, wait: Wait::No };
        world.call(worker.session, call)
    };
    for text in ["fails", "goes back", "is done", "is ready"] {
        put(&mut world, text, results, None);
    }
    put(&mut world, "is delayed", results, Some(secs(9)));
    put(&mut world, "is somebody else's", others, None);
    let ids: Vec<u64> = world.lease(&worker, 3).iter().map(|(id, _)| *id).collect();
    assert!(matches!(
        world.call(worker.session, Call::Withdraw(world.task, results)),
        Some(Reply::Count(2))
    ));
    world.settle(&worker, ids[1], Settle::Release);
    assert_eq!(world.stats().ready, 2, "only withdrawn: what comes back is done after all");
    world.lease(&worker, 1);
    world.end(master.session);
    assert_eq!((world.stats().ready, world.stats().leased), (0, 3));
    world.settle(&worker, ids[0], Settle::Nack);
    world.settle(&worker, ids[2], Settle::Ack);
    world.kill(&worker);
    let stats = world.stats();
    assert_eq!((stats.ready, stats.delayed, stats.leased, stats.dead), (0, 0, 0, 0));
    assert_eq!((stats.unfinished, stats.bytes), (0, 0));
    let late = Call::put(world.task, Payload::opaque("too late").reply_to(results));
    let other = world.client();
    let late = world.call(other.session, late);
    assert!(matches!(late, Some(Reply::Error(StateError::NoObject { .. }))), "{late:?}");
}
