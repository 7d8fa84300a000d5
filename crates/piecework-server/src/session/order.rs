//! What orders an item of a queue that goes by priority: a key whose bytes compare as Python
//! compares the values.
//!
//! A value is a tag that says its kind, and what compares within the kind:
//!
//! | kind | behind the tag |
//! |---|---|
//! | number | its sign, exponent and mantissa, all bits turned where it is negative |
//! | str, bytes | the bytes (UTF-8 sorts as code points do), a zero as `00 FF`, then `00 00` |
//! | tuple, list | the elements, then a zero, which is less than any tag |
//! | None | nothing |
//! | anything else | nothing, and the key ends here: what stands behind it orders nothing |

pub(super) mod number;

use super::error::PyError;
use crate::hub::Desk;
use crate::limits::ORDER_BYTES_MAX;
use piecework_state::{Order, QueueId};
use piecework_wire::{Payload, Value};

const END: u8 = 0;
const NUMBER: u8 = 1;
const STR: u8 = 2;
const BYTES: u8 = 3;
const TUPLE: u8 = 4;
const LIST: u8 = 5;
const NONE: u8 = 6;
const OTHER: u8 = 7;

/// Two values that Python does not order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Clash {
    new: &'static str,
    first: &'static str,
}

/// Finds out where items of one put stand in a queue that goes by priority.
#[derive(Debug)]
pub(crate) struct Sorter {
    orders: std::vec::IntoIter<Result<Box<[u8]>, String>>,
    /// What orders the first of them, which the others are held against in an empty queue.
    first: Option<Box<[u8]>>,
}

impl Sorter {
    /// For items of which this was seen.
    pub(crate) fn new(orders: Vec<Result<Box<[u8]>, String>>) -> Self {
        Self { orders: orders.into_iter(), first: None }
    }

    /// What orders the next item, if its queue asks; an error if Python would not order it.
    pub(crate) fn order(
        &mut self,
        desk: &Desk<'_>,
        to: QueueId,
        payload: &Payload,
    ) -> Result<Option<Box<[u8]>>, PyError> {
        if !desk.registry.sorts() {
            // Asked of each item of a put: nothing else is to be looked up for it.
            return Ok(None);
        }
        let seen = self.orders.next();
        let (Order::Priority, first) = desk.state.order(to) else { return Ok(None) };
        let order = seen.unwrap_or_else(|| key(payload)).map_err(PyError::type_error)?;
        let clash = first.or(self.first.as_deref()).and_then(|first| clash(&order, first));
        if let Some(Clash { new, first }) = clash {
            return Err(PyError::type_error(format!(
                "'<' not supported between {new} and {first}, which the first item of this queue \
                 has in its place; hint: a queue that goes by priority takes what Python can order"
            )));
        }
        self.first.get_or_insert_with(|| order.clone());
        Ok(Some(order))
    }
}

/// The key of a payload; an error if it is not plain data.
pub(crate) fn key(payload: &Payload) -> Result<Box<[u8]>, String> {
    let value = payload.value().map_err(|why| {
        format!("{why}; a queue that goes by priority orders numbers, str, bytes, tuples and lists")
    })?;
    let mut key = Vec::new();
    write(&mut key, &value);
    key.truncate(ORDER_BYTES_MAX);
    Ok(key.into())
}

/// Appends a value; false if the key ends there.
fn write(key: &mut Vec<u8>, value: &Value) -> bool {
    if matches!(value, Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_)) {
        key.push(NUMBER);
    }
    match value {
        Value::None => key.push(NONE),
        Value::Bool(truth) => number::write(key, false, &[u8::from(*truth)], 0),
        Value::Int(int) => number::write(key, *int < 0, &int.unsigned_abs().to_be_bytes(), 0),
        Value::Big(bytes) => number::big(key, bytes),
        Value::Float(value) => number::float(key, *value),
        Value::Str(text) => string(key, STR, text.as_bytes()),
        Value::Bytes(bytes) => string(key, BYTES, bytes),
        Value::Tuple(elements) => return sequence(key, TUPLE, elements),
        Value::List(elements) => return sequence(key, LIST, elements),
        Value::Dict(_) => {
            key.push(OTHER);
            return false;
        }
    }
    key.len() < ORDER_BYTES_MAX
}

fn sequence(key: &mut Vec<u8>, tag: u8, elements: &[Value]) -> bool {
    key.push(tag);
    if !elements.iter().all(|element| write(key, element)) {
        return false;
    }
    key.push(END);
    true
}

fn string(key: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    key.push(tag);
    for &byte in bytes.iter().take(ORDER_BYTES_MAX) {
        key.push(byte);
        if byte == 0 {
            key.push(0xff);
        }
    }
    key.extend([0, 0]);
}

/// That Python would order two values, by their keys.
pub(super) fn compare(a: &[u8], b: &[u8]) -> Result<(), String> {
    if a == b && a.len() >= ORDER_BYTES_MAX {
        return Err(format!(
            "two items have the same first {ORDER_BYTES_MAX} bytes, and no more of them is \
             compared here; hint: l[:] = sorted(l[:])"
        ));
    }
    clash(a, b).map_or(Ok(()), |Clash { new, first }| {
        Err(format!("'<' not supported between {new} and {first}"))
    })
}

