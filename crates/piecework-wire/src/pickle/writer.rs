//! The few shapes that we pickle ourselves: numbers, strings, tuples, lists, dicts, exceptions.
//!
//! Nothing here fills the memo or needs more than protocol 4, so what is written stands anywhere,
//! and every Python since 3.4 reads it.
use bytes::BufMut;

use super::opcode as op;
use super::value::Value;

/// The protocol that our own messages name.
pub(crate) const PROTO: u8 = 4;

pub(crate) fn value(out: &mut impl BufMut, value: &Value) {
    match value {
        Value::None => none(out),
        Value::Bool(value) => bool(out, *value),
        Value::Int(value) => int(out, *value),
        Value::Big(bytes) => big(out, bytes),
        Value::Float(value) => float(out, *value),
        Value::Str(value) => str(out, value),
        Value::Bytes(value) => bytes(out, value),
        Value::List(items) => list(out, items, |out, item| self::value(out, item)),
        Value::Tuple(items) => tuple(out, items, |out, item| self::value(out, item)),
        Value::Dict(items) => dict(out, items, |out, (key, item)| {
            self::value(out, key);
            self::value(out, item);
        }),
    }
}

pub(crate) fn none(out: &mut impl BufMut) {
    out.put_u8(op::NONE);
}

pub(crate) fn bool(out: &mut impl BufMut, value: bool) {
    out.put_u8(if value { op::NEWTRUE } else { op::NEWFALSE });
}

pub(crate) fn int(out: &mut impl BufMut, value: i64) {
    if let Ok(value) = u8::try_from(value) {
        out.put_slice(&[op::BININT1, value]);
    } else if let Ok(value) = u16::try_from(value) {
        out.put_u8(op::BININT2);
        out.put_u16_le(value);
    } else if let Ok(value) = i32::try_from(value) {
        out.put_u8(op::BININT);
        out.put_i32_le(value);
    } else {
        big(out, &value.to_le_bytes());
    }
}

pub(crate) fn unsigned(out: &mut impl BufMut, value: u64) {
    match i64::try_from(value) {
        Ok(value) => int(out, value),
        // A ninth byte keeps the sign positive.
        Err(_) => big(out, &u128::from(value).to_le_bytes()[..9]),
    }
}

/// Writes an int given in two's complement, little-endian.
fn big(out: &mut impl BufMut, bytes: &[u8]) {
    match u8::try_from(bytes.len()) {
        Ok(len) => out.put_slice(&[op::LONG1, len]),
        Err(_) => {
            out.put_u8(op::LONG4);
            out.put_u32_le(u32::try_from(bytes.len()).expect("no int has 2 GiB"));
        }
    }
    out.put_slice(bytes);
}

pub(crate) fn float(out: &mut impl BufMut, value: f64) {
    out.put_u8(op::BINFLOAT);
    out.put_f64(value);
}

pub(crate) fn str(out: &mut impl BufMut, value: &str) {
    counted(out, [op::SHORT_BINUNICODE, op::BINUNICODE, op::BINUNICODE8], value.as_bytes());
}

pub(crate) fn bytes(out: &mut impl BufMut, value: &[u8]) {
    counted(out, [op::SHORT_BINBYTES, op::BINBYTES, op::BINBYTES8], value);
}

fn counted(out: &mut impl BufMut, [short, middle, long]: [u8; 3], data: &[u8]) {
    if let Ok(len) = u8::try_from(data.len()) {
        out.put_slice(&[short, len]);
    } else if let Ok(len) = u32::try_from(data.len()) {
        out.put_u8(middle);
        out.put_u32_le(len);
    } else {
        out.put_u8(long);
        out.put_u64_le(data.len() as u64);
    }
    out.put_slice(data);
}

pub(crate) fn list<B: BufMut, T>(out: &mut B, items: &[T], write: impl FnMut(&mut B, &T)) {
    out.put_u8(op::EMPTY_LIST);
    batches(out, items, op::APPENDS, write);
}

