//! `list`, `dict`, `Value`, `Array`, `Namespace` and `Iterator`: what CPython's say, they say, and
//! their bytes add up.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use bytes::Bytes;
use piecework_state::{
    ArrayCall, DictCall, Key, ListCall, Make, NamespaceCall, ObjectCall, Payload, Reply, Shown,
    Slice, StateError,
};
use piecework_state::{Call, Kind};
use support::World;
use support::containers::{One, bytes, key, same, value};
use support::objects::Shared;

fn list(items: &str) -> One {
    One::new(Make::List(bytes(items)))
}

fn dict(keys: &str) -> One {
    let entries = keys.chars().map(|one| (key(&one.to_string()), value("v")));
    One::new(Make::Dict(entries.collect()))
}

/// Digits are numbers, all else is text; an upper case letter is where its lower case is.
fn ordered(value: &Bytes) -> Result<Box<[u8]>, StateError> {
    let kind = u8::from(value[0].is_ascii_digit());
    let lower = value.iter().map(u8::to_ascii_lowercase);
    Ok(std::iter::once(kind).chain(lower).collect())
}

fn comparable(a: &[u8], b: &[u8]) -> Result<(), StateError> {
    let message = "'<' not supported between these".to_owned();
    let clash = Err(StateError::Raised { class: "TypeError", message });
    if a.first() == b.first() { Ok(()) } else { clash }
}

fn slice(
    start: impl Into<Option<i64>>,
    stop: impl Into<Option<i64>>,
    step: impl Into<Option<i64>>,
) -> Slice {
    Slice { start: start.into(), stop: stop.into(), step: step.into() }
}

#[test]
fn a_list_is_indexed_as_pythons() {
    let mut one = list("abc");
    for (index, item) in [(0, "a"), (2, "c"), (-1, "c"), (-3, "a")] {
        assert_eq!(one.list(ListCall::Get(index)), item);
    }
    for index in [3, -4, i64::MAX, i64::MIN] {
        assert_eq!(one.list(ListCall::Get(index)), "list index out of range");
        let assignment = "list assignment index out of range";
        assert_eq!(one.list(ListCall::Set(index, value("x"))), assignment);
        assert_eq!(one.list(ListCall::Delete(index)), assignment);
        assert_eq!(one.list(ListCall::Pop(index)), "pop index out of range");
    }
    assert_eq!(one.list(ListCall::Set(-3, value("long"))), "None");
    assert_eq!(one.list(ListCall::Delete(1)), "None");
    assert_eq!(one.shown(), "[long, c]");
    assert_eq!(one.list(ListCall::Pop(-1)), "c");
    assert_eq!(one.list(ListCall::Pop(0)), "long");
    assert_eq!(one.list(ListCall::Pop(7)), "pop from empty list");
    assert_eq!(one.list(ListCall::Len), "0");
}

#[test]
fn a_list_grows_and_turns_as_pythons() {
    let mut one = list("");
    assert_eq!(one.list(ListCall::Append(value("b"))), "None");
    assert_eq!(one.list(ListCall::Insert(-99, value("a"))), "None");
    assert_eq!(one.list(ListCall::Insert(99, value("d"))), "None");
    assert_eq!(one.list(ListCall::Insert(-1, value("c"))), "None");
    assert_eq!(one.list(ListCall::Extend(bytes("ef"))), "None");
    assert_eq!(one.list(ListCall::Copy), "[a, b, c, d, e, f]");
    assert_eq!(one.list(ListCall::Plus(bytes("x"))), "[a, b, c, d, e, f, x]");
    assert_eq!(one.list(ListCall::Reversed), "reversed([a, b, c, d, e, f])");
    assert_eq!(one.list(ListCall::Reverse), "None");
    assert_eq!(one.shown(), "[f, e, d, c, b, a]");
    assert_eq!(one.list(ListCall::Clear), "None");
    assert_eq!(one.shown(), "[]");
}

