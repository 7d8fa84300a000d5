//! `Semaphore`, `BoundedSemaphore`, `Event` and `Barrier`: who may pass, and when.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{Call, Make, ObjectCall, Peer, SessionId, Wait};
use std::time::Duration;
use support::objects::{ACQUIRE, RELEASE, Shared, TRY, WAIT, wait_until};
use support::{World, secs};

const NOW: ObjectCall = ObjectCall::Wait(Some(Wait::No));
const BROKEN: &str = "the barrier is broken";

/// An object and so many processes that share it.
fn scene<const N: usize>(make: Make) -> (World, Shared, [SessionId; N]) {
    let mut world = World::auto();
    let object = world.make(make);
    let processes = world.processes(&object);
    (world, object, processes)
}

fn semaphore(permits: u64) -> Make {
    Make::Semaphore { permits, bounded: false }
}

fn bounded(permits: u64) -> Make {
    Make::Semaphore { permits, bounded: true }
}

fn barrier(parties: u64) -> Make {
    Make::Barrier { parties, patience: None }
}

fn all(who: &[SessionId], told: &str) -> Vec<(SessionId, String)> {
    who.iter().map(|&who| (who, told.to_owned())).collect()
}

#[test]
fn permits_go_to_those_who_came_first() {
    for make in [semaphore(2), bounded(2)] {
        let (mut world, semaphore, [a, b, c, d]) = scene(make);
        assert_eq!(world.on(a, &semaphore, ObjectCall::IsLocked), "False");
        assert_eq!(world.on(a, &semaphore, ACQUIRE), "True");
        assert_eq!(world.on(a, &semaphore, TRY), "True", "as often as there are permits");
        assert_eq!(world.on(b, &semaphore, ObjectCall::IsLocked), "True");
        assert_eq!(world.on(b, &semaphore, TRY), "False");
        for who in [b, c, d] {
            assert_eq!(world.on(who, &semaphore, ACQUIRE), "waits");
        }
        assert_eq!(world.on(a, &semaphore, RELEASE), "None");
        assert_eq!(world.told(), all(&[b], "True"));
        assert_eq!(world.on(a, &semaphore, TRY), "False", "nobody overtakes");
        assert_eq!(world.on(a, &semaphore, ObjectCall::Release(1)), "None");
        assert_eq!(world.told(), all(&[c], "True"));
    }
}

#[test]
fn several_permits_at_once_serve_several() {
    let (mut world, semaphore, [a, b, c]) = scene(semaphore(0));
    world.on(a, &semaphore, ACQUIRE);
    world.on(b, &semaphore, ACQUIRE);
    assert_eq!(world.on(c, &semaphore, ObjectCall::Release(3)), "None");
    assert_eq!(world.told(), all(&[a, b], "True"));
    assert_eq!(world.on(c, &semaphore, TRY), "True");
    assert_eq!(world.on(c, &semaphore, TRY), "False");
}

#[test]
fn a_bounded_semaphore_has_no_more_permits_than_at_first() {
    let (mut world, semaphore, [a, b]) = scene(bounded(2));
    let too_often = "Semaphore released too many times";
    assert_eq!(world.on(a, &semaphore, RELEASE), too_often);
    world.on(a, &semaphore, ACQUIRE);
    assert_eq!(world.on(b, &semaphore, ObjectCall::Release(2)), too_often);
    assert_eq!(world.on(b, &semaphore, RELEASE), "None", "permits have no owner");
    assert_eq!(world.on(b, &semaphore, RELEASE), too_often);
    for permit in ["True", "True", "False"] {
        assert_eq!(world.on(a, &semaphore, TRY), permit, "what failed gave none");
    }
}

#[test]
fn a_wait_for_a_permit_ends_in_time_and_leaves_the_line() {
    let (mut world, semaphore, [a, b]) = scene(semaphore(0));
    world.on(a, &semaphore, ObjectCall::Acquire(world.within(5)));
    world.on(b, &semaphore, ObjectCall::Acquire(world.within(10)));
    world.after(secs(5));
    assert_eq!(world.told(), all(&[a], "False"));
    world.on(a, &semaphore, RELEASE);
    assert_eq!(world.told(), all(&[b], "True"));
    world.after(secs(10));
    assert_eq!(world.told(), []);
}

/// As in CPython: a permit is nobody's, so whoever crashes takes it along.
#[test]
fn the_end_of_a_session_gives_no_permit_back_and_takes_none() {
    let (mut world, semaphore, [a, b, c, d]) = scene(bounded(1));
    world.on(a, &semaphore, ACQUIRE);
    let thread = world.thread("Process-1|Thread-1", &semaphore);
    for who in [b, c, thread, d] {
        world.on(who, &semaphore, ACQUIRE);
    }
    world.end(a);
    world.end(b);
    world.leave(c, &semaphore);
    world.end(thread);
    assert_eq!(world.told(), []);
    let other = world.process("Other", &semaphore);
    world.on(other, &semaphore, RELEASE);
    assert_eq!(world.told(), all(&[d], "True"));
    world.on(other, &semaphore, ACQUIRE);
    world.give_up(other);
    world.on(d, &semaphore, RELEASE);
    assert_eq!(world.on(d, &semaphore, TRY), "True", "who gave up takes none either");
}

