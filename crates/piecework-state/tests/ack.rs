//! The ack modes: each rule of who acks what, and what each kind of end does to a lease.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{AckMode, Call, ItemId, Limits, Note, QueueOptions, Reply, StateError};
use support::{World, failed, got, secs};

/// (ready, leased) of the task queue.
fn counts(world: &World) -> (usize, usize) {
    (world.stats().ready, world.stats().leased)
}

#[test]
fn a_put_to_another_queue_acks_the_oldest_lease_in_one_record() {
    let mut world = World::auto();
    let worker = world.client();
    world.put(&worker, "a");
    assert_eq!(got(world.get(&worker)), "a");
    assert_eq!(counts(&world), (0, 1));
    let before = world.records.len();
    world.answer(&worker, "done");
    assert_eq!((counts(&world), world.results(), world.records.len() - before), ((0, 0), 1, 1));
    world.kill(&worker);
    assert_eq!(counts(&world), (0, 0), "what was answered never comes back");
}

#[test]
fn the_next_get_acks_in_auto_even_if_it_finds_nothing() {
    let mut world = World::auto();
    let worker = world.client();
    world.put(&worker, "a");
    got(world.get(&worker));
    assert_eq!(failed(world.get_nowait(&worker)), StateError::Empty);
    assert_eq!(counts(&world), (0, 0));
}

#[test]
fn a_put_to_the_same_queue_is_no_answer_in_auto() {
    let mut world = World::auto();
    let worker = world.client();
    world.put(&worker, "a");
    got(world.get(&worker));
    world.put(&worker, "more work");
    assert_eq!(counts(&world), (1, 1));
}

#[test]
fn an_orderly_end_acks_in_auto_and_gives_back_elsewhere() {
    let answered = World::answered as fn() -> World;
    let explicit = || World::with(AckMode::Explicit);
    for (make, ready) in [(World::auto as fn() -> World, 0), (answered, 1), (explicit, 1)] {
        let mut world = make();
        let worker = world.client();
        world.put(&worker, "a");
        got(world.get(&worker));
        world.exit(&worker);
        assert_eq!(counts(&world), (ready, 0), "{:?}", world.stats().ack);
        let note = &world.notes[0];
        assert!(matches!(note, Note::Unanswered { leases: 1, lost: false, .. }), "{note:?}");
    }
}

#[test]
fn a_crash_gives_back_in_every_mode_that_leases() {
    let modes = [World::auto as fn() -> World, World::answered, || World::with(AckMode::Explicit)];
    for make in modes {
        let mut world = make();
        let (master, worker, other) = (world.client(), world.client(), world.client());
        world.put(&master, "a");
        world.put(&master, "b");
        got(world.get(&worker));
        world.kill(&worker);
        assert_eq!(got(world.get(&other)), "a", "at its old place, at once");
        assert_eq!(got(world.get(&other)), "b");
    }
}

#[test]
fn mode_none_acks_by_delivery_and_takes_back_what_was_not_sent() {
    let mut world = World::with(AckMode::None);
    let worker = world.client();
    world.put(&worker, "a");
    let reply = world.get(&worker).unwrap();
    assert_eq!(counts(&world), (0, 0));
    let deliveries = piecework_state::State::deliveries(reply);
    let out = world.state.unsent(world.now, worker.session, deliveries);
    world.note(out);
    world.state.check();
    assert_eq!(counts(&world), (1, 0));
    assert_eq!(got(world.get(&worker)), "a");
    world.kill(&worker);
    assert_eq!(counts(&world), (0, 0));
}

#[test]
fn answered_acks_only_by_a_put_to_the_answer_queue_one_each() {
    let mut world = World::answered();
    let worker = world.client();
    for payload in ["a", "b", "c"] {
        world.put(&worker, payload);
    }
    got(world.get(&worker));
    got(world.get(&worker));
    assert_eq!(counts(&world), (1, 2), "a get acks nothing");
    world.answer(&worker, "of a");
    assert_eq!(counts(&world), (1, 1));
    world.kill(&worker);
    let other = world.client();
    assert_eq!((got(world.get(&other)), got(world.get(&other))), ("b".into(), "c".into()));
}