/// Why Python would not order two values, by their keys.
///
/// Where it would have to compare what cannot be compared behind equal elements, two dicts say, it
/// fails; here those items stand as they were put.
fn clash(new: &[u8], first: &[u8]) -> Option<Clash> {
    let differ = new.iter().zip(first).position(|(a, b)| a != b);
    let at_all = |key: &[u8]| matches!(key, [NONE | OTHER, ..]);
    let (new_tag, first_tag) = match differ {
        None if at_all(new) && at_all(first) => (new.first()?, first.first()?),
        None => return None,
        Some(at) if is_tag(new, at) => (new.get(at)?, first.get(at)?),
        Some(_) => return None,
    };
    // The end of one of two sequences that are equal up to there.
    if *new_tag == END || *first_tag == END {
        return None;
    }
    Some(Clash { new: kind(*new_tag), first: kind(*first_tag) })
}

/// Whether a tag stands in this place of a key.
fn is_tag(key: &[u8], place: usize) -> bool {
    let mut at = 0;
    while at < place {
        let Some(tag) = key.get(at) else { return false };
        let rest = key.get(at + 1..).unwrap_or_default();
        at += 1 + match *tag {
            NUMBER => number::len(rest),
            STR | BYTES => len_of_string(rest),
            _ => 0,
        };
    }
    at == place
}

fn len_of_string(rest: &[u8]) -> usize {
    let end = rest.windows(2).position(|pair| pair == [0, 0]);
    end.map_or(rest.len(), |end| end + 2)
}

fn kind(tag: u8) -> &'static str {
    match tag {
        NUMBER => "a number",
        STR => "a str",
        BYTES => "bytes",
        TUPLE => "a tuple",
        LIST => "a list",
        NONE => "None",
        _ => "a dict",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(value: &Value) -> Box<[u8]> {
        key(&Payload::from_value(value)).unwrap()
    }

    fn tuple(elements: &[Value]) -> Value {
        Value::Tuple(elements.to_vec())
    }

    /// Each is less than the next, to Python.
    #[test]
    fn keys_compare_as_python_compares() {
        let texts = ["", "\0", "\0\0", "\0a", "a", "a\0", "aa", "b", "é", "€", "😀"];
        let texts: Vec<Value> = texts.iter().map(|text| Value::from(*text)).collect();
        let bytes: Vec<Value> = [&b""[..], &[0], &[0, 255], &[1], &[255], &[255, 0]]
            .iter()
            .map(|bytes| Value::Bytes(bytes.to_vec()))
            .collect();
        let int = Value::Int;
        let tuples = [
            tuple(&[]),
            tuple(&[int(-1), int(9)]),
            tuple(&[int(1)]),
            tuple(&[int(1), "a".into()]),
            tuple(&[int(1), "a".into(), int(0)]),
            tuple(&[int(1), "b".into()]),
            tuple(&[int(2), Value::List(vec![])]),
            tuple(&[int(2), Value::List(vec![int(1)])]),
        ];
        for ascending in [&texts[..], &bytes, &tuples] {
            for (a, b) in ascending.iter().zip(&ascending[1..]) {
                let (low, high) = (key_of(a), key_of(b));
                assert!(low < high, "{a} < {b}: {low:02x?} {high:02x?}");
                assert_eq!(clash(&low, &high), None, "{a} {b}");
            }
        }
    }

    #[test]
    fn what_python_does_not_order_is_named() {
        let of = |a: &Value, b: &Value| clash(&key_of(a), &key_of(b)).map(|c| (c.new, c.first));
        let (one, text) = (Value::Int(1), Value::from("a"));
        let dict = Value::Dict(vec![]);
        assert_eq!(of(&text, &one), Some(("a str", "a number")));
        assert_eq!(of(&one, &tuple(std::slice::from_ref(&one))), Some(("a number", "a tuple")));
        assert_eq!(of(&Value::List(vec![]), &tuple(&[])), Some(("a list", "a tuple")));
        assert_eq!(of(&Value::None, &Value::None), Some(("None", "None")));
        assert_eq!(of(&dict, &one), Some(("a dict", "a number")));
        let deep = |last: &Value| tuple(&[Value::Float(-0.3), "x\0".into(), last.clone()]);
        assert_eq!(of(&deep(&text), &deep(&one)), Some(("a str", "a number")));
        // What stands behind what orders decides nothing.
        assert_eq!(of(&tuple(&[one.clone(), text]), &tuple(&[Value::Int(2), one])), None);
        assert_eq!(of(&deep(&dict), &deep(&dict)), None);
    }

    #[test]
    fn elements_behind_a_dict_order_nothing_and_long_values_are_cut() {
        let with = |last| tuple(&[Value::Int(1), Value::Dict(vec![]), Value::Int(last)]);
        assert_eq!(key_of(&with(1)), key_of(&with(2)));
        let long = |last: &str| Value::Str("x".repeat(ORDER_BYTES_MAX) + last);
        assert_eq!(key_of(&long("a")), key_of(&long("b")));
        let tuples = [long("a"), long("b")].map(|long| tuple(&[long, Value::Int(1)]));
        assert_eq!(clash(&key_of(&tuples[0]), &key_of(&tuples[1])), None);
    }

    #[test]
    fn what_is_no_plain_data_is_refused_by_name() {
        let pickle = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.";
        let why = key(&Payload::from_pickle(pickle).unwrap()).unwrap_err();
        assert!(why.contains("is not plain data"), "{why}");
    }
}
