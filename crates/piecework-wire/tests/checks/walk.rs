//! The walk over a pickle: it ends, and what it takes for a pickle is one when it is read again.
use bytes::{Bytes, BytesMut};
use piecework_wire::{Payload, Policy, Reply, Value, reply};

/// The most elements that are asked for.
const ELEMENTS_MAX: usize = 100;

/// The bytes as a pickle, as a reply, and as a payload from a store.
pub fn check(data: &[u8]) {
    if let Ok(payload) = Payload::from_pickle(data) {
        stands_alone(&payload);
    }
    if let Ok(reply) = Reply::parse(Bytes::copy_from_slice(data)) {
        read(&reply);
    }
    if let Ok(payload) = Payload::from_bytes(Bytes::copy_from_slice(data)) {
        // Nobody has walked over it: it may hold anything, and is only not to bring us down.
        look_at(&payload);
        let mut out = BytesMut::new();
        reply::returned_payloads(&mut out, &[payload.clone(), payload.clone()]);
        reply::returned_payload(&mut out, &payload);
        let _ = Payload::from_pickle(&payload.to_pickle());
    }
}

/// A payload that was lifted is one for good: it is bounded, can be stored, and read again.
pub(super) fn stands_alone(payload: &Payload) {
    let stored = Payload::from_bytes(payload.clone().into_bytes());
    assert_eq!(stored.as_ref(), Ok(payload), "it cannot be stored");
    let again = Payload::from_pickle(&payload.to_pickle());
    assert_eq!(again.as_ref().map(Payload::body), Ok(payload.body()), "lifted twice, it differs");
    assert_eq!(again.as_ref(), Ok(payload), "lifted twice, its header differs");
    look_at(payload);
}

/// Everything that only looks at a payload.
fn look_at(payload: &Payload) {
    let _ = payload.class_name();
    let _ = Policy::data().check(payload);
    if let Ok(value) = payload.value() {
        let written = Payload::from_value(&value);
        let read = written.value().expect("what we write, we read");
        assert!(same(&read, &value), "a value changes when it is written");
    }
}

fn read(reply: &Reply) {
    let Reply::Return(returned) = reply else { return };
    let (value, payload) = (returned.value(), returned.payload());
    if let (Ok(value), Ok(payload)) = (&value, &payload) {
        assert!(payload.value().is_ok_and(|lifted| same(&lifted, value)), "lifting changes it");
    }
    if let Ok(payload) = payload {
        stands_alone(&payload);
    }
    for payload in returned.elements(ELEMENTS_MAX).unwrap_or_default() {
        stands_alone(&payload);
    }
    for lease in returned.leases(ELEMENTS_MAX).unwrap_or_default() {
        stands_alone(&lease.payload);
    }
    let _ = returned.created();
}

/// Whether two values are the same to the bit: unlike Python's equality, NaN is NaN, and 1 not 1.0.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    let all = |one: &[Value], other: &[Value]| {
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
    };
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
        (Value::List(one), Value::List(other)) | (Value::Tuple(one), Value::Tuple(other)) => {
            all(one, other)
        }
        (Value::Dict(one), Value::Dict(other)) => {
            let pairs = one.iter().zip(other);
            one.len() == other.len() && { pairs }.all(|(a, b)| same(&a.0, &b.0) && same(&a.1, &b.1))
        }
        _ => std::mem::discriminant(one) == std::mem::discriminant(other) && one == other,
    }
}
