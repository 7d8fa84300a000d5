//! Objects that are kept: what comes back after a restart is what was there, whatever was called;
//! and what is said of a change is no more than the change. After every call of the tests of
//! containers the records come to what there is (`World::note`); here are lives made for it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use bytes::Bytes;
use piecework_state::{
    Call, DictCall, Kind, Limits, ListCall, Loading, Make, NamespaceCall, ObjectCall, Outcome,
    Record, Slice, State, StateError, Wait,
};
use support::World;
use support::containers::{One, bytes, key, value};
use support::random::Random;

const SEEDS: u64 = 200;
const STEPS: u64 = 100;

/// Bytes compare as they are.
fn ordered(value: &Bytes) -> Result<Box<[u8]>, StateError> {
    Ok(value[..].into())
}

fn comparable(_: &[u8], _: &[u8]) -> Result<(), StateError> {
    Ok(())
}

/// A call that changes a list, as a rule.
fn list_call(random: &mut Random) -> ListCall {
    let at = random.below(10) as i64 - 5;
    let one = value(&random.below(100).to_string());
    let slice = Slice {
        start: Some(at),
        stop: Some(at + random.below(4) as i64),
        step: (random.below(2) == 0).then_some(2),
    };
    match random.below(16) {
        0..=2 => ListCall::Append(one),
        3..=5 => ListCall::Insert(at, one),
        6 => ListCall::Extend(vec![one; random.below(4) as usize]),
        7 => ListCall::Set(at, one),
        8 => ListCall::Delete(at),
        9 => ListCall::Pop(-1),
        10 => ListCall::SetSlice(slice, vec![one; random.below(3) as usize]),
        11 => ListCall::DeleteSlice(slice),
        12 => ListCall::Reverse,
        13 => ListCall::Sort { reverse: random.below(2) == 0, key: ordered, comparable },
        14 => ListCall::TimesInPlace(random.below(3) as i64),
        _ => ListCall::Remove(one, support::containers::same),
    }
}

fn dict_call(random: &mut Random) -> DictCall {
    let name = random.one_of(&["a", "b", "c", "1", "1.0", "nan"]);
    let one = value(&random.below(100).to_string());
    match random.below(9) {
        0..=3 => DictCall::Set(key(name), one),
        4 => DictCall::Delete(key(name)),
        5 => DictCall::PopItem,
        6 => DictCall::SetDefault(key(name), one),
        7 => DictCall::Update { entries: vec![(key(name), one); 2], told: false },
        _ if random.below(4) == 0 => DictCall::Clear,
        _ => DictCall::Pop(key(name), Some(one)),
    }
}

/// What a manager has that starts with what this one has kept.
fn again(state: &State) -> State {
    let mut loading = Loading::new(1, Limits::default());
    state.kept().into_iter().for_each(|record| loading.add(record).unwrap());
    let again = loading.finish();
    again.check();
    again
}

fn live(make: &Make, mut call: impl FnMut(&mut Random) -> ObjectCall) {
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let mut one = One::new(make.clone());
        for _ in 0..STEPS {
            one.on(call(&mut random));
            if random.below(20) == 0 {
                // The next calls are about what came back.
                let mut back = One::of(again(&one.world.state));
                assert_eq!(back.shown(), one.shown(), "seed {seed}");
                one = back;
            }
        }
    }
}

#[test]
fn a_list_comes_back_whatever_was_done_to_it() {
    live(&Make::List(bytes("ab")), |random| ObjectCall::List(list_call(random)));
}

#[test]
fn a_dict_comes_back_whatever_was_done_to_it() {
    live(&Make::Dict(vec![(key("a"), value("1"))]), |random| ObjectCall::Dict(dict_call(random)));
}

#[test]
fn values_and_names_come_back() {
    let names = Make::Namespace(vec![("a".to_owned(), value("1"))]);
    live(&names, |random| {
        let name = random.one_of(&["a", "b", "c"]).to_owned();
        ObjectCall::Namespace(match random.below(3) {
            0 => NamespaceCall::Delete(name),
            _ => NamespaceCall::Set(name, value(&random.below(100).to_string())),
        })
    });
    let cell = Make::Value { typecode: value("i"), value: value("0") };
    live(&cell, |random| ObjectCall::Put(value(&random.below(100).to_string())));
}

