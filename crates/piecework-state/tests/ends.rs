//! What the end of a session means: exits, crashes, threads, forked children.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{
    AckMode, Attempt, Call, Limits, Note, Payload, Peer, QueueOptions, Record, Reply, StateError,
};
use std::time::Duration;
use support::{Client, World, got, secs};

/// A worker thread holds an item in mode auto, and its session ends.
fn thread_ended() -> (World, Client) {
    let mut world = World::auto();
    let main = world.client();
    world.put(&main, "a");
    let thread = world.thread_of(&main);
    got(world.get(&thread));
    world.kill(&thread);
    assert_eq!(world.stats().leased, 1, "undecided");
    (world, main)
}

#[test]
fn a_threads_end_is_acked_when_its_process_is_seen_to_live() {
    let (mut world, main) = thread_ended();
    world.put(&main, "b");
    assert_eq!((world.stats().ready, world.stats().leased), (1, 0));
}

#[test]
fn a_threads_end_is_acked_when_its_proxies_are_released() {
    let (mut world, main) = thread_ended();
    world.exit(&main);
    assert_eq!((world.stats().ready, world.stats().leased), (0, 0));
}

#[test]
fn a_threads_end_is_given_back_when_its_process_dies_with_it() {
    let (mut world, main) = thread_ended();
    world.kill(&main);
    assert_eq!((world.stats().ready, world.stats().leased), (1, 0));
}

/// A helper that shares the proxies releases its own: which process did is not said.
#[test]
fn a_release_that_may_be_of_another_process_decides_no_threads_end() {
    let (mut world, main) = thread_ended();
    world.state.incref(&main.task).unwrap();
    let session = world.state.open(world.now, Peer::stock("ForkProcess-1", "10.0.0.7"));
    let child = Client { session, task: main.task.clone(), result: main.result.clone() };
    world.on_task(&child, piecework_state::Call::Qsize);
    world.state.decref(world.now, &main.task).unwrap();
    assert_eq!((world.stats().ready, world.stats().leased), (0, 1), "undecided");
    world.kill(&main);
    assert_eq!((world.stats().ready, world.stats().leased), (1, 0));
}

#[test]
fn a_threads_end_is_given_back_when_its_process_died_just_before() {
    let mut world = World::auto();
    let main = world.client();
    world.put(&main, "a");
    let thread = world.thread_of(&main);
    got(world.get(&thread));
    world.kill(&main);
    world.kill(&thread);
    assert_eq!((world.stats().ready, world.stats().leased), (1, 0));
}

#[test]
fn a_threads_end_is_acked_after_the_grace() {
    let (mut world, _main) = thread_ended();
    world.after(secs(1));
    assert_eq!(world.stats().leased, 1);
    world.after(secs(1));
    assert_eq!((world.stats().ready, world.stats().leased), (0, 0));
}

#[test]
fn a_process_that_dies_long_after_its_thread_ended_does_not_take_it_along() {
    let (mut world, main) = thread_ended();
    world.after(std::time::Duration::from_millis(1_500));
    world.kill(&main);
    assert_eq!(world.stats().leased, 1, "still undecided");
    world.after(secs(1));
    assert_eq!((world.stats().ready, world.stats().leased), (0, 0));
}

#[test]
fn where_both_ends_give_back_a_thread_gives_back_at_once() {
    let mut world = World::answered();
    let main = world.client();
    world.put(&main, "a");
    let thread = world.thread_of(&main);
    got(world.get(&thread));
    world.kill(&thread);
    assert_eq!((world.stats().ready, world.stats().leased), (1, 0));
}

/// Two forked children share their parent's proxies; one exits, the other is killed afterwards.
#[test]
fn a_release_by_one_forked_child_does_not_speak_for_its_sibling() {
    let mut world = World::auto();
    let parent = world.client();
    for payload in ["a", "b"] {
        world.put(&parent, payload);
    }
    let child = |world: &mut World| {
        world.state.incref(&parent.task).unwrap();
        world.state.incref(&parent.result).unwrap();
        let session = world.state.open(world.now, Peer::stock("ForkProcess-1", "10.0.0.7"));
        Client { session, task: parent.task.clone(), result: parent.result.clone() }
    };
    let (first, second) = (child(&mut world), child(&mut world));
    got(world.get(&first));
    got(world.get(&second));
    world.exit(&first);
    assert_eq!((world.stats().ready, world.stats().leased), (0, 1));
    world.kill(&second);
    assert_eq!((world.stats().ready, world.stats().leased), (1, 0));
}

