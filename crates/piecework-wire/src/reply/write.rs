//! Writes the replies of a manager: each function appends one whole frame.
use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;

use crate::pickle::{Layer, writer};
use crate::{Payload, Value, frame};

/// Appends the result None.
pub fn returned_none(out: &mut BytesMut) {
    const FRAME: &[u8] = b"\0\0\0\x0e\x80\x04\x8c\x07#RETURNN\x86.";
    out.put_slice(FRAME);
}

/// Appends a result of plain data.
pub fn returned(out: &mut BytesMut, value: &Value) {
    pair(out, "#RETURN", |out| writer::value(out, value));
}

/// Appends a result that somebody else pickled.
pub fn returned_payload(out: &mut BytesMut, payload: &Payload) {
    let (head, body, tail) = (head_of(payload), payload.body(), writer::END_OF_PAIR);
    out.reserve(head.len() + body.len() + tail.len());
    out.put_slice(&head);
    out.put_slice(body);
    out.put_slice(tail);
}

/// Appends a list of results that somebody else pickled.
pub fn returned_payloads(out: &mut BytesMut, payloads: &[Payload]) {
    let mut layer = Layer::new(writer::PROTO);
    pair(out, "#RETURN", |out| {
        writer::list(out, payloads, |out, payload| layer.lay(out, payload));
    });
}

/// Appends a list of leases: tuples of id, attempt and payload.
pub fn returned_leases(out: &mut BytesMut, leases: &[(u64, u32, Payload)]) {
    let mut layer = Layer::new(writer::PROTO);
    pair(out, "#RETURN", |out| {
        writer::list(out, leases, |out, (id, attempt, payload)| {
            writer::unsigned(out, *id);
            writer::unsigned(out, u64::from(*attempt));
            layer.lay(out, payload);
            writer::end_triple(out);
        });
    });
}

/// Appends a tuple of two that somebody else pickled.
pub fn returned_pair(out: &mut BytesMut, [first, second]: &[Payload; 2]) {
    let mut layer = Layer::new(writer::PROTO);
    pair(out, "#RETURN", |out| {
        layer.lay(out, first);
        layer.lay(out, second);
        writer::end_pair(out);
    });
}

/// Appends a list of such tuples.
pub fn returned_pairs(out: &mut BytesMut, pairs: &[[Payload; 2]]) {
    let mut layer = Layer::new(writer::PROTO);
    pair(out, "#RETURN", |out| {
        writer::list(out, pairs, |out, [first, second]| {
            layer.lay(out, first);
            layer.lay(out, second);
            writer::end_pair(out);
        });
    });
}

/// Appends a dict whose keys and values somebody else pickled.
pub fn returned_dict(out: &mut BytesMut, entries: &[[Payload; 2]]) {
    let mut layer = Layer::new(writer::PROTO);
    pair(out, "#RETURN", |out| {
        writer::dict(out, entries, |out, [key, value]| {
            layer.lay(out, key);
            layer.lay(out, value);
        });
    });
}

/// Appends a set of what somebody else pickled.
pub fn returned_set(out: &mut BytesMut, elements: &[Payload]) {
    let mut layer = Layer::new(writer::PROTO);
    pair(out, "#RETURN", |out| {
        writer::set(out, elements, |out, element| layer.lay(out, element));
    });
}

/// Appends an `array.array` of this typecode.
pub fn returned_array(out: &mut BytesMut, typecode: char, numbers: &[Payload]) {
    let typecode = Payload::from_value(&Value::Str(typecode.to_string()));
    returned_call(out, ["array", "array"], Some(&typecode), numbers);
}

/// Appends what `reversed()` gives of a list of these.
pub fn returned_reversed(out: &mut BytesMut, items: &[Payload]) {
    returned_call(out, ["builtins", "reversed"], None, items);
}

/// Appends what `iter()` gives of a list of these.
pub fn returned_iterator(out: &mut BytesMut, items: &[Payload]) {
    returned_call(out, ["builtins", "iter"], None, items);
}

/// Appends what a call gives whose last argument is a list of these.
fn returned_call(
    out: &mut BytesMut,
    [module, name]: [&str; 2],
    first: Option<&Payload>,
    list: &[Payload],
) {
    let mut layer = Layer::new(writer::PROTO);
    pair(out, "#RETURN", |out| {
        writer::global(out, module, name);
        if let Some(first) = first {
            layer.lay(out, first);
        }
        writer::list(out, list, |out, item| layer.lay(out, item));
        match first {
            Some(_) => writer::end_pair(out),
            None => writer::end_single(out),
        }
        writer::call(out);
    });
}

