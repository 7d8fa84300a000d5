//! `Lock`, `RLock` and `Condition`: who has it, who is next, and what is told to whom.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{Make, ObjectCall, SessionId, Wait};
use support::objects::{ACQUIRE, RELEASE, Shared, TRY, WAIT, wait_until};
use support::{World, secs};

const LOCK: Make = Make::Lock { reentrant: false };
const RLOCK: Make = Make::Lock { reentrant: true };
const ALL: [Make; 3] = [LOCK, RLOCK, Make::Condition];
const NOTIFY: ObjectCall = ObjectCall::Notify(1);
const NOTIFY_ALL: ObjectCall = ObjectCall::Notify(usize::MAX);

/// An object and so many processes that share it.
fn scene<const N: usize>(make: Make) -> (World, Shared, [SessionId; N]) {
    let mut world = World::auto();
    let object = world.make(make);
    let processes = world.processes(&object);
    (world, object, processes)
}

fn yes(who: SessionId) -> Vec<(SessionId, String)> {
    vec![(who, "True".to_owned())]
}

fn no(who: SessionId) -> Vec<(SessionId, String)> {
    vec![(who, "False".to_owned())]
}

#[test]
fn a_lock_goes_round_in_order_of_arrival() {
    for make in ALL {
        let (mut world, lock, [a, b, c]) = scene(make);
        assert_eq!(world.on(a, &lock, ObjectCall::IsLocked), "False");
        assert_eq!(world.on(a, &lock, ACQUIRE), "True");
        assert_eq!(world.on(b, &lock, ACQUIRE), "waits");
        assert_eq!(world.on(c, &lock, ACQUIRE), "waits");
        for (holder, next) in [(a, b), (b, c), (c, a)] {
            assert_eq!(world.on(holder, &lock, RELEASE), "None");
            assert_eq!(world.told(), yes(next));
            assert_eq!(world.on(holder, &lock, TRY), "False", "it is the next one's at once");
            assert_eq!(world.on(holder, &lock, ACQUIRE), "waits");
            assert_eq!(world.on(next, &lock, ObjectCall::IsLocked), "True");
        }
    }
}

#[test]
fn a_wait_for_a_lock_ends_in_time_and_leaves_the_line() {
    for make in ALL {
        let (mut world, lock, [a, b, c]) = scene(make);
        assert_eq!(world.on(a, &lock, ACQUIRE), "True");
        let patience = world.within(5);
        assert_eq!(world.on(b, &lock, ObjectCall::Acquire(patience)), "waits");
        assert_eq!(world.on(c, &lock, ObjectCall::Acquire(world.within(10))), "waits");
        world.after(secs(4));
        assert_eq!(world.told(), []);
        world.after(secs(1));
        assert_eq!(world.told(), no(b));
        world.on(a, &lock, RELEASE);
        assert_eq!(world.told(), yes(c), "he is first now");
        world.after(secs(10));
        assert_eq!(world.told(), [], "whoever was served is not told again");
    }
}

#[test]
fn a_lock_may_be_released_by_anybody_and_taken_once() {
    let (mut world, lock, [a, b]) = scene(LOCK);
    assert_eq!(world.on(a, &lock, RELEASE), "release unlocked lock");
    assert_eq!(world.on(a, &lock, ACQUIRE), "True");
    assert_eq!(world.on(a, &lock, TRY), "False", "not even by its holder");
    assert_eq!(world.on(a, &lock, ACQUIRE), "waits");
    assert_eq!(world.on(b, &lock, RELEASE), "None");
    assert_eq!(world.told(), yes(a), "saved by another");
    assert_eq!(world.on(b, &lock, RELEASE), "None");
    assert_eq!(world.on(a, &lock, RELEASE), "release unlocked lock");
}

#[test]
fn an_rlock_is_its_owners_until_it_is_released_as_often_as_taken() {
    for make in [RLOCK, Make::Condition] {
        let (mut world, lock, [a, b]) = scene(make);
        assert_eq!(world.on(a, &lock, RELEASE), "cannot release un-acquired lock");
        for _ in 0..3 {
            assert_eq!(world.on(a, &lock, ACQUIRE), "True");
        }
        assert_eq!(world.on(b, &lock, RELEASE), "cannot release un-acquired lock");
        assert_eq!(world.on(b, &lock, ACQUIRE), "waits");
        assert_eq!(world.on(a, &lock, TRY), "True", "he who has it overtakes");
        for _ in 0..3 {
            world.on(a, &lock, RELEASE);
            assert_eq!(world.told(), []);
        }
        world.on(a, &lock, RELEASE);
        assert_eq!(world.told(), yes(b));
        assert_eq!(world.on(a, &lock, RELEASE), "cannot release un-acquired lock");
    }
}