/// The sibling's release came before this child's last call, so it says nothing about this child.
#[test]
fn a_release_before_the_last_call_does_not_count() {
    let mut world = World::auto();
    let parent = world.client();
    world.put(&parent, "a");
    world.state.incref(&parent.task).unwrap();
    let session = world.state.open(world.now, Peer::stock("ForkProcess-1", "10.0.0.7"));
    let child = Client { session, task: parent.task.clone(), result: parent.result.clone() };
    world.on_task(&child, piecework_state::Call::Qsize);
    world.state.incref(&parent.task).unwrap();
    world.state.decref(world.now, &parent.task).unwrap();
    got(world.get(&child));
    world.kill(&child);
    assert_eq!((world.stats().ready, world.stats().leased), (1, 0));
}

#[test]
fn a_getter_that_is_gone_takes_nothing() {
    let mut world = World::auto();
    let (waiting, next) = (world.client(), world.client());
    assert!(world.get(&waiting).is_none());
    world.kill(&waiting);
    world.put(&next, "a");
    assert_eq!(got(world.get(&next)), "a");
}

#[test]
fn an_interrupted_get_takes_nothing() {
    let mut world = World::auto();
    let client = world.client();
    assert!(world.get(&client).is_none());
    assert!(world.state.cancel(world.now, client.session).is_some());
    world.put(&client, "a");
    assert!(world.woken.is_empty());
    assert_eq!(got(world.get(&client)), "a");
}

#[test]
fn a_second_run_of_a_manager_knows_the_idents_of_the_first() {
    let mut world = World::auto();
    let mut client = world.client();
    client.task = "task.999".to_owned();
    world.put(&client, "a");
    assert_eq!(world.stats().ready, 1);
    let mut out = piecework_state::Outcome::default();
    let unknown = world.state.resolve(world.now, client.session, "nothing.1", &mut out);
    assert!(unknown.unwrap_err().to_string().contains("no object 'nothing.1'"));
}

#[test]
fn killed_clients_leave_no_handles_behind() {
    let mut world = World::auto();
    for _ in 0..100 {
        let client = world.client();
        world.put(&client, "a");
        world.answer(&client, "a");
        world.kill(&client);
    }
    assert_eq!(world.state.handles(), 0);
    assert!(world.notes.iter().all(|note| !matches!(note, Note::Unanswered { .. })));
}

#[test]
fn an_anonymous_queue_goes_with_its_last_reference() {
    let mut world = World::auto();
    let ident = world.state.create_anonymous("Queue", Default::default()).unwrap();
    assert_eq!(world.state.queue_stats(world.now).len(), 3);
    world.state.incref(&ident).unwrap();
    world.state.decref(world.now, &ident).unwrap();
    assert_eq!(world.state.queue_stats(world.now).len(), 3);
    world.state.decref(world.now, &ident).unwrap();
    assert_eq!(world.state.queue_stats(world.now).len(), 2);
    assert!(world.state.incref(&ident).is_err());
}

/// A helper process that a worker forks increfs and decrefs all its proxies.
#[test]
fn a_helper_that_begins_and_ends_does_not_release_for_its_parent() {
    let mut world = World::auto();
    let worker = world.client();
    world.put(&worker, "a");
    got(world.get(&worker));
    for ident in [&worker.task, &worker.result] {
        world.state.incref(ident).unwrap();
    }
    for ident in [&worker.task, &worker.result] {
        world.state.decref(world.now, ident).unwrap();
    }
    world.kill(&worker);
    assert_eq!((world.stats().ready, world.stats().leased), (1, 0));
}

/// A spawned child never releases; its end must not take its parent's queue along.
#[test]
fn an_anonymous_queue_survives_the_crash_of_one_who_used_it() {
    let mut world = World::auto();
    let ident = world.state.create_anonymous("Queue", QueueOptions::default()).unwrap();
    let child = world.state.open(world.now, Peer::stock("SpawnProcess-1", "10.0.0.7"));
    let mut out = piecework_state::Outcome::default();
    let at = world.state.resolve(world.now, child, &ident, &mut out).unwrap();
    let queue = at.queue().unwrap();
    world.call(child, Call::put(queue, Payload::opaque("a")));
    world.state.end(world.now, child);
    let parent = world.client();
    assert_eq!(world.state.resolve(world.now, parent.session, &ident, &mut out).unwrap(), at);
    got(world.call(parent.session, Call::get(queue)));
}