#[test]
fn a_list_is_sliced_as_pythons() {
    let mut one = list("abcdef");
    assert_eq!(one.list(ListCall::GetSlice(slice(1, -1, 2))), "[b, d]");
    assert_eq!(one.list(ListCall::GetSlice(slice(None, None, -2))), "[f, d, b]");
    let zero = "slice step cannot be zero";
    assert_eq!(one.list(ListCall::GetSlice(slice(0, 3, 0))), zero);
    assert_eq!(one.list(ListCall::DeleteSlice(slice(0, 3, 0))), zero);
    assert_eq!(one.list(ListCall::SetSlice(slice(0, 3, 0), bytes("x"))), zero);
    let sizes = "attempt to assign sequence of size 1 to extended slice of size 2";
    assert_eq!(one.list(ListCall::SetSlice(slice(0, 3, 2), bytes("x"))), sizes);
    assert_eq!(one.shown(), "[a, b, c, d, e, f]", "what failed changed nothing");
    // What Python 3.11 makes of `l[...] = ...` and `del l[...]`, each of a new list.
    let set = |slice, values: &str| {
        let mut one = list("012345");
        assert_eq!(one.list(ListCall::SetSlice(slice, bytes(values))), "None");
        one.shown()
    };
    assert_eq!(set(slice(4, 2, None), "xy"), "[0, 1, 2, 3, x, y, 4, 5]");
    assert_eq!(set(slice(4, 2, 1), "x"), "[0, 1, 2, 3, x, 4, 5]");
    assert_eq!(set(slice(None, None, -2), "abc"), "[0, c, 2, b, 4, a]");
    assert_eq!(set(slice(1, 5, None), ""), "[0, 5]");
    assert_eq!(set(slice(-99, 99, None), "x"), "[x]");
    let deleted = |slice| {
        let mut one = list("012345");
        assert_eq!(one.list(ListCall::DeleteSlice(slice)), "None");
        one.shown()
    };
    assert_eq!(deleted(slice(None, None, -2)), "[0, 2, 4]");
    assert_eq!(deleted(slice(4, 2, None)), "[0, 1, 2, 3, 4, 5]");
    assert_eq!(deleted(slice(-2, None, None)), "[0, 1, 2, 3]");
}

#[test]
fn a_list_is_searched_by_what_python_takes_for_the_same() {
    let items = ["1", "a", "1.0", "nan", "?"].map(value).to_vec();
    let mut one = One::new(Make::List(items));
    let opaque = "a ? has no such method";
    assert_eq!(one.list(ListCall::Contains(value("1.0"), same)), "True");
    assert_eq!(one.list(ListCall::Contains(value("nan"), same)), "False");
    assert_eq!(one.list(ListCall::Contains(value("z"), same)), opaque, "nobody can ask the last");
    assert_eq!(one.list(ListCall::Contains(value("?"), same)), opaque);
    assert_eq!(one.list(ListCall::Count(value("1"), same)), opaque);
    assert_eq!(one.list(ListCall::Pop(-1)), "?");
    assert_eq!(one.list(ListCall::Count(value("1"), same)), "2");
    assert_eq!(one.list(ListCall::Count(value("nan"), same)), "0");
    let index = |what: &str, start, stop| ListCall::Index(value(what), start, stop, same);
    assert_eq!(one.list(index("1", 0, i64::MAX)), "0");
    assert_eq!(one.list(index("1", 1, i64::MAX)), "2");
    assert_eq!(one.list(index("1", -2, 99)), "2");
    assert_eq!(one.list(index("1", 1, 2)), "not in list");
    assert_eq!(one.list(index("a", -99, -3)), "not in list");
    let gone = one
        .world
        .call(one.session, Call::Object(one.object.id, ObjectCall::List(index("z", 0, 99))));
    let Some(Reply::Error(StateError::NotInList { value })) = gone else { panic!("{gone:?}") };
    assert_eq!(value, "z");
    let remove = |what: &str| ListCall::Remove(Bytes::copy_from_slice(what.as_bytes()), same);
    assert_eq!(one.list(remove("1.0")), "None");
    assert_eq!(one.shown(), "[a, 1.0, nan]");
    assert_eq!(one.list(remove("z")), "list.remove(x): x not in list");
}

#[test]
fn a_list_is_sorted_so_that_what_is_the_same_stays_in_order() {
    let mut one = list("bAaB");
    let sort = |reverse| ListCall::Sort { reverse, key: ordered, comparable };
    assert_eq!(one.list(sort(false)), "None");
    assert_eq!(one.shown(), "[A, a, b, B]");
    assert_eq!(one.list(sort(true)), "None");
    assert_eq!(one.shown(), "[b, B, A, a]");
    one.list(ListCall::Append(value("1")));
    assert!(one.list(sort(false)).starts_with("'<' not supported between"));
    assert_eq!(one.shown(), "[b, B, A, a, 1]");
}