#[test]
fn explicit_acks_by_ack_and_task_done_only() {
    let mut world = World::with(AckMode::Explicit);
    let worker = world.client();
    for payload in ["a", "b"] {
        world.put(&worker, payload);
    }
    got(world.get(&worker));
    got(world.get(&worker));
    world.answer(&worker, "no ack");
    assert_eq!(counts(&world), (0, 2));
    assert!(matches!(world.on_task(&worker, Call::Ack), Some(Reply::None)));
    assert!(matches!(world.on_task(&worker, Call::TaskDone), Some(Reply::None)));
    assert_eq!(counts(&world), (0, 1), "task_done() paid for the acked one first");
    world.on_task(&worker, Call::TaskDone);
    assert_eq!(counts(&world), (0, 0));
    let error = failed(world.on_task(&worker, Call::Ack));
    assert!(error.to_string().contains("holds no item of queue 'task'"), "{error}");
}

#[test]
fn a_held_items_own_bytes_put_back_are_a_hand_back() {
    let mut world = World::answered();
    let worker = world.client();
    world.put(&worker, "a");
    world.put(&worker, "b");
    got(world.get(&worker));
    let before = world.records.len();
    world.put(&worker, "a");
    assert_eq!((counts(&world), world.records.len() - before), ((2, 0), 1));
    assert_eq!(got(world.get(&worker)), "b", "it went to the end of the queue");
    assert_eq!(got(world.get(&worker)), "a");
}

#[test]
fn a_stop_mark_is_acked_by_its_delivery_but_not_in_explicit() {
    for (ack, leased) in [(AckMode::Auto, 0), (AckMode::Explicit, 1)] {
        let mut world = World::with(ack);
        let worker = world.client();
        let stop = piecework_state::Payload { stop: true, ..piecework_state::Payload::opaque("N") };
        world.on_task(&worker, |queue| Call::put(queue, stop.clone()));
        got(world.get(&worker));
        assert_eq!(world.stats().leased, leased, "{ack:?}");
    }
}

#[test]
fn put_many_answers_in_order_all_or_nothing() {
    let mut world = World::answered();
    let worker = world.client();
    for payload in ["a", "b", "c"] {
        world.put(&worker, payload);
        got(world.get(&worker));
    }
    let two = || {
        let payload = |text: &'static str| piecework_state::Payload::opaque(text);
        smallvec::smallvec![payload("of a"), payload("of b")]
    };
    let put = |queue, payloads| Call::Put {
        queue,
        payloads,
        delay: None,
        wait: piecework_state::Wait::No,
    };
    world.register("result", QueueOptions { maxsize: 1, ..QueueOptions::default() });
    let error = failed(world.call(worker.session, put(world.result, two())));
    assert!(matches!(error, StateError::NeverFits { items: 2, maxsize: 1, .. }), "{error}");
    assert_eq!(counts(&world), (0, 3), "a refused put acks nothing");
    world.register("result", QueueOptions::default());
    world.call(worker.session, put(world.result, two()));
    assert_eq!((counts(&world), world.results()), ((0, 1), 2));
}

#[test]
fn a_put_that_acks_passes_the_byte_bound() {
    let limits = Limits { bytes: 10, ..Limits::default() };
    let mut world = World::limited(QueueOptions::default(), limits);
    let worker = world.client();
    world.put(&worker, "0123456789");
    got(world.get(&worker));
    let error = failed(world.put(&worker, "x"));
    assert!(matches!(error, StateError::FullBytes { bytes: 10, bytes_max: 10 }), "{error}");
    assert!(matches!(world.answer(&worker, "0123456789+"), Some(Reply::None)));
}

#[test]
fn a_bare_consumer_of_an_answered_queue_is_told_before_it_has_eaten_everything() {
    let mut world = World::answered();
    let worker = world.client();
    for _ in 0..1_001 {
        world.put(&worker, "a");
    }
    for _ in 0..1_000 {
        got(world.get(&worker));
    }
    let error = failed(world.get(&worker));
    assert!(error.to_string().contains("holds 1000 items of queue 'task'"), "{error}");
}

