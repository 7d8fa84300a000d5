//! Sets in requests as each pickle protocol has them, and in replies.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]
use bytes::BytesMut;
use piecework_wire::{Payload, Reply, Request, Value, WireError, reply};

/// What Python 3.11 sends of `update({7}, {7}, frozenset([8]))` in the protocols 2, 3 and 4. Those
/// before 4 name the class once, and refer to it where it comes again.
const UPDATES: [&[u8]; 3] = [
    b"\x80\x02(X\x01\0\0\0iq\0X\x06\0\0\0updateq\x01c__builtin__\nset\nq\x02]q\
        \x03K\x07a\x85q\x04Rq\x05h\x02]q\x06K\x07a\x85q\x07Rq\x08c__builtin__\nf\
        rozenset\nq\t]q\nK\x08a\x85q\x0bRq\x0c\x87q\r}q\x0etq\x0f.",
    b"\x80\x03(X\x01\0\0\0iq\0X\x06\0\0\0updateq\x01cbuiltins\nset\nq\x02]q\
        \x03K\x07a\x85q\x04Rq\x05h\x02]q\x06K\x07a\x85q\x07Rq\x08cbuiltins\nfroz\
        enset\nq\t]q\nK\x08a\x85q\x0bRq\x0c\x87q\r}q\x0etq\x0f.",
    b"\x80\x04\x95&\0\0\0\0\0\0\0(\x8c\x01i\x94\x8c\x06update\x94\x8f\x94(K\
        \x07\x90\x8f\x94(K\x07\x90(K\x08\x91\x94\x87\x94}\x94t\x94.",
];

#[test]
fn a_set_is_read_in_any_protocol() {
    for frame in UPDATES {
        let request = Request::parse(frame).unwrap();
        let sets = request.args().map(|arg| arg.set_elements(1).unwrap());
        let values: Vec<_> = sets.flatten().map(|payload| payload.value().unwrap()).collect();
        assert_eq!(values, [Value::Int(7), Value::Int(7), Value::Int(8)]);
        assert!(request.arg(0).unwrap().elements(1).is_err(), "no list");
        let over = request.arg(0).unwrap().set_elements(0).unwrap_err();
        assert!(matches!(over, WireError::Limit { max: 0, .. }), "{over}");
    }
}

#[test]
fn what_is_no_set_is_not_taken_for_one() {
    let others: [&[u8]; 5] = [
        b"\x80\x04(NX\x01\0\0\0m](K\x07e\x85}t.",
        b"\x80\x04(NX\x01\0\0\0m(\x8f(K\x07\x90t\x85}t.",
        b"\x80\x03(NX\x01\0\0\0mcbuiltins\nlist\n](K\x07e\x85R\x85}t.",
        b"\x80\x03(NX\x01\0\0\0mcbuiltins\nset\nK\x07\x85R\x85}t.",
        // The class and its arguments, of which nobody makes anything.
        b"\x80\x03(NX\x01\0\0\0mcbuiltins\nset\n](K\x07e\x85\x86\x85}t.",
    ];
    for frame in others {
        let request = Request::parse(frame).unwrap();
        assert!(request.arg(0).unwrap().set_elements(9).is_err(), "{}", frame.escape_ascii());
    }
}

#[test]
fn a_call_is_taken_apart() {
    let frame = b"\x80\x04(NX\x01\0\0\0mcarray\narray\nX\x01\0\0\0iC\x01x\x86R\x85}t.";
    let request = Request::parse(frame).unwrap();
    let (class, arguments) = request.arg(0).unwrap().call().unwrap();
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.value().unwrap()).collect();
    assert_eq!(
        (class.as_str(), &arguments[..]),
        ("array.array", &["i".into(), Value::Bytes(b"x".to_vec())][..])
    );
    assert!(Request::parse(UPDATES[2]).unwrap().arg(0).unwrap().call().is_none());
}

#[test]
fn a_set_is_written_as_python_writes_it() {
    let mut out = BytesMut::new();
    reply::returned_set(&mut out, &[7, 8].map(|number| Payload::from_value(&Value::Int(number))));
    assert_eq!(&out[4..], b"\x80\x04\x8c\x07#RETURN\x8f(K\x07K\x08\x90\x86.");
    let frame = out.split_off(4).freeze();
    assert!(matches!(Reply::parse(frame), Ok(Reply::Return(_))));
}