#[test]
fn a_list_is_multiplied_up_to_a_bound() {
    let mut one = list("ab");
    assert_eq!(one.list(ListCall::Times(2)), "[a, b, a, b]");
    assert_eq!(one.list(ListCall::Times(-1)), "[]");
    assert!(one.list(ListCall::Times(i64::MAX)).contains("items in one list"));
    assert!(one.list(ListCall::TimesInPlace(10_000_000)).contains("items in one list"));
    assert_eq!(one.list(ListCall::TimesInPlace(3)), "None");
    assert_eq!(one.shown(), "[a, b, a, b, a, b]");
    assert_eq!(one.list(ListCall::TimesInPlace(0)), "None");
    assert_eq!(one.shown(), "[]");
}

#[test]
fn a_dict_keeps_its_keys_in_order_and_as_they_came() {
    let mut one = dict("ba");
    assert_eq!(one.dict(DictCall::Set(key("1"), value("x"))), "None");
    assert_eq!(one.dict(DictCall::Set(key("1.0"), value("longer"))), "None");
    assert_eq!(one.dict(DictCall::Set(key("b"), value("w"))), "None");
    assert_eq!(one.dict(DictCall::Copy), "{b: w, a: v, 1: longer}");
    assert_eq!(one.dict(DictCall::Delete(key("b"))), "None");
    assert_eq!(one.dict(DictCall::Set(key("b"), value("again"))), "None");
    assert_eq!(one.dict(DictCall::Keys), "[a, 1, b]");
    assert_eq!(one.dict(DictCall::Values), "[v, longer, again]");
    assert_eq!(one.dict(DictCall::Items), "[(a, v), (1, longer), (b, again)]");
    assert_eq!(one.dict(DictCall::Len), "3");
    let more = vec![(key("a"), value("1")), (key("c"), value("2")), (key("c"), value("3"))];
    assert_eq!(one.dict(DictCall::Update { entries: more, told: false }), "None");
    assert_eq!(one.shown(), "{a: 1, 1: longer, b: again, c: 3}");
    for pair in ["(c, 3)", "(b, again)", "(1, longer)", "(a, 1)"] {
        assert_eq!(one.dict(DictCall::PopItem), pair);
    }
    assert_eq!(one.dict(DictCall::PopItem), "popitem(): dictionary is empty");
    assert_eq!(one.dict(DictCall::Contains(key("1"))), "False");
    one.dict(DictCall::Set(key("1"), value("x")));
    assert_eq!(one.shown(), "{1: x}", "what was popped can come again");
    assert_eq!(one.dict(DictCall::Clear), "None");
    assert_eq!(one.dict(DictCall::Contains(key("1"))), "False");
    assert_eq!(one.shown(), "{}");
}

#[test]
fn a_dict_answers_for_keys_that_it_has_and_has_not() {
    let mut one = dict("a");
    let default = Some(value("default"));
    assert_eq!(one.dict(DictCall::Item(key("a"))), "v");
    assert_eq!(one.dict(DictCall::Get(key("a"), default.clone())), "v");
    assert_eq!(one.dict(DictCall::Get(key("z"), default.clone())), "default");
    assert_eq!(one.dict(DictCall::Get(key("z"), None)), "None");
    assert_eq!(one.dict(DictCall::Contains(key("a"))), "True");
    assert_eq!(one.dict(DictCall::Contains(key("z"))), "False");
    for call in
        [DictCall::Item(key("z")), DictCall::Delete(key("z")), DictCall::Pop(key("z"), None)]
    {
        let call = Call::Object(one.object.id, ObjectCall::Dict(call));
        let reply = one.world.call(one.session, call);
        let Some(Reply::Error(StateError::KeyMissing { key })) = reply else { panic!() };
        assert_eq!(key, "z");
    }
    assert_eq!(one.dict(DictCall::Pop(key("z"), default.clone())), "default");
    assert_eq!(one.dict(DictCall::SetDefault(key("a"), value("w"))), "v");
    assert_eq!(one.dict(DictCall::SetDefault(key("b"), value("w"))), "w");
    assert_eq!(one.dict(DictCall::Pop(key("a"), default)), "v");
    assert_eq!(one.shown(), "{b: w}");
}

