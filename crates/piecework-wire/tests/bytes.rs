//! The very bytes of what is lifted and of what we say, where other programs rely on them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]
use bytes::{BufMut, Bytes, BytesMut};
use piecework_wire::request::{ArgOut, request};
use piecework_wire::{Payload, Request, Value, WireError, frame, reply};

/// The argument of a put that Python says with these bytes, once the ident and `put` are memoized.
fn lifted(argument: &[u8]) -> Payload {
    let mut frame = b"\x80\x04\x95\x10\0\0\0\0\0\0\0(\x8c\x06task.1\x94\x8c\x03put\x94".to_vec();
    frame.extend(argument);
    frame.extend(b"\x85\x94}\x94t\x94.");
    Request::parse(&frame).unwrap().arg(0).unwrap().payload().unwrap()
}

/// The body of the frame that `write` appends.
fn said(write: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut out = BytesMut::new();
    write(&mut out);
    let body = frame::cut(&mut out, usize::MAX).unwrap().unwrap();
    assert!(out.is_empty());
    body
}

#[test]
fn what_refers_to_nothing_loses_its_memo_slots() {
    let payload = lifted(b"]\x94(\x8c\x01a\x94K\x01e");
    assert_eq!(payload.as_bytes(), b"\x04](\x8c\x01aK\x01e");
    assert!(!payload.uses_memo());
}

#[test]
fn slots_that_are_read_are_counted_anew() {
    let payload = lifted(b"]\x94(]\x94\x8c\x01a\x94h\x03h\x04h\x04e");
    assert_eq!(payload.as_bytes(), b"\x0c](]\x94\x8c\x01a\x94h\x00h\x01h\x01e");
    assert!(payload.uses_memo());
}

#[test]
fn a_str_of_the_envelope_is_said_once() {
    assert_eq!(lifted(b"h\x01").as_bytes(), b"\x04\x8c\x03put");
    let often = lifted(b"]\x94(h\x01h\x01h\x00h\x01e");
    assert_eq!(often.as_bytes(), b"\x0c](\x8c\x03put\x94h\x00\x8c\x06task.1h\x00e");
}

#[test]
fn a_neighbour_that_is_shared_is_rebuilt_and_dropped() {
    let frame = b"\x80\x04(N\x8c\x01m\x94]\x94K\x05ah\x01\x85\x86}t.";
    let request = Request::parse(frame).unwrap();
    let second = request.arg(1).unwrap().payload().unwrap();
    assert_eq!(second.as_bytes(), b"\x0c(]\x94K\x05a1h\x00\x85");
    assert_eq!(second.value().unwrap().to_string(), "([5],)");
}

#[test]
fn stored_bytes_are_read_again_and_other_versions_refused() {
    let payload = Payload::from_value(&Value::Int(7));
    assert_eq!(payload.as_bytes(), b"\x04K\x07");
    assert_eq!(Payload::from_bytes(payload.clone().into_bytes()), Ok(payload));
    for header in [0x20, 0xff, 0x06] {
        let error = Payload::from_bytes(Bytes::from(vec![header, b'N'])).unwrap_err();
        assert!(matches!(error, WireError::Shape { .. }), "{error}");
    }
    assert!(Payload::from_bytes(Bytes::new()).is_err());
}

#[test]
fn a_payload_tells_what_it_is() {
    let payload = |pickle: &[u8]| Payload::from_pickle(pickle).unwrap();
    assert!(payload(b"\x80\x04N.").is_none());
    assert!(!payload(b"\x80\x04]Na.").is_none());
    assert_eq!(payload(b"cm.o\nc\n)\x81.").class_name().unwrap(), "m.o.c");
    assert_eq!(payload(b"\x80\x04\x8c\x01m\x94\x8c\x01c\x94\x93.").class_name().unwrap(), "m.c");
    assert_eq!(payload(b"K\x01.").class_name(), None);
    assert_eq!(payload(b"K\x01.").to_pickle(), b"K\x01.");
    assert_eq!(payload(b"\x80\x05K\x01.").to_pickle(), b"\x80\x05K\x01.");
}

#[test]
fn replies_are_as_python_reads_them() {
    assert_eq!(said(reply::returned_none), b"\x80\x04\x8c\x07#RETURNN\x86."[..]);
    let three = Payload::from_value(&Value::Int(3));
    let expected = b"\x80\x04\x8c\x07#RETURNK\x03\x86.";
    assert_eq!(said(|out| reply::returned_payload(out, &three)), expected[..]);
    let parts = reply::payload_frame(&three);
    assert_eq!(
        said(|out| out.put([&parts.head[..], &parts.body, parts.tail].concat().as_slice())),
        expected[..]
    );
    assert_eq!(
        said(|out| reply::created(out, "t.1", &["get"])),
        b"\x80\x04\x8c\x07#RETURN\x8c\x03t.1\x8c\x03get\x85\x86\x86."[..]
    );
    assert_eq!(
        said(|out| reply::error(out, "queue", "Empty", None)),
        b"\x80\x04\x8c\x06#ERROR\x8c\x05queue\x8c\x05Empty\x93)R\x86."[..]
    );
    assert_eq!(
        said(|out| reply::error(out, "m", "E", Some("x"))),
        b"\x80\x04\x8c\x06#ERROR\x8c\x01m\x8c\x01E\x93\x8c\x01x\x85R\x86."[..]
    );
    for text in ["ab", "ab\n"] {
        let expected = b"\x80\x04\x8c\x0a#TRACEBACK\x8c\x03ab\n\x86.";
        assert_eq!(said(|out| reply::traceback(out, text)), expected[..]);
    }
}

#[test]
fn payloads_side_by_side_count_their_slots_on() {
    let shared = lifted(b"]\x94(]\x94h\x03e");
    let old = Payload::from_pickle(b"\x80\x02K\x01.").unwrap();
    assert_eq!(
        said(|out| reply::returned_payloads(out, &[shared.clone(), old, shared.clone()])),
        b"\x80\x04\x8c\x07#RETURN](](]\x94h\x00e\x80\x02K\x01\x80\x04](]\x94h\x01ee\x86."[..]
    );
}

#[test]
fn a_protocol_named_within_a_payload_is_not_taken_for_the_next_ones() {
    let mixed = Payload::from_pickle(b"\x80\x04](K\x01\x80\x02K\x02e.").unwrap();
    assert_eq!(mixed.as_bytes(), b"\x14](K\x01\x80\x02K\x02e");
    let next = Payload::from_value(&Value::Int(3));
    assert_eq!(
        said(|out| reply::returned_payloads(out, &[mixed, next])),
        b"\x80\x04\x8c\x07#RETURN](](K\x01\x80\x02K\x02e\x80\x04K\x03e\x86."[..]
    );
}

#[test]
fn requests_are_as_python_reads_them() {
    let args = [ArgOut::Bool(true), ArgOut::None];
    assert_eq!(
        said(|out| request(out, Some("t.1"), "get", &args, &[("timeout", ArgOut::Float(0.5))])),
        b"\x80\x04(\x8c\x03t.1\x8c\x03get\x88N\x86}(\x8c\x07timeoutG\x3f\xe0\0\0\0\0\0\0ut."[..]
    );
    assert_eq!(
        said(|out| request(out, None, "dummy", &[], &[])),
        b"\x80\x04(N\x8c\x05dummy)}t."[..]
    );
}