#[test]
fn an_event_lets_all_pass_until_it_is_cleared() {
    let (mut world, event, [a, b, c, d]) = scene(Make::Event);
    assert_eq!(world.on(a, &event, ObjectCall::IsSet), "False");
    assert_eq!(world.on(a, &event, NOW), "False");
    assert_eq!(world.on(a, &event, WAIT), "waits");
    let until = world.now + secs(5);
    assert_eq!(world.on(b, &event, wait_until(until)), "waits");
    assert_eq!(world.on(c, &event, WAIT), "waits");
    world.end(c);
    assert_eq!(world.on(d, &event, ObjectCall::Clear), "None");
    world.after(secs(5));
    assert_eq!(world.told(), all(&[b], "False"));
    assert_eq!(world.on(b, &event, WAIT), "waits");
    assert_eq!(world.on(d, &event, ObjectCall::Set), "None");
    assert_eq!(world.told(), all(&[a, b], "True"));
    for call in [NOW, WAIT, ObjectCall::IsSet] {
        assert_eq!(world.on(d, &event, call), "True");
    }
    world.on(d, &event, ObjectCall::Clear);
    assert_eq!(world.on(a, &event, ObjectCall::IsSet), "False");
    assert_eq!(world.on(a, &event, WAIT), "waits");
    world.give_up(a);
    world.on(d, &event, ObjectCall::Set);
    assert_eq!(world.told(), []);
}

#[test]
fn a_barrier_lets_all_pass_when_the_last_one_comes_and_numbers_them() {
    let (mut world, barrier, [a, b, c]) = scene(barrier(3));
    assert_eq!(world.on(a, &barrier, ObjectCall::Parties), "3");
    for round in 0..3 {
        assert_eq!(world.on(c, &barrier, ObjectCall::Waiting), "0");
        let (first, second) = if round == 1 { (b, a) } else { (a, b) };
        assert_eq!(world.on(first, &barrier, WAIT), "waits");
        assert_eq!(world.on(second, &barrier, WAIT), "waits");
        assert_eq!(world.on(c, &barrier, ObjectCall::Waiting), "2");
        assert_eq!(world.on(c, &barrier, NOW), "2", "the last one waits for nobody");
        assert_eq!(world.told(), [(first, "0".to_owned()), (second, "1".to_owned())]);
        assert_eq!(world.on(c, &barrier, ObjectCall::IsBroken), "False");
    }
}

#[test]
fn whoever_waits_too_long_breaks_the_barrier_for_all() {
    let (mut world, barrier, [a, b, c]) = scene(barrier(3));
    world.on(a, &barrier, WAIT);
    let until = world.now + secs(5);
    world.on(b, &barrier, wait_until(until));
    world.after(secs(5));
    assert_eq!(world.told(), all(&[a, b], BROKEN));
    assert_eq!(world.on(c, &barrier, ObjectCall::IsBroken), "True");
    assert_eq!(world.on(c, &barrier, ObjectCall::Waiting), "0");
    assert_eq!(world.on(c, &barrier, WAIT), BROKEN, "at once");
    assert_eq!(world.on(c, &barrier, ObjectCall::Reset), "None");
    assert_eq!(world.on(c, &barrier, ObjectCall::IsBroken), "False");
    world.on(a, &barrier, WAIT);
    assert_eq!(world.on(b, &barrier, NOW), BROKEN, "he cannot wait at all");
    assert_eq!(world.told(), all(&[a], BROKEN));
    assert_eq!(world.on(b, &barrier, ObjectCall::IsBroken), "True");
}

#[test]
fn a_barriers_own_patience_is_for_those_who_do_not_say() {
    let patience = Some(Duration::from_secs(3));
    let (mut world, barrier, [a, b]) = scene(Make::Barrier { parties: 3, patience });
    world.on(a, &barrier, ObjectCall::Wait(Some(Wait::Forever)));
    world.after(secs(9));
    assert_eq!(world.told(), []);
    world.on(b, &barrier, WAIT);
    world.after(secs(2));
    assert_eq!(world.told(), []);
    world.after(secs(1));
    assert_eq!(world.told(), all(&[a, b], BROKEN));
    let none = Make::Barrier { parties: 2, patience: Some(Duration::ZERO) };
    let (mut world, barrier, [a]) = scene(none);
    assert_eq!(world.on(a, &barrier, WAIT), BROKEN);
}