/// One reply queue for each job, for ever: nothing is left of those that are released.
#[test]
fn a_released_anonymous_queue_is_gone_with_its_leases_and_waiters() {
    let mut world = World::auto();
    let (user, waiter) = (world.client(), world.client());
    let mut out = piecework_state::Outcome::default();
    for _ in 0..1_100 {
        let ident = world.state.create_anonymous("Queue", QueueOptions::default()).unwrap();
        let at = world.state.resolve(world.now, user.session, &ident, &mut out).unwrap();
        let queue = at.queue().unwrap();
        world.call(user.session, Call::put(queue, Payload::opaque("a")));
        got(world.call(user.session, Call::get(queue)));
        assert!(world.call(waiter.session, Call::get(queue)).is_none());
        let ended = world.state.decref(world.now, &ident).unwrap();
        world.state.check();
        let (who, reply) = &ended.woken[0];
        assert_eq!(*who, waiter.session);
        assert!(matches!(reply, Reply::Error(StateError::NoObject { .. })), "{reply:?}");
    }
    assert_eq!(world.state.queue_stats(world.now).len(), 2);
}

#[test]
fn idents_that_are_released_or_made_up_leave_nothing_behind() {
    let mut world = World::auto();
    for number in 0..100 {
        let made_up = format!("task.{number}");
        world.state.incref(&made_up).unwrap();
        world.state.decref(world.now, &made_up).unwrap();
        let client = world.client();
        assert!(world.get(&client).is_none());
        world.kill(&client);
        for ident in [&client.task, &client.result] {
            world.state.decref(world.now, ident).unwrap();
        }
    }
    assert_eq!(world.state.handles(), 0);
}

/// The whole frame of a put arrived before its sender died; what it answers is answered.
#[test]
fn a_put_that_waits_for_room_counts_though_its_sender_dies() {
    let mut world = World::answered();
    world.register("result", QueueOptions { maxsize: 1, ..QueueOptions::default() });
    let (worker, other) = (world.client(), world.client());
    world.put(&worker, "a");
    got(world.get(&worker));
    world.answer(&other, "in the way");
    assert!(world.answer(&worker, "of a").is_none());
    world.kill(&worker);
    let stats = world.stats();
    assert_eq!((world.results(), stats.ready, stats.leased), (2, 0, 0));
}

#[test]
fn a_manager_that_stops_blames_nobody() {
    let mut world = World::with(AckMode::Explicit);
    let (worker, waiter) = (world.client(), world.client());
    world.put(&worker, "a");
    got(world.get(&worker));
    assert!(world.get(&waiter).is_none());
    world.state.stop();
    let ended = world.state.end(world.now, worker.session);
    let returned = |record: &Record| {
        matches!(
            record,
            Record::Returned { attempt: Attempt { counted: false, .. }, due: None, .. }
        )
    };
    assert!(ended.records.iter().any(returned), "{:?}", ended.records);
    assert!(ended.notes.is_empty() && ended.woken.is_empty());
    assert_eq!(world.stats().ready, 1);
}

#[test]
fn a_queue_of_its_own_ends_with_its_session_whoever_else_uses_it() {
    let mut world = World::auto();
    let (master, worker) = (world.client(), world.client());
    let ident =
        world.state.own(master.session, "results", QueueOptions::default()).expect("one queue");
    let queue = world.state.find(&ident).expect("it is there");
    let put = |text| Call::put(queue, Payload::opaque(text));
    world.call(worker.session, put("an answer"));
    assert_eq!(world.state.find("task"), Some(world.task));
    world.end(master.session);
    assert_eq!(world.state.find(&ident), None);
    let reply = world.call(worker.session, put("too late"));
    assert!(matches!(reply, Some(Reply::Error(_))), "{reply:?}");
    world.state.check();
}

