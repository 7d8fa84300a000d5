//! What is the same to Python, by bytes: 1, 1.0 and True are one key of a dict, and `'1'` another.
//!
//! A value is a tag and what tells it from others of its kind. Numbers are as in keys that order
//! (`order.rs`), which are the same where the numbers are; a container is the number of its parts
//! and the parts, those of a dict in the order of their bytes.
//!
//! With a dict that is kept these bytes are kept as well, so they never change.

use super::order::{self, number};
use crate::limits::ORDER_BYTES_MAX;
use bytes::Bytes;
use piecework_state::StateError;
use piecework_wire::{Payload, Value};

const NONE: u8 = b'N';
const NUMBER: u8 = b'1';
const HUGE: u8 = b'H';
const STR: u8 = b's';
const BYTES: u8 = b'b';
const TUPLE: u8 = b't';
const LIST: u8 = b'l';
const DICT: u8 = b'd';

/// What a value is the same as; `None` for nothing, not even itself.
pub(crate) fn same(bytes: &Bytes) -> Result<Option<Box<[u8]>>, StateError> {
    let mut out = Vec::new();
    Ok(write(&mut out, &value(bytes)?).then(|| out.into()))
}

/// What orders a value.
pub(crate) fn ordered(bytes: &Bytes) -> Result<Box<[u8]>, StateError> {
    let payload = Payload::from_bytes(bytes.clone());
    let key = payload.map_err(|why| why.to_string()).and_then(|payload| order::key(&payload));
    key.map_err(|message| StateError::Raised { class: "TypeError", message })
}

/// That Python would order two values, by what orders them.
pub(crate) fn comparable(a: &[u8], b: &[u8]) -> Result<(), StateError> {
    order::compare(a, b).map_err(|message| StateError::Raised { class: "TypeError", message })
}

/// The value, if it is plain data.
fn value(bytes: &Bytes) -> Result<Value, StateError> {
    let payload = Payload::from_bytes(bytes.clone());
    payload.and_then(|payload| payload.value()).map_err(|why| StateError::Raised {
        class: "TypeError",
        message: format!(
            "{why}: it cannot be compared, as piecework runs none of its code; hint: None, bool, \
             numbers, str, bytes and tuples, lists and dicts of them are compared as in Python"
        ),
    })
}

/// Whether a value is hashable; else the name of what is not.
pub(crate) fn unhashable(value: &Value) -> Option<&'static str> {
    match value {
        Value::List(_) => Some("list"),
        Value::Dict(_) => Some("dict"),
        Value::Tuple(parts) => parts.iter().find_map(unhashable),
        _ => None,
    }
}

/// Appends a value; false if it is the same as nothing.
fn write(out: &mut Vec<u8>, value: &Value) -> bool {
    match value {
        Value::None => out.push(NONE),
        Value::Float(float) if float.is_nan() => return false,
        // Behind so many bytes, keys that order do not go on. No float is as large.
        Value::Big(bytes) if bytes.len() >= ORDER_BYTES_MAX => text(out, HUGE, bytes),
        Value::Bool(truth) => {
            out.push(NUMBER);
            number::write(out, false, &[u8::from(*truth)], 0);
        }
        Value::Int(int) => {
            out.push(NUMBER);
            number::write(out, *int < 0, &int.unsigned_abs().to_be_bytes(), 0);
        }
        Value::Big(bytes) => {
            out.push(NUMBER);
            number::big(out, bytes);
        }
        Value::Float(float) => {
            out.push(NUMBER);
            number::float(out, *float);
        }
        Value::Str(string) => text(out, STR, string.as_bytes()),
        Value::Bytes(bytes) => text(out, BYTES, bytes),
        Value::Tuple(parts) => return sequence(out, TUPLE, parts),
        Value::List(parts) => return sequence(out, LIST, parts),
        Value::Dict(entries) => {
            let mut parts = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let mut part = Vec::new();
                if !write(&mut part, key) || !write(&mut part, value) {
                    return false;
                }
                parts.push(part);
            }
            parts.sort_unstable();
            count(out, DICT, parts.len());
            parts.iter().for_each(|part| out.extend(part));
        }
    }
    true
}

fn sequence(out: &mut Vec<u8>, tag: u8, parts: &[Value]) -> bool {
    count(out, tag, parts.len());
    parts.iter().all(|part| write(out, part))
}

fn text(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    count(out, tag, bytes.len());
    out.extend(bytes);
}

fn count(out: &mut Vec<u8>, tag: u8, count: usize) {
    out.push(tag);
    out.extend((count as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &Value) -> Option<Box<[u8]>> {
        same(&Payload::from_value(value).into_bytes()).unwrap()
    }

    #[test]
    fn what_python_finds_equal_is_the_same() {
        let big = |bytes: &[u8]| Value::Big(bytes.to_vec());
        let tuple = |parts: &[Value]| Value::Tuple(parts.to_vec());
        let values = [
            Value::None,
            Value::Bool(false),
            Value::Int(0),
            Value::Float(-0.0),
            Value::Int(1),
            Value::Bool(true),
            Value::Float(1.0),
            Value::Float(1.5),
            Value::Int(-1),
            Value::Int((1 << 53) + 1),
            Value::Float(2f64.powi(53)),
            Value::Float(2f64.powi(70)),
            big(&[0, 0, 0, 0, 0, 0, 0, 0, 64]),
            big(&[1, 0, 0, 0, 0, 0, 0, 0, 64]),
            big(&[7; 1_500]),
            big(&[[8].as_slice(), &[7; 1_499]].concat()),
            Value::from("1"),
            Value::Bytes(b"1".to_vec()),
            tuple(&[]),
            tuple(&[Value::Int(1), "a".into()]),
            tuple(&[Value::Float(1.0), "a".into()]),
            tuple(&[tuple(&[Value::Int(1)]), "a".into()]),
            Value::List(vec![Value::Int(1), "a".into()]),
            Value::Dict(vec![(1.into(), 2.into()), (3.into(), 4.into())]),
            Value::Dict(vec![(3.into(), 4.into()), (Value::Bool(true), 2.into())]),
            Value::Dict(vec![(3.into(), 4.into())]),
        ];
        for a in &values {
            for b in &values {
                assert_eq!(of(a) == of(b), a == b, "{a} and {b}");
            }
        }
        assert_eq!(of(&Value::Float(f64::NAN)), None);
        assert_eq!(of(&tuple(&[Value::Float(f64::NAN)])), None);
    }

    #[test]
    fn the_bytes_are_those_that_are_on_disks() {
        let of = |value: &Value| of(value).unwrap().to_vec();
        for (value, bytes) in [
            (Value::None, &b"N"[..]),
            ("ab".into(), b"s\0\0\0\0\0\0\0\x02ab"),
            (Value::Bytes(b"c".to_vec()), b"b\0\0\0\0\0\0\0\x01c"),
            (Value::Tuple(vec![Value::None]), b"t\0\0\0\0\0\0\0\x01N"),
            (Value::List(vec![]), b"l\0\0\0\0\0\0\0\0"),
            (Value::Dict(vec![]), b"d\0\0\0\0\0\0\0\0"),
            (Value::Int(0), b"1\x03"),
            (Value::Float(1.0), b"1\x04\x80\0\0\0\x01\0"),
            (Value::Int(-300), b"1\x02\x7f\xff\xff\xff\xf6\xd3"),
            (Value::Float(0.5), b"1\x04\x80\0\0\0\0\0"),
        ] {
            assert_eq!(of(&value), bytes, "{value}");
        }
    }
}
