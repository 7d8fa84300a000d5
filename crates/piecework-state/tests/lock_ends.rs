//! What becomes of a lock when whoever has it, or waits for it, is gone: crashes, exits, threads,
//! interrupted calls, inherited connections.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{Kind, Limits, Make, Note, ObjectCall, Peer, QueueOptions, Reply, SessionId};
use support::objects::{ACQUIRE, RELEASE, Shared, TRY, WAIT, wait_until};
use support::{World, secs};

const LOCK: Make = Make::Lock { reentrant: false };
const RLOCK: Make = Make::Lock { reentrant: true };
const ALL: [Make; 3] = [LOCK, RLOCK, Make::Condition];
const NOTIFY: ObjectCall = ObjectCall::Notify(1);

/// An object and so many processes that share it, of which the first one has it.
fn held<const N: usize>(make: Make) -> (World, Shared, [SessionId; N]) {
    let mut world = World::auto();
    let object = world.make(make);
    let processes = world.processes(&object);
    assert_eq!(world.on(processes[0], &object, ACQUIRE), "True");
    (world, object, processes)
}

fn yes(who: SessionId) -> Vec<(SessionId, String)> {
    vec![(who, "True".to_owned())]
}

fn freed(world: &World) -> Vec<SessionId> {
    let freed = world.notes.iter().filter_map(|note| match note {
        Note::LockFreed { session, .. } => Some(*session),
        _ => None,
    });
    freed.collect()
}

#[test]
fn a_holder_that_crashes_lets_go_however_often_he_took_it() {
    for make in ALL {
        let reentrant = make.kind() != Kind::Lock;
        let name = format!(":{}", make.kind().name());
        let (mut world, lock, [a, b, c]) = held(make);
        if reentrant {
            world.on(a, &lock, ACQUIRE);
        }
        world.on(b, &lock, ACQUIRE);
        world.on(c, &lock, ACQUIRE);
        world.end(a);
        assert_eq!(world.told(), yes(b));
        let note = Note::LockFreed { session: a, lock: name };
        assert!(world.notes.contains(&note), "{:?}", world.notes);
        world.end(b);
        assert_eq!(world.told(), yes(c));
        world.end(c);
        assert_eq!(freed(&world), [a, b, c]);
        let last = world.process("Last", &lock);
        assert_eq!(world.on(last, &lock, TRY), "True");
    }
}

/// CPython's server keeps a lock that a client leaves behind: another may release it, unless it has
/// an owner.
#[test]
fn a_holder_that_exits_in_good_order_leaves_it_locked() {
    for make in ALL {
        let owned = make.kind() != Kind::Lock;
        let (mut world, lock, [a, b]) = held(make);
        world.on(b, &lock, ObjectCall::Acquire(world.within(5)));
        world.leave(a, &lock);
        assert_eq!((world.told(), freed(&world)), (vec![], vec![]));
        world.after(secs(5));
        assert_eq!(world.told(), [(b, "False".to_owned())]);
        let released = world.on(b, &lock, RELEASE);
        assert_eq!(released, if owned { "cannot release un-acquired lock" } else { "None" });
        assert_eq!(world.on(b, &lock, TRY) == "True", !owned);
    }
}

#[test]
fn a_native_client_that_ends_has_crashed() {
    let (mut world, lock, [_a, b]) = held(LOCK);
    world.on(b, &lock, RELEASE);
    let native = world.state.open(world.now, Peer::native("piecework/1 test"));
    world.on(native, &lock, ACQUIRE);
    world.on(b, &lock, ACQUIRE);
    world.end(native);
    assert_eq!(world.told(), yes(b));
}

#[test]
fn who_released_a_lock_or_never_took_it_frees_nothing_at_his_end() {
    for make in ALL {
        let (mut world, lock, [a, b, c]) = held(make);
        world.on(a, &lock, RELEASE);
        world.on(b, &lock, ACQUIRE);
        world.end(a);
        world.end(c);
        assert_eq!((world.told(), freed(&world)), (vec![], vec![]));
        let other = world.process("Other", &lock);
        assert_eq!(world.on(other, &lock, TRY), "False");
    }
}