/// A worker forks, the child makes a call over the connection, and the worker ends.
#[test]
fn a_call_that_waits_goes_on_when_its_connection_is_inherited() {
    let mut world = World::auto();
    let worker = world.client();
    world.put(&worker, "a");
    got(world.get(&worker));
    assert!(world.on_task(&worker, Call::get).is_none(), "the next get acks, and waits");
    let (heir, out) = world.state.hand_over(world.now, worker.session, &worker.task).unwrap();
    assert!(out.woken.is_empty(), "{out:?}");
    assert!(world.note(out).is_none());
    assert!(world.state.hand_over(world.now, worker.session, &worker.task).is_none());
    let master = world.client();
    world.put(&master, "b");
    let (who, reply) = world.woken.pop().unwrap();
    assert_eq!((who, got(Some(reply))), (heir, "b".to_owned()));
    world.end(heir);
    assert_eq!(
        (world.stats().ready, world.stats().leased),
        (1, 0),
        "the heir is lost as any other"
    );
}

#[test]
fn what_the_ended_process_held_may_go_to_the_heir_of_its_connection() {
    let mut world = World::with(AckMode::Explicit);
    let worker = world.client();
    world.put(&worker, "a");
    got(world.get(&worker));
    assert!(world.get(&worker).is_none());
    let (_, out) = world.state.hand_over(world.now, worker.session, &worker.task).unwrap();
    assert_eq!(got(world.note(out)), "a");
}

#[test]
fn a_put_that_waits_counts_once_though_its_connection_is_inherited() {
    let mut world = World::new(QueueOptions { maxsize: 1, ..QueueOptions::default() });
    let (worker, other) = (world.client(), world.client());
    world.put(&worker, "a");
    assert!(world.put(&worker, "b").is_none());
    let (heir, out) = world.state.hand_over(world.now, worker.session, &worker.task).unwrap();
    assert!(matches!(world.note(out), Some(Reply::None)));
    assert_eq!(world.stats().ready, 2);
    assert!(world.call(heir, Call::Join(world.task)).is_none());
    let (next, out) = world.state.hand_over(world.now, heir, &worker.task).unwrap();
    assert!(world.note(out).is_none());
    for _ in 0..2 {
        got(world.get(&other));
        world.on_task(&other, Call::TaskDone);
    }
    assert!(world.woken.iter().any(|(who, reply)| *who == next && matches!(reply, Reply::None)));
}

#[test]
fn the_heir_is_told_if_a_put_that_waited_found_no_room() {
    let limits = Limits { bytes: 2, ..Limits::default() };
    let mut world = World::limited(QueueOptions { maxsize: 1, ..QueueOptions::default() }, limits);
    let worker = world.client();
    world.put(&worker, "a");
    assert!(world.put(&worker, "bb").is_none(), "it waits for room in the queue");
    let (_, out) = world.state.hand_over(world.now, worker.session, &worker.task).unwrap();
    let told = world.note(out);
    let full = matches!(told, Some(Reply::Error(StateError::FullBytes { .. })));
    assert!(full && world.stats().ready == 1, "{told:?}");
}

#[test]
fn what_could_not_be_sent_before_its_lease_ran_out_is_left_to_whoever_has_it() {
    for ack in [AckMode::Auto, AckMode::Explicit] {
        let lease = Some(Duration::from_secs(1));
        let mut world = World::new(QueueOptions { ack, lease, ..QueueOptions::default() });
        let (slow, other) = (world.client(), world.client());
        world.put(&slow, "a");
        let Some(Reply::Item(unsent)) = world.get(&slow) else { panic!("an item is ready") };
        world.after(Duration::from_secs(2));
        got(world.get(&other));
        let out = world.state.unsent(world.now, slow.session, vec![unsent]);
        assert!(world.note(out).is_none());
        assert_eq!((world.stats().leased, world.stats().ready), (1, 0), "{ack:?}");
        world.state.check();
        // Nor is the next thing that it settles taken for an answer to what never arrived.
        world.put(&other, "b");
        got(world.get(&slow));
        world.on_task(&slow, Call::Ack);
        assert_eq!((world.stats().leased, world.stats().late_total), (1, 0), "{ack:?}");
    }
}

#[test]
fn the_handle_of_a_session_is_one_and_goes_with_it() {
    let mut world = World::auto();
    let session = world.state.open(world.now, Peer::native("piecework/1 test"));
    let ident = world.state.create_for(world.now, session, world.task).unwrap();
    assert_eq!(world.state.find(&ident), Some(world.task));
    let again = world.state.create_for(world.now, session, world.task).unwrap();
    assert_eq!((again, world.state.handles()), (ident, 1));
    world.state.check();
    world.end(session);
    assert_eq!(world.state.handles(), 0);
}