#[test]
fn abort_is_for_good_and_reset_is_not() {
    let (mut world, barrier, [a, b, c]) = scene(barrier(3));
    for (call, broken) in [(ObjectCall::Abort, "True"), (ObjectCall::Reset, "False")] {
        world.on(a, &barrier, ObjectCall::Reset);
        world.on(a, &barrier, WAIT);
        world.on(b, &barrier, WAIT);
        assert_eq!(world.on(c, &barrier, call), "None");
        assert_eq!(world.told(), all(&[a, b], BROKEN));
        assert_eq!(world.on(c, &barrier, ObjectCall::IsBroken), broken);
        assert_eq!(world.on(c, &barrier, ObjectCall::Waiting), "0");
    }
}

/// CPython counts a client that died, and lets the others go on without it.
#[test]
fn whoever_is_gone_is_not_there() {
    let (mut world, barrier, [a, b, c, d]) = scene(barrier(3));
    let thread = world.thread("Process-1|Thread-1", &barrier);
    for (who, leaves) in [(a, false), (b, true), (thread, false)] {
        world.on(who, &barrier, WAIT);
        assert_eq!(world.on(d, &barrier, ObjectCall::Waiting), "1");
        if leaves {
            world.leave(who, &barrier)
        } else {
            world.end(who)
        }
        assert_eq!(world.on(d, &barrier, ObjectCall::Waiting), "0");
    }
    world.on(c, &barrier, WAIT);
    world.give_up(c);
    assert_eq!(world.on(d, &barrier, WAIT), "waits");
    assert_eq!(world.on(c, &barrier, WAIT), "waits");
    let other = world.process("Other", &barrier);
    assert_eq!(world.on(other, &barrier, WAIT), "2");
    assert_eq!(world.told(), [(d, "0".to_owned()), (c, "1".to_owned())]);
}

#[test]
fn a_wait_goes_on_when_its_connection_is_inherited() {
    let (mut world, barrier, [a, b]) = scene(barrier(2));
    let until = world.now + secs(5);
    world.on(a, &barrier, wait_until(until));
    let (heir, out) = world.state.hand_over(world.now, a, &barrier.ident).unwrap();
    assert!(world.note(out).is_none());
    assert_eq!(world.on(b, &barrier, ObjectCall::Waiting), "1");
    world.after(secs(5));
    assert_eq!(world.told(), all(&[heir], BROKEN));
    let event = world.make(Make::Event);
    world.on(b, &event, WAIT);
    let (heir, out) = world.state.hand_over(world.now, b, &event.ident).unwrap();
    assert!(world.note(out).is_none());
    let other = world.process("Other", &event);
    world.on(other, &event, ObjectCall::Set);
    assert_eq!(world.told(), all(&[heir], "True"));
}

#[test]
fn a_gate_that_ends_tells_all_who_wait() {
    for make in [semaphore(0), bounded(0), Make::Event, barrier(2)] {
        let waits = if matches!(make, Make::Semaphore { .. }) { ACQUIRE } else { WAIT };
        let (mut world, gate, [a]) = scene(make);
        assert_eq!(world.on(a, &gate, waits), "waits");
        world.let_go(&gate);
        world.let_go(&gate);
        let told = world.told();
        assert!(told.len() == 1 && told[0].1.starts_with("no object"), "{told:?}");
    }
}

/// Each of them is told once, in order, whether he is first, in the middle or last.
#[test]
fn a_thousand_wait() {
    let crowd = |world: &mut World, gate: &Shared, call: ObjectCall| -> Vec<SessionId> {
        let wait = |_| {
            let session = world.state.open(world.now, Peer::native("one of many"));
            let call = Call::Object(gate.id, call.clone());
            assert!(world.state.apply(world.now, session, call).reply.is_none());
            session
        };
        (0..1_000).map(wait).collect()
    };
    let calls = [
        (semaphore(0), ACQUIRE, ObjectCall::Release(1_000), "True"),
        (Make::Event, WAIT, ObjectCall::Set, "True"),
        (barrier(2_000), WAIT, ObjectCall::Abort, BROKEN),
    ];
    for (make, waits, opens, told) in calls {
        let (mut world, gate, [last]) = scene(make);
        let mut sessions = crowd(&mut world, &gate, waits);
        for at in [999, 500, 0] {
            let gone = sessions.remove(at);
            world.end(gone);
        }
        assert_eq!(world.on(last, &gate, opens), "None");
        assert_eq!(world.told(), all(&sessions, told));
    }
    let (mut world, barrier, [last]) = scene(barrier(1_001));
    let sessions = crowd(&mut world, &barrier, WAIT);
    assert_eq!(world.on(last, &barrier, WAIT), "1000");
    let places = sessions.into_iter().enumerate().map(|(place, who)| (who, place.to_string()));
    assert_eq!(world.told(), places.collect::<Vec<_>>());
}