#[test]
fn whoever_released_anothers_lock_does_not_own_it() {
    let (mut world, lock, [a, b, c]) = held(LOCK);
    world.on(b, &lock, RELEASE);
    world.on(c, &lock, ACQUIRE);
    world.end(a);
    assert_eq!(world.on(b, &lock, TRY), "False", "it is the third one's");
    world.end(c);
    assert_eq!(world.on(b, &lock, TRY), "True");
}

/// A thread of a process has the lock, and its connection ends; the main thread knows the lock too.
fn thread_ended(make: Make) -> (World, Shared, SessionId, SessionId) {
    let mut world = World::auto();
    let lock = world.make(make);
    let main = world.process("Process-1", &lock);
    let thread = world.thread("Process-1|Thread-1", &lock);
    assert_eq!(world.on(thread, &lock, ACQUIRE), "True");
    let waiter = world.process("Process-2", &lock);
    assert_eq!(world.on(waiter, &lock, ACQUIRE), "waits");
    world.end(thread);
    assert_eq!((world.told(), freed(&world)), (vec![], vec![]), "undecided");
    (world, lock, main, waiter)
}

#[test]
fn a_threads_lock_is_free_when_its_process_dies_with_it() {
    for make in ALL {
        let (mut world, _lock, main, waiter) = thread_ended(make);
        world.end(main);
        assert_eq!(world.told(), yes(waiter));
        assert_eq!(freed(&world).len(), 1);
    }
}

#[test]
fn a_threads_lock_is_free_when_its_process_died_just_before() {
    for make in ALL {
        let mut world = World::auto();
        let lock = world.make(make);
        let main = world.process("Process-1", &lock);
        let thread = world.thread("Process-1|Thread-1", &lock);
        world.on(thread, &lock, ACQUIRE);
        world.end(main);
        assert_eq!(freed(&world), []);
        world.end(thread);
        assert_eq!(freed(&world), [thread]);
    }
}

#[test]
fn a_threads_lock_stays_when_its_process_is_seen_to_live() {
    for make in ALL {
        let (mut world, lock, main, _waiter) = thread_ended(make);
        world.touch(main, &lock);
        world.end(main);
        assert_eq!((world.told(), freed(&world)), (vec![], vec![]));
    }
}

#[test]
fn a_threads_lock_stays_when_nothing_is_heard_for_a_while() {
    for make in ALL {
        let (mut world, _lock, main, _waiter) = thread_ended(make);
        world.after(secs(2));
        world.end(main);
        assert_eq!((world.told(), freed(&world)), (vec![], vec![]));
    }
}

/// All processes share the one ident of an object without a name: what another one does says
/// nothing of the thread's.
#[test]
fn what_another_process_does_does_not_say_that_a_threads_process_lives() {
    let (mut world, lock, main, waiter) = thread_ended(LOCK);
    let other = world.process("Process-3", &lock);
    assert_eq!(world.on(other, &lock, TRY), "False");
    world.end(main);
    assert_eq!(world.told(), yes(waiter));
}

#[test]
fn a_lock_that_an_undecided_thread_has_may_be_released_by_another() {
    let (mut world, lock, main, waiter) = thread_ended(LOCK);
    let helper = world.thread("Process-1|Thread-2", &lock);
    assert_eq!(world.on(helper, &lock, RELEASE), "None");
    assert_eq!(world.told(), yes(waiter));
    world.end(main);
    assert_eq!(freed(&world), [], "the waiter has it, and lives");
}

#[test]
fn a_waiter_that_is_gone_takes_nothing() {
    for make in ALL {
        let (mut world, lock, [a, b, c, d]) = held(make);
        let thread = world.thread("Process-1|Thread-1", &lock);
        for waiter in [b, c, thread, d] {
            world.on(waiter, &lock, ACQUIRE);
        }
        world.end(b);
        world.leave(c, &lock);
        world.end(thread);
        world.on(a, &lock, RELEASE);
        assert_eq!(world.told(), yes(d));
    }
}

#[test]
fn notice_does_not_go_to_a_waiter_that_is_gone() {
    let (mut world, condition, [a, b, c]) = held(Make::Condition);
    world.on(a, &condition, WAIT);
    world.on(b, &condition, ACQUIRE);
    world.on(b, &condition, WAIT);
    world.on(c, &condition, ACQUIRE);
    world.end(a);
    world.on(c, &condition, NOTIFY);
    world.on(c, &condition, RELEASE);
    assert_eq!(world.told(), yes(b));
    assert_eq!(freed(&world), []);
}