fn answered_in_ten_seconds() -> World {
    let mut world = World::answered();
    let ack = AckMode::Answered { answers: world.result };
    let options = QueueOptions { ack, lease: Some(secs(10)), ..QueueOptions::default() };
    world.register("task", options);
    world
}

#[test]
fn an_answer_for_a_lease_that_has_run_out_is_dropped() {
    let mut world = answered_in_ten_seconds();
    let (slow, other) = (world.client(), world.client());
    world.put(&slow, "a");
    got(world.get(&slow));
    world.after(secs(9));
    assert_eq!(counts(&world), (0, 1));
    world.on_task(&slow, |queue| Call::Extend(queue, secs(10)));
    world.after(secs(9));
    assert_eq!(counts(&world), (0, 1), "extended");
    world.after(secs(1));
    assert_eq!(got(world.get(&other)), "a");
    assert!(matches!(world.answer(&slow, "late"), Some(Reply::None)));
    assert_eq!((world.results(), world.stats().late_total), (0, 1));
    world.answer(&other, "in time");
    assert_eq!((world.results(), counts(&world)), (1, (0, 0)));
}

#[test]
fn a_lease_that_is_renewed_lasts_for_its_whole_time_again() {
    let mut world = answered_in_ten_seconds();
    let (slow, other) = (world.client(), world.client());
    world.put(&slow, "a");
    world.put(&slow, "b");
    let leases = world.lease(&slow, 2);
    world.after(secs(9));
    let second = ItemId(leases[1].0);
    assert!(matches!(world.on_task(&slow, |queue| Call::Renew(queue, second)), Some(Reply::None)));
    let foreign = world.on_task(&other, |queue| Call::Renew(queue, second));
    assert!(failed(foreign).to_string().contains("not leased"));
    world.after(secs(9));
    assert_eq!(counts(&world), (1, 1), "the first has run out, the second has not");
    world.after(secs(1));
    assert_eq!(counts(&world), (2, 0));
    let late = world.on_task(&slow, |queue| Call::Renew(queue, second));
    assert!(failed(late).to_string().contains("not leased"));
}

#[test]
fn taking_leases_by_id_acks_nothing_that_was_got() {
    let mut world = World::auto();
    let worker = world.client();
    world.put(&worker, "a");
    got(world.get(&worker));
    assert!(world.lease(&worker, 1).is_empty());
    assert_eq!(counts(&world), (0, 1));
}

#[test]
fn a_lease_that_has_run_out_is_never_settled_for_its_next_holder() {
    let mut world = answered_in_ten_seconds();
    let (slow, other) = (world.client(), world.client());
    world.put(&slow, "a");
    got(world.get(&slow));
    world.after(secs(10));
    got(world.get(&other));
    // With other options from here on, the slow worker's next get acks all that it holds.
    world.register("task", QueueOptions::default());
    assert_eq!(failed(world.get_nowait(&slow)), StateError::Empty);
    assert_eq!(counts(&world), (0, 1), "the other one has it still");
}

#[test]
fn a_lease_of_many_stops_at_the_bound_of_a_session() {
    let mut world = World::auto();
    let worker = world.client();
    for _ in 0..1_005 {
        world.put(&worker, "a");
    }
    assert_eq!(world.lease(&worker, 600).len(), 600);
    assert_eq!(world.lease(&worker, 600).len(), 400);
}

#[test]
fn a_hand_back_is_one_put_and_one_get_to_those_who_count() {
    let mut world = World::auto();
    let worker = world.client();
    world.put(&worker, "a");
    got(world.get(&worker));
    world.put(&worker, "a");
    world.on_task(&worker, Call::TaskDone);
    assert_eq!(world.stats().unfinished, 1);
    got(world.get(&worker));
    world.on_task(&worker, Call::TaskDone);
    assert!(matches!(world.on_task(&worker, Call::Join), Some(Reply::None)));
}