pub(crate) fn dict<B: BufMut, T>(out: &mut B, items: &[T], write: impl FnMut(&mut B, &T)) {
    out.put_u8(op::EMPTY_DICT);
    batches(out, items, op::SETITEMS, write);
}

pub(crate) fn set<B: BufMut, T>(out: &mut B, items: &[T], write: impl FnMut(&mut B, &T)) {
    out.put_u8(op::EMPTY_SET);
    batches(out, items, op::ADDITEMS, write);
}

/// Writes an instance of a class as picklers do: made without its `__init__`, then given its
/// attributes.
pub(crate) fn instance<B: BufMut, T>(
    out: &mut B,
    module: &str,
    class: &str,
    attributes: &[T],
    write: impl FnMut(&mut B, &T),
) {
    global(out, module, class);
    out.put_slice(&[op::EMPTY_TUPLE, op::NEWOBJ]);
    dict(out, attributes, write);
    out.put_u8(op::BUILD);
}

/// Writes items in batches, as picklers do, so that a reader's stack stays low.
fn batches<B: BufMut, T>(out: &mut B, items: &[T], end: u8, mut write: impl FnMut(&mut B, &T)) {
    const BATCH: usize = 1_000;
    for batch in items.chunks(BATCH) {
        out.put_u8(op::MARK);
        batch.iter().for_each(|item| write(out, item));
        out.put_u8(end);
    }
}

pub(crate) fn tuple<B: BufMut, T>(out: &mut B, items: &[T], mut write: impl FnMut(&mut B, &T)) {
    let end = match items.len() {
        0 => return out.put_u8(op::EMPTY_TUPLE),
        1 => op::TUPLE1,
        2 => op::TUPLE2,
        3 => op::TUPLE3,
        _ => {
            out.put_u8(op::MARK);
            op::TUPLE
        }
    };
    items.iter().for_each(|item| write(out, item));
    out.put_u8(end);
}

/// Writes an instance of an exception: its class, named and called with at most one text.
pub(crate) fn exception(out: &mut impl BufMut, module: &str, class: &str, message: Option<&str>) {
    global(out, module, class);
    match message {
        Some(message) => {
            str(out, message);
            out.put_u8(op::TUPLE1);
        }
        None => out.put_u8(op::EMPTY_TUPLE),
    }
    call(out);
}

/// Names a class or function.
pub(crate) fn global(out: &mut impl BufMut, module: &str, name: &str) {
    str(out, module);
    str(out, name);
    out.put_u8(op::STACK_GLOBAL);
}

/// Calls what was named with the tuple behind it.
pub(crate) fn call(out: &mut impl BufMut) {
    out.put_u8(op::REDUCE);
}

/// Makes a tuple of the last value.
pub(crate) fn end_single(out: &mut impl BufMut) {
    out.put_u8(op::TUPLE1);
}

/// What opens a pickle; the protocol follows.
pub(crate) const PROTO_OPCODE: u8 = op::PROTO;

/// Opens a pickle.
pub(crate) fn open(out: &mut impl BufMut, proto: u8) {
    out.put_slice(&[op::PROTO, proto]);
}

/// Opens a tuple of four or more.
pub(crate) fn mark(out: &mut impl BufMut) {
    out.put_u8(op::MARK);
}

/// Closes the tuple that [`mark`] opened.
pub(crate) fn end_tuple(out: &mut impl BufMut) {
    out.put_u8(op::TUPLE);
}

/// Makes a tuple of the last two values.
pub(crate) fn end_pair(out: &mut impl BufMut) {
    out.put_u8(op::TUPLE2);
}

/// Makes a tuple of the last three values.
pub(crate) fn end_triple(out: &mut impl BufMut) {
    out.put_u8(op::TUPLE3);
}

/// Ends a pickle.
pub(crate) const STOP: &[u8] = &[op::STOP];

/// Makes a tuple of the last two values, and ends the pickle.
pub(crate) const END_OF_PAIR: &[u8] = &[op::TUPLE2, op::STOP];