/// How many records the calls come to, and with how many rows in all.
fn said(one: &mut One, calls: impl IntoIterator<Item = ObjectCall>) -> (usize, usize) {
    let before = one.world.records.len();
    calls.into_iter().for_each(|call| drop(one.on(call)));
    let new = &one.world.records[before..];
    let rows = |record: &Record| match record {
        Record::Rows { rows, .. } => rows.len(),
        Record::RowsGone(_, places) => places.len(),
        _ => 0,
    };
    (new.len(), new.iter().map(rows).sum())
}

#[test]
fn a_change_is_said_and_no_more() {
    let letters: String = ('a'..='z').cycle().take(1_000).collect();
    let mut list = One::new(Make::List(bytes(&letters)));
    for call in [
        ListCall::Append(value("1")),
        ListCall::Insert(0, value("1")),
        ListCall::Insert(500, value("1")),
        ListCall::Set(7, value("1")),
        ListCall::Delete(9),
        ListCall::Pop(-1),
    ] {
        assert_eq!(said(&mut list, [ObjectCall::List(call)]), (1, 1));
    }
    let looks = [ListCall::Len, ListCall::Copy, ListCall::Get(1), ListCall::Get(10_000)];
    assert_eq!(said(&mut list, looks.map(ObjectCall::List)), (0, 0));
    let all = said(&mut list, [ObjectCall::List(ListCall::Reverse)]);
    assert_eq!(all, (2, 1_001), "emptied, and all of it anew");
    let mut dict = One::new(Make::Dict(Vec::new()));
    let sets = (0..10).map(|n| ObjectCall::Dict(DictCall::Set(key("a"), value(&n.to_string()))));
    assert_eq!(said(&mut dict, sets), (10, 10));
    let update = DictCall::Update { entries: vec![(key("b"), value("1")); 5], told: false };
    assert_eq!(said(&mut dict, [ObjectCall::Dict(update)]), (1, 5));
}

#[test]
fn what_has_no_name_and_what_is_not_kept_leave_nothing() {
    let mut world = World::auto();
    let before = world.records.len();
    let loose = world.make(Make::Dict(Vec::new()));
    let id = world.state.register_object("passing", Make::List(Vec::new())).unwrap();
    let lock = world.keep("lock", Make::Lock { reentrant: false });
    let session = world.thread("MainProcess", &loose);
    world.on(session, &loose, ObjectCall::Dict(DictCall::Set(key("a"), value("1"))));
    world.call(session, Call::Object(id, ObjectCall::List(ListCall::Append(value("1")))));
    world.on(session, &lock, ObjectCall::Acquire(Wait::No));
    assert_eq!(world.records.len(), before);
    assert_eq!(world.state.kept_objects(), []);
}

#[test]
fn where_the_disk_is_full_what_frees_room_goes_on() {
    let mut one = One::new(Make::List(bytes("cab")));
    one.world.state.set_room(2);
    let full = "disk is full";
    assert!(one.list(ListCall::Append(value("long"))).contains(full));
    assert!(one.list(ListCall::Reverse).contains(full), "it writes all of it anew");
    assert_eq!(one.list(ListCall::Append(value("d"))), "None");
    assert_eq!(one.list(ListCall::Pop(0)), "c");
    assert_eq!(one.list(ListCall::Clear), "None");
}

#[test]
fn an_object_that_comes_back_has_its_name_and_new_ones_have_other_numbers() {
    let mut world = World::auto();
    let table = world.keep("table", Make::Dict(vec![(key("a"), value("1"))]));
    let mut again = again(&world.state);
    assert_eq!(again.kept_objects(), [("table", table.id, Kind::Dict)]);
    let fresh = again.keep_object("other", Make::List(Vec::new()), &mut Outcome::default());
    assert!(fresh.unwrap() > table.id);
}

#[test]
fn what_came_back_is_no_news() {
    for (make, call) in [
        (Make::List(bytes("abc")), ObjectCall::List(ListCall::Append(value("d")))),
        (Make::Dict(vec![(key("a"), value("1"))]), ObjectCall::Dict(DictCall::Delete(key("a")))),
    ] {
        let mut back = One::of(again(&One::new(make).world.state));
        assert_eq!(said(&mut back, [call]), (1, 1));
    }
}