/// Appends an instance of a class with these attributes, of which nothing is called.
pub fn returned_instance(
    out: &mut BytesMut,
    [module, class]: [&str; 2],
    attributes: &[(String, Payload)],
) {
    let mut layer = Layer::new(writer::PROTO);
    pair(out, "#RETURN", |out| {
        writer::instance(out, module, class, attributes, |out, (name, value)| {
            writer::str(out, name);
            layer.lay(out, value);
        });
    });
}

/// Appends a new object at the manager, to which the caller makes a proxy: the typeid that says
/// of which class, its ident, and the methods that may be called. The address is that which the
/// caller has: `BaseProxy._callmethod` puts it into the token.
pub fn proxy(out: &mut BytesMut, typeid: &str, ident: &str, exposed: &[&str]) {
    pair(out, "#PROXY", |out| {
        writer::tuple(out, exposed, |out, name| writer::str(out, name));
        writer::global(out, "multiprocessing.managers", "Token");
        writer::str(out, typeid);
        writer::none(out);
        writer::str(out, ident);
        writer::end_triple(out);
        writer::call(out);
        writer::end_pair(out);
    });
}

/// Appends an exception that is made of what somebody else pickled, as a `KeyError` is.
pub fn error_of(out: &mut BytesMut, module: &str, class: &str, of: &Payload) {
    let mut layer = Layer::new(writer::PROTO);
    pair(out, "#ERROR", |out| {
        writer::global(out, module, class);
        layer.lay(out, of);
        writer::end_single(out);
        writer::call(out);
    });
}

/// Appends the result of `create`: the object's ident, and the methods that may be called.
pub fn created(out: &mut BytesMut, ident: &str, exposed: &[&str]) {
    pair(out, "#RETURN", |out| {
        writer::str(out, ident);
        writer::tuple(out, exposed, |out, name| writer::str(out, name));
        writer::end_pair(out);
    });
}

/// Appends an exception that the caller will raise: `class(message)`, or `class()`.
pub fn error(out: &mut BytesMut, module: &str, class: &str, message: Option<&str>) {
    pair(out, "#ERROR", |out| writer::exception(out, module, class, message));
}

/// Appends a text that the caller will show within a `RemoteError`, as the last lines of it.
///
/// Python sets a rule right below the text, so a missing line end is added.
pub fn traceback(out: &mut BytesMut, text: &str) {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    pair(out, "#TRACEBACK", |out| writer::str(out, &format!("{text}{end}")));
}

/// The frame of a payload in three parts, so that a large one is written without being copied.
#[derive(Clone, Debug)]
pub struct PayloadFrame {
    /// The frame's header, and what stands before the payload.
    pub head: SmallVec<[u8; 24]>,
    /// The payload's own bytes, shared with it.
    pub body: Bytes,
    /// What stands after the payload.
    pub tail: &'static [u8],
}

/// Frames a result that somebody else pickled.
pub fn payload_frame(payload: &Payload) -> PayloadFrame {
    let (head, body) = (head_of(payload), payload.body_bytes());
    PayloadFrame { head, body, tail: writer::END_OF_PAIR }
}

/// The header of a payload's frame, and what stands before the payload.
fn head_of(payload: &Payload) -> SmallVec<[u8; 24]> {
    const KIND: &[u8] = b"\x8c\x07#RETURN";
    let opening = [writer::PROTO_OPCODE, payload.proto()];
    let len = opening.len() + KIND.len() + payload.body().len() + writer::END_OF_PAIR.len();
    let mut head = SmallVec::from_slice(&frame::header_of(len));
    head.extend_from_slice(&opening);
    head.extend_from_slice(KIND);
    head
}

/// Appends the frame of `(kind, value)`.
fn pair(out: &mut BytesMut, kind: &str, value: impl FnOnce(&mut BytesMut)) {
    frame::put_with(out, |out| {
        writer::open(out, writer::PROTO);
        writer::str(out, kind);
        value(out);
        out.put_slice(writer::END_OF_PAIR);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_none_is_what_it_is_when_it_is_written() {
        let [mut none, mut written] = [(); 2].map(|()| BytesMut::new());
        returned_none(&mut none);
        pair(&mut written, "#RETURN", writer::none);
        assert_eq!(none, written);
    }
}