#[test]
fn every_holding_has_a_greater_fence() {
    let (mut world, lock, [a, b]) = scene(RLOCK);
    let other = world.make(Make::Condition);
    let fence = |world: &mut World, who, of| -> u64 {
        world.on(who, of, ObjectCall::Fence).parse().expect("a number")
    };
    assert!(world.on(a, &lock, ObjectCall::Fence).starts_with("fence(): nobody holds the lock"));
    world.on(a, &lock, ACQUIRE);
    let first = fence(&mut world, a, &lock);
    world.on(a, &lock, ACQUIRE);
    assert_eq!(fence(&mut world, b, &lock), first, "the same holding, whoever asks");
    world.on(b, &other, ACQUIRE);
    let second = fence(&mut world, b, &other);
    assert!(second > first, "of another lock");
    world.on(b, &lock, ACQUIRE);
    world.end(a);
    let third = fence(&mut world, b, &lock);
    assert!(third > second, "after a crash");
    world.on(b, &other, wait_until(world.now));
    world.after(secs(0));
    assert!(fence(&mut world, b, &other) > third, "after a wait");
}

#[test]
fn a_condition_is_waited_on_and_notified_by_its_owner_only() {
    let (mut world, condition, [a, b]) = scene(Make::Condition);
    for who in [a, b] {
        assert_eq!(world.on(who, &condition, WAIT), "cannot wait on un-acquired lock");
        assert_eq!(world.on(who, &condition, NOTIFY), "cannot notify on un-acquired lock");
        world.on(a, &condition, ACQUIRE);
    }
}

/// A condition on which all of these wait, and which the first one has acquired.
fn waited_on<const N: usize>() -> (World, Shared, SessionId, [SessionId; N]) {
    let (mut world, condition, waiters) = scene(Make::Condition);
    for waiter in waiters {
        assert_eq!(world.on(waiter, &condition, ACQUIRE), "True");
        assert_eq!(world.on(waiter, &condition, WAIT), "waits");
    }
    let notifier = world.process("Notifier", &condition);
    assert_eq!(world.on(notifier, &condition, ACQUIRE), "True", "waiters do not have the lock");
    (world, condition, notifier, waiters)
}

#[test]
fn notice_goes_to_those_who_waited_longest_and_each_has_the_lock_first() {
    let (mut world, condition, notifier, [a, b, c, d]) = waited_on();
    assert_eq!(world.on(notifier, &condition, NOTIFY), "None");
    assert_eq!(world.on(notifier, &condition, ObjectCall::Notify(2)), "None");
    assert_eq!(world.told(), [], "the notifier still has the lock");
    world.on(notifier, &condition, RELEASE);
    for (who, next) in [(a, b), (b, c)] {
        assert_eq!(world.told(), yes(who));
        assert_eq!(world.on(who, &condition, RELEASE), "None");
        assert_eq!(world.woken[0].0, next);
    }
    assert_eq!(world.told(), yes(c));
    world.on(c, &condition, NOTIFY_ALL);
    world.on(c, &condition, NOTIFY_ALL);
    world.on(c, &condition, RELEASE);
    assert_eq!(world.told(), yes(d));
}

#[test]
fn notify_all_is_for_all_who_wait_and_for_nobody_who_comes_later() {
    let (mut world, condition, notifier, [a, b, c]) = waited_on();
    world.on(notifier, &condition, NOTIFY_ALL);
    assert_eq!(world.on(notifier, &condition, WAIT), "waits");
    for who in [a, b, c] {
        assert_eq!(world.told(), yes(who));
        world.on(who, &condition, RELEASE);
    }
    assert_eq!(world.told(), [], "the notifier waits himself");
}

