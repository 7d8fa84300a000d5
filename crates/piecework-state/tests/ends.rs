//! What the end of a session means: exits, crashes, threads, forked children.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use piecework_state::{Note, Peer};
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
    assert!(world.state.cancel(client.session));
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
    let ident = world.state.create_anonymous("Queue", Default::default());
    assert_eq!(world.state.queue_stats(world.now).len(), 3);
    world.state.incref(&ident).unwrap();
    world.state.decref(world.now, &ident).unwrap();
    assert_eq!(world.state.queue_stats(world.now).len(), 3);
    world.state.decref(world.now, &ident).unwrap();
    assert_eq!(world.state.queue_stats(world.now).len(), 2);
    assert!(world.state.incref(&ident).is_err());
}