/// The notice is spent, as in CPython; the lock goes to the next in line.
#[test]
fn a_notified_waiter_that_dies_before_it_has_the_lock_does_not_take_it() {
    let (mut world, condition, [a, b, c]) = held(Make::Condition);
    world.on(a, &condition, WAIT);
    world.on(b, &condition, ACQUIRE);
    world.on(b, &condition, NOTIFY);
    world.on(c, &condition, ACQUIRE);
    world.end(a);
    world.on(b, &condition, RELEASE);
    assert_eq!(world.told(), yes(c));
}

#[test]
fn a_notifier_that_crashes_lets_the_notified_have_the_lock() {
    let (mut world, condition, [a, b]) = held(Make::Condition);
    world.on(a, &condition, WAIT);
    world.on(b, &condition, ACQUIRE);
    world.on(b, &condition, NOTIFY);
    world.end(b);
    assert_eq!((world.told(), freed(&world)), (yes(a), vec![b]));
    assert_eq!(world.on(a, &condition, RELEASE), "None");
}

#[test]
fn an_interrupted_acquire_takes_nothing() {
    for make in ALL {
        let (mut world, lock, [a, b, c]) = held(make);
        world.on(b, &lock, ObjectCall::Acquire(world.within(5)));
        world.on(c, &lock, ACQUIRE);
        world.give_up(b);
        world.after(secs(9));
        assert_eq!(world.told(), []);
        world.on(a, &lock, RELEASE);
        assert_eq!(world.told(), yes(c));
        assert!(world.state.cancel(world.now, b).is_none(), "it does not wait any more");
    }
}

/// `with condition: condition.wait()` releases the lock however the wait ends.
#[test]
fn an_interrupted_wait_has_the_lock_again_if_it_is_free() {
    let (mut world, condition, [a, b]) = held(Make::Condition);
    world.on(a, &condition, ACQUIRE);
    world.on(a, &condition, WAIT);
    world.give_up(a);
    for _ in 0..2 {
        assert_eq!(world.on(b, &condition, TRY), "False");
        assert_eq!(world.on(a, &condition, RELEASE), "None");
    }
    assert_eq!(world.on(b, &condition, ACQUIRE), "True");
    // Where another has it, he goes without.
    world.on(b, &condition, RELEASE);
    world.on(a, &condition, ACQUIRE);
    world.on(a, &condition, WAIT);
    world.on(b, &condition, ACQUIRE);
    world.on(b, &condition, NOTIFY);
    world.give_up(a);
    assert_eq!(world.on(a, &condition, RELEASE), "cannot release un-acquired lock");
    world.on(b, &condition, RELEASE);
    assert_eq!(world.told(), []);
    assert_eq!(world.on(a, &condition, TRY), "True");
}

#[test]
fn an_acquire_goes_on_when_its_connection_is_inherited() {
    for make in ALL {
        let (mut world, lock, [a, b, c]) = held(make);
        let mine = world.make(LOCK);
        world.on(b, &mine, ACQUIRE);
        world.on(b, &lock, ACQUIRE);
        world.on(c, &lock, ACQUIRE);
        let (heir, out) = world.state.hand_over(world.now, b, &lock.ident).unwrap();
        assert!(world.note(out).is_none());
        assert_eq!(freed(&world), [b], "what its process had is free");
        for (who, next) in [(a, c), (c, heir)] {
            world.on(who, &lock, RELEASE);
            assert_eq!(world.told(), yes(next));
        }
    }
}

#[test]
fn a_lock_that_ends_tells_all_who_wait_and_is_forgotten_by_its_holder() {
    for make in ALL {
        let (mut world, lock, [a, b]) = held(make);
        world.on(b, &lock, ObjectCall::Acquire(world.within(5)));
        for _ in 0..2 {
            world.let_go(&lock);
            assert_eq!(world.told(), []);
        }
        world.let_go(&lock);
        let told = world.told();
        assert!(told[0].0 == b && told[0].1.starts_with("no object"), "{told:?}");
        assert!(world.on(a, &lock, RELEASE).starts_with("no object"));
        world.after(secs(9));
        world.end(a);
        world.end(b);
        assert_eq!((world.told(), freed(&world)), (vec![], vec![]));
    }
}