/// A worker of an answered queue also reads its settings from an auto queue while it works.
#[test]
fn an_answer_settles_the_queue_that_names_it_whatever_was_got_since() {
    let mut world = World::answered();
    let settings = world.register("settings", QueueOptions::default());
    let worker = world.client();
    world.put(&worker, "a");
    world.call(worker.session, Call::put(settings, piecework_state::Payload::opaque("s")));
    got(world.get(&worker));
    got(world.call(worker.session, Call::get(settings)));
    world.answer(&worker, "of a");
    assert_eq!(counts(&world), (0, 0));
}

/// The session gets again what ran out on it: it has the item late and in time, and one answer.
#[test]
fn an_item_got_again_after_it_ran_out_has_one_result() {
    let mut world = World::answered();
    let ack = AckMode::Answered { answers: world.result };
    let options = QueueOptions { ack, lease: Some(secs(10)), attempts: 0, ..Default::default() };
    world.register("task", options);
    let (worker, other) = (world.client(), world.client());
    world.put(&worker, "a");
    for _ in 0..2 {
        got(world.get(&worker));
        world.after(secs(10));
        world.after(secs(60));
    }
    got(world.get(&other));
    for late in 1..=2 {
        world.answer(&worker, "late");
        assert_eq!((world.results(), world.stats().late_total), (0, late));
    }
    world.answer(&other, "in time");
    assert_eq!((world.results(), counts(&world)), (1, (0, 0)));
    world.put(&worker, "b");
    got(world.get(&worker));
    world.after(secs(10));
    got(world.get(&worker));
    assert!(matches!(world.on_task(&worker, Call::Ack), Some(Reply::None)), "of the late one");
    assert_eq!(counts(&world), (0, 1));
    world.on_task(&worker, Call::Ack);
    assert_eq!(counts(&world), (0, 0));
}

#[test]
fn a_late_task_done_pays_for_nobody() {
    let options =
        QueueOptions { ack: AckMode::Explicit, lease: Some(secs(10)), ..Default::default() };
    let mut world = World::new(options);
    let (slow, other) = (world.client(), world.client());
    world.put(&slow, "a");
    got(world.get(&slow));
    world.after(secs(10));
    got(world.get(&other));
    assert!(matches!(world.on_task(&slow, Call::TaskDone), Some(Reply::None)));
    assert_eq!((world.stats().unfinished, world.stats().late_total), (1, 1));
    let extend = world.on_task(&slow, |queue| Call::Extend(queue, secs(1)));
    assert!(failed(extend).to_string().contains("holds no item"));
    assert!(matches!(world.on_task(&other, Call::TaskDone), Some(Reply::None)));
    assert_eq!((world.stats().unfinished, counts(&world)), (0, (0, 0)));
}

#[test]
fn a_wait_for_many_leases_is_bounded_as_well() {
    let mut world = World::auto();
    let (worker, master) = (world.client(), world.client());
    let lease = |queue| Call::Take {
        queue,
        max: 100_000,
        wait: piecework_state::Wait::Forever,
        style: piecework_state::Take::Leases,
    };
    assert!(world.on_task(&worker, lease).is_none());
    let payloads: smallvec::SmallVec<[_; 1]> =
        (0..1_500).map(|_| piecework_state::Payload::opaque("a")).collect();
    world.on_task(&master, |queue| Call::Put {
        queue,
        payloads: payloads.clone(),
        delay: None,
        wait: piecework_state::Wait::No,
    });
    assert_eq!(world.stats().leased, 1_000);
}

#[test]
fn a_get_acks_nothing_that_is_still_on_its_way() {
    let mut world = World::auto();
    let (master, worker) = (world.client(), world.client());
    for item in ["a", "b", "c"] {
        world.put(&master, item);
    }
    got(world.get(&worker));
    world.state.set_under_way(worker.session, 1);
    got(world.get(&worker));
    assert_eq!(world.stats().leased, 2, "the client did not have the first when it asked");
    world.state.set_under_way(worker.session, 0);
    got(world.get(&worker));
    assert_eq!((world.stats().ready, world.stats().leased), (0, 1));
}