/// Whoever was in line for the lock before the notice came is served before the notified.
#[test]
fn a_notified_waiter_gets_in_line_behind_those_who_wait_for_the_lock() {
    let (mut world, condition, notifier, [a]) = waited_on();
    let early = world.process("Early", &condition);
    world.on(early, &condition, ACQUIRE);
    world.on(notifier, &condition, NOTIFY);
    let late = world.process("Late", &condition);
    world.on(late, &condition, ACQUIRE);
    world.on(notifier, &condition, RELEASE);
    for (who, next) in [(early, a), (a, late)] {
        assert_eq!(world.told(), yes(who));
        world.on(who, &condition, RELEASE);
        assert_eq!(world.woken[0].0, next);
    }
}

#[test]
fn a_wait_for_notice_that_is_too_long_takes_the_lock_again() {
    let (mut world, condition, [a, b]) = scene(Make::Condition);
    for _ in 0..2 {
        world.on(a, &condition, ACQUIRE);
    }
    let until = world.now + secs(5);
    assert_eq!(world.on(a, &condition, wait_until(until)), "waits");
    world.after(secs(5));
    assert_eq!(world.told(), no(a));
    assert_eq!(world.on(b, &condition, TRY), "False", "he has the lock");
    assert_eq!(world.on(a, &condition, RELEASE), "None");
    assert_eq!(world.on(b, &condition, TRY), "False", "as often as he had it");
    assert_eq!(world.on(a, &condition, RELEASE), "None");
    // And where another has it, he is told only when he is done.
    world.on(a, &condition, ACQUIRE);
    let until = world.now + secs(5);
    world.on(a, &condition, wait_until(until));
    world.on(b, &condition, ACQUIRE);
    world.after(secs(9));
    assert_eq!(world.told(), []);
    world.on(b, &condition, NOTIFY);
    world.on(b, &condition, RELEASE);
    assert_eq!(world.told(), no(a), "the notice came too late for him");
}

#[test]
fn notice_that_came_in_time_counts_however_late_the_lock_is_free() {
    let (mut world, condition, [a, b]) = scene(Make::Condition);
    world.on(a, &condition, ACQUIRE);
    let until = world.now + secs(5);
    world.on(a, &condition, wait_until(until));
    world.on(b, &condition, ACQUIRE);
    world.on(b, &condition, NOTIFY);
    world.after(secs(9));
    assert_eq!(world.told(), []);
    world.on(b, &condition, RELEASE);
    assert_eq!(world.told(), yes(a));
}

#[test]
fn whoever_was_notified_has_the_lock_as_often_as_before() {
    let (mut world, condition, [a, b]) = scene(Make::Condition);
    for _ in 0..3 {
        world.on(a, &condition, ACQUIRE);
    }
    world.on(a, &condition, WAIT);
    world.on(b, &condition, ACQUIRE);
    world.on(b, &condition, NOTIFY);
    world.on(b, &condition, RELEASE);
    assert_eq!(world.told(), yes(a));
    for _ in 0..3 {
        assert_eq!(world.on(b, &condition, TRY), "False");
        assert_eq!(world.on(a, &condition, RELEASE), "None");
    }
    assert_eq!(world.on(b, &condition, TRY), "True");
}

#[test]
fn a_wait_of_no_time_lets_those_in_line_have_the_lock_first() {
    let (mut world, condition, [a, b]) = scene(Make::Condition);
    let no_time = ObjectCall::Wait(Some(Wait::No));
    world.on(a, &condition, ACQUIRE);
    assert_eq!(world.on(a, &condition, no_time.clone()), "False");
    assert_eq!(world.on(b, &condition, TRY), "False", "he has it still");
    world.on(b, &condition, ACQUIRE);
    assert_eq!(world.on(a, &condition, no_time), "waits");
    assert_eq!(world.told(), yes(b));
    world.on(b, &condition, RELEASE);
    assert_eq!(world.told(), no(a));
}

#[test]
fn a_call_that_no_lock_has_is_refused() {
    for make in ALL {
        let is_condition = matches!(make, Make::Condition);
        let kind = make.kind().name();
        let (mut world, lock, [a]) = scene(make);
        assert_eq!(world.on(a, &lock, ObjectCall::Set), format!("a {kind} has no such method"));
        assert_eq!(world.on(a, &lock, ObjectCall::Show), format!("<{kind}>"));
        let waited = world.on(a, &lock, WAIT);
        assert_eq!(waited.ends_with("has no such method"), !is_condition, "{waited}");
    }
}