#[test]
fn a_condition_that_ends_tells_all_who_wait_for_notice() {
    let (mut world, condition, [a, b]) = held(Make::Condition);
    world.on(a, &condition, WAIT);
    world.on(b, &condition, ACQUIRE);
    let until = world.now + secs(5);
    world.on(b, &condition, wait_until(until));
    for _ in 0..3 {
        world.let_go(&condition);
    }
    assert_eq!(world.told().iter().map(|(who, _)| *who).collect::<Vec<_>>(), [a, b]);
    world.after(secs(9));
    assert_eq!(world.told(), []);
}

#[test]
fn a_manager_that_stops_gives_a_lock_to_nobody_and_blames_nobody() {
    for make in ALL {
        let (mut world, lock, [a, b, _]) = held(make);
        world.on(b, &lock, ACQUIRE);
        world.state.stop();
        world.on(a, &lock, RELEASE);
        world.end(a);
        world.end(b);
        assert_eq!((world.told(), freed(&world)), (vec![], vec![]));
    }
}

#[test]
fn a_lock_with_a_name_outlives_its_references_and_is_freed_by_a_crash() {
    let mut world = World::limited(QueueOptions::default(), Limits::default());
    let id = world.state.register_object("printer", RLOCK).unwrap();
    let ident = world.state.create_on(id).unwrap();
    let lock = Shared { id, ident };
    let [a, b]: [SessionId; 2] = world.processes(&lock);
    world.on(a, &lock, ACQUIRE);
    for _ in 0..3 {
        world.let_go(&lock);
    }
    let other = Shared { id, ident: "printer:RLock.999".to_owned() };
    assert_eq!(world.on(b, &other, TRY), "False", "an ident of another run leads there");
    world.leave(a, &lock);
    assert_eq!(world.on(b, &other, TRY), "False", "he left in good order");
}

/// The client gave up at the very moment at which it was its turn: nobody heard of it.
#[test]
fn a_lock_or_permit_that_was_granted_and_not_told_goes_to_the_next() {
    for make in [LOCK, RLOCK, Make::Condition, Make::Semaphore { permits: 1, bounded: true }] {
        let has_holder = !matches!(make, Make::Semaphore { .. });
        let (mut world, object, [first, gone, next]) = held(make);
        assert_eq!(world.on(gone, &object, ACQUIRE), "waits");
        assert_eq!(world.on(next, &object, ACQUIRE), "waits");
        world.on(first, &object, RELEASE);
        let out = world.state.ungrant(gone, &Reply::Granted(object.id));
        let woken: Vec<SessionId> = out.woken.iter().map(|(session, _)| *session).collect();
        assert_eq!(woken, [next]);
        world.state.check();
        // To take back what has gone back already takes nothing from who has it now.
        if has_holder {
            assert!(world.state.ungrant(gone, &Reply::Granted(object.id)).woken.is_empty());
            assert_eq!(world.on(first, &object, TRY), "False");
        }
        assert_eq!(world.on(next, &object, RELEASE), "None");
        assert_eq!(world.on(first, &object, TRY), "True");
    }
}

/// A ghost that was notified would leave all others waiting.
#[test]
fn a_notice_to_one_who_is_gone_is_for_the_next() {
    let (mut world, condition, [first, gone, next]) = held(Make::Condition);
    for who in [gone, next] {
        world.on(first, &condition, RELEASE);
        assert_eq!(world.on(who, &condition, ACQUIRE), "True");
        assert_eq!(world.on(who, &condition, WAIT), "waits");
        assert_eq!(world.on(first, &condition, ACQUIRE), "True");
    }
    // It dies while it waits for the lock that the notifier still has.
    assert_eq!(world.on(first, &condition, NOTIFY), "None");
    world.state.end(world.now, gone);
    world.state.check();
    world.on(first, &condition, RELEASE);
    assert_eq!(world.on(next, &condition, RELEASE), "None", "it was notified and has the lock");

    // It was told at the very moment at which it died.
    assert_eq!(world.on(next, &condition, ACQUIRE), "True");
    assert_eq!(world.on(next, &condition, WAIT), "waits");
    let out = world.state.ungrant(first, &Reply::Notified(condition.id));
    let woken: Vec<SessionId> = out.woken.iter().map(|(session, _)| *session).collect();
    assert_eq!(woken, [next]);
}