#[test]
fn a_key_that_is_not_even_itself_is_another_one_each_time() {
    let mut one = dict("");
    for at in ["1", "2"] {
        assert_eq!(one.dict(DictCall::Set(key("nan"), value(at))), "None");
    }
    assert_eq!(one.dict(DictCall::Contains(key("nan"))), "False");
    assert_eq!(one.shown(), "{nan: 1, nan: 2}");
    assert_eq!(one.dict(DictCall::PopItem), "(nan, 2)");
    assert_eq!(one.dict(DictCall::Len), "1");
}

/// `iter(d)` of a dict, as a new object.
fn iterate(one: &mut One) -> Shared {
    let ident = one.dict(DictCall::Iterate);
    assert!(ident.starts_with(&format!(":{}.", Kind::Iterator.name())), "{ident}");
    one.world.shared(ident)
}

#[test]
fn an_iterator_gives_the_keys_one_by_one_and_ends_on_its_own() {
    let mut one = dict("ab");
    let (first, second) = (iterate(&mut one), iterate(&mut one));
    let next = |one: &mut One, of: &Shared| one.world.on(one.session, of, ObjectCall::Next);
    assert_eq!(next(&mut one, &first), "a");
    assert_eq!(next(&mut one, &second), "a");
    assert_eq!(next(&mut one, &first), "b");
    for _ in 0..2 {
        assert_eq!(next(&mut one, &first), "", "StopIteration says nothing");
    }
    one.world.let_go(&first);
    assert!(next(&mut one, &first).starts_with("no object"));
    one.dict(DictCall::Set(key("a"), value("new value")));
    assert_eq!(next(&mut one, &second), "b", "the keys are the same");
    let third = iterate(&mut one);
    one.dict(DictCall::Set(key("c"), value("v")));
    assert_eq!(next(&mut one, &third), "dictionary changed size during iteration");
    let fourth = iterate(&mut one);
    let object = one.object.clone();
    one.world.let_go(&object);
    assert_eq!(next(&mut one, &fourth), "a", "as if it still had the dict");
    let wrong = one.world.on(one.session, &fourth, ObjectCall::Get);
    assert_eq!(wrong, "a Iterator has no such method");
}

#[test]
fn a_value_is_what_was_set() {
    let mut one = One::new(Make::Value { typecode: value("i"), value: value("1") });
    assert_eq!(one.on(ObjectCall::Get), "1");
    assert_eq!(one.on(ObjectCall::Put(value("no number"))), "None");
    assert_eq!(one.on(ObjectCall::Get), "no number");
    assert_eq!(one.shown(), "Value(i, no number)");
    assert_eq!(one.list(ListCall::Len), "a Value has no such method");
}

/// Only digits are numbers.
fn digit(typecode: char, value: &Bytes) -> Result<Bytes, StateError> {
    let good = value[0].is_ascii_digit();
    let message = format!("no number for '{typecode}'");
    good.then(|| value.clone()).ok_or(StateError::Raised { class: "TypeError", message })
}

#[test]
fn an_array_is_a_list_of_numbers() {
    let mut one = One::new(Make::Array { typecode: 'i', values: bytes("123") });
    let array = |call| ObjectCall::Array(call);
    assert_eq!(one.on(array(ArrayCall::Get(-1))), "3");
    assert_eq!(one.on(array(ArrayCall::Get(3))), "array index out of range");
    assert_eq!(one.on(array(ArrayCall::Set(0, value("45"), digit))), "None");
    assert_eq!(one.on(array(ArrayCall::Set(0, value("x"), digit))), "no number for 'i'");
    let out = "array assignment index out of range";
    assert_eq!(one.on(array(ArrayCall::Set(3, value("1"), digit))), out);
    assert_eq!(one.on(array(ArrayCall::Set(3, value("x"), digit))), out, "seen first");
    let some = one.on(array(ArrayCall::GetSlice(slice(None, 2, None))));
    assert_eq!(some, "array('i', [45, 2])");
    assert_eq!(one.on(array(ArrayCall::Len)), "3");
    assert_eq!(one.shown(), "array('i', [45, 2, 3])");
}

