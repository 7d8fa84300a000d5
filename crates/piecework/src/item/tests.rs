//! What a type looks like to Python, and back.

use std::collections::BTreeMap;

use piecework_wire::{Payload, Value};
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Order {
    id: u64,
    note: Option<String>,
    at: (f64, f32),
    kind: Kind,
    more: Vec<Kind>,
    by_name: BTreeMap<String, Wrapped>,
    done: (),
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Wrapped(char);

#[derive(Debug, Deserialize, PartialEq, Serialize)]
enum Kind {
    Plain,
    One(bool),
    Two(i8, i8),
    Named { from: u16 },
}

fn python(item: &impl Serialize) -> String {
    to_payload(item).unwrap().value().unwrap().to_string()
}

fn back<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    from_payload(&Payload::from_value(value)).map_err(|error| error.to_string())
}

#[test]
fn what_is_said_is_read_again() {
    let order = Order {
        id: u64::MAX,
        note: Some("ü".into()),
        at: (0.5, -1.5),
        kind: Kind::Plain,
        more: vec![Kind::One(true), Kind::Two(-1, 2), Kind::Named { from: 7 }],
        by_name: BTreeMap::from([("a".into(), Wrapped('b'))]),
        done: (),
    };
    let shown = "{'id': 18446744073709551615, 'note': 'ü', 'at': (0.5, -1.5), 'kind': 'Plain', \
                 'more': [{'One': True}, {'Two': (-1, 2)}, {'Named': {'from': 7}}], \
                 'by_name': {'a': 'b'}, 'done': None}";
    assert_eq!(python(&order), shown);
    assert_eq!(from_payload::<Order>(&to_payload(&order).unwrap()).unwrap(), order);
}

#[test]
fn ints_of_any_size_that_rust_has() {
    fn both<T: Copy + std::fmt::Debug + DeserializeOwned + PartialEq + Serialize>(ints: &[T]) {
        for &int in ints {
            assert_eq!(from_payload::<T>(&to_payload(&int).unwrap()).unwrap(), int);
        }
    }
    both(&[0, 1, -1, i64::MIN, i64::MAX]);
    both(&[0, 1 << 63, u64::MAX]);
    both(&[0, -1, i128::MIN, i128::MAX, 1 << 64, -(1 << 64), 1 << 63]);
    both(&[0, 1 << 64, (1_u128 << 127) - 1, u128::MAX]);
    assert_eq!(back::<f64>(&Value::Int(3)), Ok(3.0));
}

#[test]
fn python_s_own_shapes_are_read() {
    let list = Value::Tuple(vec![Value::Int(1), Value::Int(2)]);
    assert_eq!(back::<Vec<u8>>(&list), Ok(vec![1, 2]));
    assert_eq!(back::<(u8, i64)>(&list), Ok((1, 2)));
    assert_eq!(back::<Vec<u8>>(&Value::Bytes(vec![7, 8])), Ok(vec![7, 8]));
    assert_eq!(back::<Option<bool>>(&Value::None), Ok(None));
    let dict = Value::Dict(vec![(Value::Int(1), Value::Str("a".into()))]);
    assert_eq!(back::<BTreeMap<u32, String>>(&dict), Ok(BTreeMap::from([(1, "a".to_owned())])));
}

#[test]
fn a_mismatch_shows_both() {
    let error = back::<u64>(&Value::Str("a".repeat(300))).unwrap_err();
    let shown = format!("cannot read 'a{}… as a u64: invalid type: string", "a".repeat(198));
    assert!(error.starts_with(&shown), "{error}");
    let error = back::<u8>(&Value::Int(256)).unwrap_err();
    let shown = "cannot read 256 as a u8: invalid value: integer `256`, expected u8";
    assert!(error.starts_with(shown), "{error}");
    let error = back::<(u8, u8)>(&Value::List(vec![Value::Int(1)])).unwrap_err();
    assert!(error.starts_with("cannot read [1] as a (u8, u8): invalid length 1"), "{error}");
    let error = back::<Kind>(&Value::Int(1)).unwrap_err();
    assert!(error.contains("an enum is the name of a variant"), "{error}");
}

/// Whatever is in between, the bytes are those of the value, and read at once as by way of it.
#[test]
fn the_short_way_says_what_the_long_way_says() {
    fn both<T: std::fmt::Debug + DeserializeOwned + PartialEq + Serialize>(item: &T) {
        let payload = to_payload(item).unwrap();
        assert_eq!(payload, Payload::from_value(&payload.value().unwrap()), "{item:?}");
        assert_eq!(&direct::decode::<T>(payload.as_bytes()).unwrap(), item);
        assert_eq!(&decode::<T>(&payload).unwrap(), item);
    }
    for len in [0, 1, 999, 1_000, 1_001, 2_500] {
        both(&(0..len).collect::<Vec<u64>>());
        both(&(0..len).map(|key| (key, (key, ()))).collect::<BTreeMap<u64, _>>());
    }
    both(&((), (1_u8,), (1_u8, 2_i8), [1_u16, 2, 3], (1_i64, "a".to_owned(), None::<f32>, 0.5)));
    both(&vec![Kind::Plain, Kind::One(true), Kind::Two(-1, 2), Kind::Named { from: 7 }]);
    both(&vec![Some('ü'), None]);
    both(&(Wrapped('c'), vec![vec![(1_u8, 2_u8); 3]; 2], [0_i128; 5], u64::MAX >> 1));
}

/// Who does not know what comes cannot read a short tuple at once; nothing is mistaken for it.
#[test]
fn what_cannot_be_read_at_once_is_read_all_the_same() {
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    #[serde(untagged)]
    enum Any {
        Int(i64),
        Pair(i64, i64),
        List(Vec<Self>),
    }
    let one = || Any::Pair(1, 2);
    for any in [Any::Int(1), one(), Any::List(vec![]), Any::List(vec![Any::Int(1), one(), one()])] {
        let payload = to_payload(&(&any, 7)).unwrap();
        assert_eq!(from_payload::<(Any, i64)>(&payload).unwrap(), (any, 7));
    }
    let short = to_payload(&(1, 2)).unwrap();
    assert!(direct::decode::<(i64,)>(short.as_bytes()).is_err());
    assert!(direct::decode::<i64>(short.as_bytes()).is_err());
    let mut deep = Value::None;
    for _ in 0..120 {
        deep = Value::List(vec![deep]);
    }
    let deep = Payload::from_value(&deep);
    assert!(direct::decode::<serde::de::IgnoredAny>(deep.as_bytes()).is_err());
    assert!(from_payload::<serde::de::IgnoredAny>(&deep).is_ok());
}
