//! Anonymous things whose clients were killed: they go with the last who could know them, and not
//! before.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use piecework_state::{Group, Limits, Make, Note, Outcome, Peer, QueueOptions, State, Time};
use std::collections::BTreeSet;

const OURS: Option<Group> = Some(Group(100));
const THEIRS: Option<Group> = Some(Group(200));

fn state() -> State {
    State::new(1, Limits::default())
}

/// An event that our group made.
fn made(state: &mut State) -> String {
    let ident = state.create_object(Make::Event).unwrap();
    state.knows(&ident, OURS);
    ident
}

/// These groups are gone; whether anything was forgotten.
fn gone<const N: usize>(state: &mut State, groups: [Group; N]) -> bool {
    let out = state.groups_gone(Time::default(), &BTreeSet::from(groups));
    out.notes.iter().any(|note| matches!(note, Note::Forgotten { .. }))
}

#[test]
fn an_object_goes_with_its_group() {
    let mut state = state();
    let ident = made(&mut state);
    assert_eq!(state.groups(), BTreeSet::from([Group(100)]));
    let out = state.groups_gone(Time::default(), &state.groups());
    assert_eq!(out.notes, [Note::Forgotten { ident }]);
    assert_eq!((state.handles(), state.groups()), (0, BTreeSet::new()));
}

#[test]
fn an_anonymous_queue_does_as_well() {
    let mut state = state();
    let ident = state.create_anonymous("Queue", QueueOptions::default()).unwrap();
    state.knows(&ident, OURS);
    assert!(!gone(&mut state, [Group(1)]) && gone(&mut state, [Group(100)]));
    assert!(state.incref(&ident).is_err());
}

#[test]
fn whoever_took_a_reference_or_used_it_may_know_it() {
    let mut state = state();
    let ident = made(&mut state);
    state.knows(&ident, THEIRS);
    assert!(!gone(&mut state, [Group(100)]));
    let third = Peer::stock("MainProcess", "host").of_group(Some(Group(300)));
    let session = state.open(Time::default(), third);
    state.resolve(Time::default(), session, &ident, &mut Outcome::default()).unwrap();
    assert!(!gone(&mut state, [Group(200)]));
    state.end(Time::default(), session);
    assert!(gone(&mut state, [Group(300)]));
}

#[test]
fn what_somebody_knows_of_whom_nobody_can_tell_stays() {
    let mut state = state();
    let ident = made(&mut state);
    state.knows(&ident, None);
    assert_eq!(state.groups(), BTreeSet::new());
    assert!(!gone(&mut state, [Group(100)]));
    assert!(state.incref(&ident).is_ok());
}

#[test]
fn what_was_put_somewhere_stays() {
    let mut state = state();
    let ident = made(&mut state);
    state.pin(&ident);
    assert_eq!(state.groups(), BTreeSet::new());
    assert!(!gone(&mut state, [Group(100)]));
}

#[test]
fn what_has_a_name_stays() {
    let mut state = state();
    let object = state.register_object("go", Make::Event).unwrap();
    let ident = state.create_on(object).unwrap();
    state.knows(&ident, OURS);
    assert_eq!(state.groups(), BTreeSet::new());
}