#[test]
fn dicts_are_merged() {
    let mut one = dict("ab");
    let with = |letters: &str| -> Vec<(Key, Bytes)> {
        letters.chars().map(|letter| (key(&letter.to_string()), value("w"))).collect()
    };
    assert_eq!(one.dict(DictCall::Merged(with("bc"))), "{a: v, b: w, c: w}");
    assert_eq!(one.dict(DictCall::MergedInto(with("bc"))), "{b: v, c: w, a: v}");
    assert_eq!(
        one.dict(DictCall::FromKeys(vec![key("x"), key("1"), key("1.0")], value("y"))),
        "{x: y, 1: y}"
    );
    assert_eq!(one.dict(DictCall::Reversed), "iter([b, a])");
    assert_eq!(one.shown(), "{a: v, b: v}");
    let told = DictCall::Update { entries: with("c"), told: true };
    assert_eq!(one.dict(told), "{a: v, b: v, c: w}");
    assert_eq!(one.shown(), "{a: v, b: v, c: w}");
}

#[test]
fn a_slice_of_an_array_takes_numbers_of_its_typecode_only() {
    let mut one = One::new(Make::Array { typecode: 'i', values: bytes("1234") });
    let set = |slice, typecode, letters| {
        ObjectCall::Array(ArrayCall::SetSlice(slice, typecode, bytes(letters)))
    };
    let wrong = "bad argument type for built-in operation";
    assert_eq!(one.on(set(slice(0, 1, None), 'h', "9")), wrong);
    assert_eq!(one.on(set(slice(0, 1, None), 'i', "789")), "None");
    let size = "attempt to assign array of size 1 to extended slice of size 3";
    assert_eq!(one.on(set(slice(None, None, 2), 'i', "5")), size);
    assert_eq!(one.shown(), "array('i', [7, 8, 9, 2, 3, 4])");
}

#[test]
fn what_has_attributes_is_given_out_with_them() {
    let mut one = One::new(Make::Value { typecode: value("'i'"), value: value("7") });
    assert_eq!(one.on(ObjectCall::Whole), "Value(_typecode='i', _value=7)");
    let mut one = One::new(Make::Namespace(vec![("_a".to_owned(), value("1"))]));
    assert_eq!(one.on(ObjectCall::Whole), "Namespace(_a=1)");
}

#[test]
fn a_namespace_has_names() {
    let names = vec![("b".to_owned(), value("2")), ("b".to_owned(), value("longer"))];
    let mut one = One::new(Make::Namespace(names));
    let on = |one: &mut One, call| one.on(ObjectCall::Namespace(call));
    let name = "a".to_owned();
    let missing = "'Namespace' object has no attribute 'a'";
    assert_eq!(on(&mut one, NamespaceCall::Get(name.clone())), missing);
    assert_eq!(on(&mut one, NamespaceCall::Delete(name.clone())), missing);
    assert_eq!(on(&mut one, NamespaceCall::Set(name.clone(), value("1"))), "None");
    assert_eq!(on(&mut one, NamespaceCall::Get(name.clone())), "1");
    assert_eq!(one.shown(), "Namespace(a=1, b=longer)");
    assert_eq!(on(&mut one, NamespaceCall::Delete(name)), "None");
    assert_eq!(one.shown(), "Namespace(b=longer)");
}

/// What takes 100 bytes, in each kind of container.
fn hundred() -> Vec<Make> {
    let long = |len: usize| Bytes::from(vec![b'7'; len]);
    let key = Key { same: Some(Box::default()), bytes: long(40) };
    vec![
        Make::List(vec![long(60), long(40)]),
        Make::Dict(vec![(key, long(60))]),
        Make::Value { typecode: value("i"), value: long(99) },
        Make::Array { typecode: 'i', values: vec![long(50), long(50)] },
        Make::Namespace(vec![("a".repeat(30), long(70))]),
        Make::Set(vec![Key { same: Some(Box::default()), bytes: long(100) }]),
    ]
}

#[test]
fn the_bytes_of_a_container_are_the_managers_until_it_ends() {
    for make in hundred() {
        let mut one = One::limited(Make::Event, 100);
        for _ in 0..3 {
            let object = one.world.make(make.clone());
            one.world.state.check();
            for more in hundred() {
                let refused = one.world.state.create_object(more).unwrap_err();
                let class = "MemoryError";
                assert!(
                    matches!(&refused, StateError::Raised { class: c, .. } if *c == class),
                    "{refused}"
                );
            }
            let call = Call::put(one.world.task, Payload::opaque("x"));
            let put = one.world.call(one.session, call);
            assert!(matches!(put, Some(Reply::Error(StateError::FullBytes { .. }))), "{put:?}");
            let shown = one.world.on(one.session, &object, ObjectCall::Show);
            assert!(shown.len() > 100, "it is still read");
            one.world.let_go(&object);
            one.world.state.check();
        }
    }
}

#[test]
fn what_brings_too_many_bytes_is_refused_and_what_frees_some_is_not() {
    let mut one = One::limited(Make::List(bytes("abcdefgh")), 10);
    let full = "the manager holds";
    let long = || value("three");
    for call in [
        ListCall::Append(long()),
        ListCall::Insert(0, long()),
        ListCall::Extend(bytes("xyz")),
        ListCall::SetSlice(slice(0, 0, None), bytes("xyz")),
        ListCall::TimesInPlace(2),
        ListCall::TimesInPlace(i64::MAX),
    ] {
        let said = one.list(call.clone());
        assert!(said.starts_with(full) || said.contains("one list"), "{call:?}: {said}");
        assert_eq!(one.shown(), "[a, b, c, d, e, f, g, h]");
    }
    assert_eq!(one.list(ListCall::TimesInPlace(1)), "None");
    assert_eq!(one.list(ListCall::DeleteSlice(slice(4, None, None))), "None");
    assert_eq!(one.list(ListCall::TimesInPlace(2)), "None");
    assert_eq!(one.list(ListCall::Extend(bytes("xy"))), "None");
    assert!(one.list(ListCall::Append(value("z"))).starts_with(full));
    assert_eq!(one.list(ListCall::Clear), "None");
    assert_eq!(one.list(ListCall::Extend(bytes("0123456789"))), "None");
}

#[test]
fn an_iterator_has_bytes_of_its_own() {
    let entries = bytes("abc").into_iter().map(|letter| {
        let same = same(&letter).unwrap();
        (Key { same, bytes: letter }, value("v"))
    });
    let mut one = One::limited(Make::Dict(entries.collect()), 9);
    let first = iterate(&mut one);
    assert!(one.dict(DictCall::Iterate).starts_with("the manager holds 9 bytes"));
    let set = || DictCall::Set(key("a"), value("w"));
    assert_eq!(one.world.on(one.session, &first, ObjectCall::Next), "a");
    assert!(one.dict(set()).starts_with("the manager holds 8 bytes"), "it brings two");
    assert_eq!(one.world.on(one.session, &first, ObjectCall::Next), "b");
    assert_eq!(one.dict(set()), "None");
    one.world.let_go(&first);
    let second = iterate(&mut one);
    one.world.let_go(&second);
}

#[test]
fn what_an_object_holds_is_told_by_its_own_handle_and_by_no_name() {
    let mut world = World::auto();
    let list = world.make(Make::List(bytes("ab")));
    let named = world.keep("table", Make::Dict(vec![(key("a"), value("1"))]));
    let queue = world.state.create(world.task).unwrap();
    let held = |ident: &str| world.state.contents(ident);
    assert!(matches!(held(&list.ident), Some(Shown::List(items)) if items.len() == 2));
    assert!(matches!(held(&named.ident), Some(Shown::Dict(pairs)) if pairs.len() == 1));
    // Another manager may have an object of that name and kind, too.
    let other = named.ident.replace(|c: char| c.is_ascii_digit(), "9");
    let [_, number] = list.ident.rsplitn(2, '.').collect::<Vec<_>>()[..] else { panic!() };
    for ident in [&*other, "table:dict.", "table:dict", "", &*queue, number] {
        assert!(held(ident).is_none(), "{ident}");
    }
    let renamed = list.ident.replace(":list", ":dict");
    assert!(held(&renamed).is_none(), "{renamed}");
}
