//! Bytes that are cut short, flipped or made up: an error, never a panic, never a hang.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]
use bytes::Bytes;
use piecework_wire::{Payload, Reply, Request, WireError};

/// A put that refers to its envelope, with keys, a class, a recursive list, and both POP idioms.
const PUT: &[u8] = b"\x80\x04\x95\x10\0\0\0\0\0\0\0(\x8c\x06task.1\x94\x8c\x03put\x94\
    ]\x94(h\x01}\x94\x8c\x01k\x94h\x02s\x8c\x01m\x94\x8c\x01n\x94\x93)\x81\x94\
    h\x05h\x06\x93h\x07K\x01\x86R0\
    ]\x94K\x02\x86\x94h\x03h\x08\x860h\x08e\x85\x94}\x94(\x8c\x05block\x94\x88\x8c\x07timeout\x94G\
    \x3f\xe0\0\0\0\0\0\0ut\x94.";

fn read_all(frame: &[u8]) {
    if let Ok(request) = Request::parse(frame) {
        let named = request.kwarg_names().filter_map(|name| request.kwarg(name));
        for arg in request.args().chain(named) {
            let _ = (arg.value(), arg.elements(10), arg.set_elements(10), arg.call());
            if let Ok(payload) = arg.payload() {
                let _ = (payload.value(), payload.class_name());
                let again = Payload::from_pickle(&payload.to_pickle()).unwrap();
                assert_eq!(again, payload, "what is lifted already stays as it is");
            }
        }
    }
    if let Ok(Reply::Return(returned)) = Reply::parse(Bytes::copy_from_slice(frame)) {
        let _ = (returned.payload(), returned.value(), returned.created(), returned.leases(10));
    }
    let _ = Payload::from_pickle(frame);
}

fn error(frame: &[u8]) -> String {
    Request::parse(frame).unwrap_err().to_string()
}

#[test]
fn the_whole_message_is_read() {
    let request = Request::parse(PUT).unwrap();
    assert_eq!((request.ident(), request.method()), (Some("task.1"), "put"));
    assert_eq!(request.kwarg_names().collect::<Vec<_>>(), ["block", "timeout"]);
    assert_eq!(request.kwarg("timeout").unwrap().value().unwrap().to_string(), "0.5");
    assert!(request.kwarg("item").is_none());
    let payload = request.arg(0).unwrap().payload().unwrap();
    assert_eq!(payload.class_name().unwrap(), "m.n");
}

#[test]
fn a_message_cut_short_is_an_error() {
    for len in 0..PUT.len() {
        error(&PUT[..len]);
        read_all(&PUT[..len]);
    }
}

#[test]
fn no_changed_byte_leads_to_a_panic() {
    for at in 0..PUT.len() {
        for byte in 0..=255 {
            let mut frame = PUT.to_vec();
            frame[at] = byte;
            read_all(&frame);
        }
    }
}

#[test]
fn no_soup_of_opcodes_leads_to_a_panic() {
    const CODES: &[u8] =
        b"(01N)]}atelus\x85\x86\x87\x94\x8f\x90\x91R\x81bdq\x01h\x01h\x00\x8c\x01x\x93.";
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for _ in 0..200_000 {
        let mut frame = b"(N\x8c\x01m".to_vec();
        for _ in 0..next(24) {
            frame.push(CODES[next(CODES.len())]);
        }
        frame.extend(b"}t.");
        read_all(&frame);
    }
}

#[test]
fn errors_name_opcode_and_place() {
    assert_eq!(error(b""), "not a pickle: it does not end with STOP");
    assert_eq!(error(b"N2."), "bad pickle: no pickler writes it, in DUP at byte 1");
    assert_eq!(
        error(b"\x80\x04\xff."),
        "bad pickle: not an opcode of protocols 0 to 5, in an unknown opcode at byte 2"
    );
    assert_eq!(
        error(b"\x80\x05\x97."),
        "bad pickle: an out-of-band buffer cannot travel in a message, in NEXT_BUFFER at byte 2"
    );
    assert_eq!(error(b"R."), "bad pickle: the stack has too few items, in REDUCE at byte 0");
    assert_eq!(error(b"N(N\x86."), "bad pickle: the stack has too few items, in TUPLE2 at byte 3");
    assert_eq!(error(b"t."), "bad pickle: there is no mark, in TUPLE at byte 0");
    assert_eq!(error(b"\x94."), "bad pickle: nothing to store, in MEMOIZE at byte 0");
    assert_eq!(error(b"N.N."), "bad pickle: nothing may end here, in STOP at byte 1");
    assert_eq!(error(b"NN."), "not a pickle: it leaves 2 objects on the stack, not one");
    assert_eq!(
        error(b"X\xff\xff\xff\xff."),
        "bad pickle: the operand runs past the end, in BINUNICODE at byte 0"
    );
    assert_eq!(error(b"N."), "not a request: it is not a tuple");
    assert_eq!(error(b"NN\x86."), "not a request: it has not four parts");
    assert_eq!(error(b"(NK\x01)}t."), "bad pickle: expected a str, in BININT1 at byte 2");
    assert_eq!(error(b"(N\x8c\x01mN}t."), "not a request's arguments: it is not a list or a tuple");
    assert_eq!(error(b"(N\x8c\x01m))t."), "not a request's named arguments: it is not a dict");
    let many = [&b"(N\x8c\x01m("[..], &[b'N'; 257], b"t}t."].concat();
    assert_eq!(error(&many), "request's arguments: over the limit of 256");
}

#[test]
fn a_value_within_its_own_list_cannot_stand_alone() {
    let frame = Bytes::from_static(b"\x80\x04(N\x8c\x08put_many]\x94(NNh\x00e\x85}t.");
    let request = Request::parse(&frame).unwrap();
    let error = request.arg(0).unwrap().elements(3).unwrap_err();
    assert_eq!(
        error.to_string(),
        "not a value that stands alone: it refers to the container that it is in"
    );
}

#[test]
fn more_elements_than_asked_for_are_an_error() {
    let frame = Bytes::from_static(b"\x80\x04(N\x8c\x08put_many](NNNe\x85}t.");
    let request = Request::parse(&frame).unwrap();
    let list = request.arg(0).unwrap();
    assert_eq!(list.elements(3).unwrap().len(), 3);
    let what = "list or tuple of items";
    assert_eq!(list.elements(2), Err(WireError::Limit { what, max: 2 }));
}

#[test]
fn a_large_shared_object_ends_at_the_limit() {
    // Each of 2,000 elements is [shared], and carries 256 KiB of it along.
    let mut frame = b"\x80\x04(N\x8c\x08put_many]((]\x94B\0\0\x04\0".to_vec();
    frame.extend(vec![7; 256 << 10]);
    frame.extend(b"at");
    frame.extend(b"h\x00\x85".repeat(2_000));
    frame.extend(b"e\x85}t.");
    let request = Request::parse(&frame).unwrap();
    let error = request.arg(0).unwrap().elements(usize::MAX).unwrap_err();
    let what = "bytes of objects that the values of one call share";
    assert_eq!(error, WireError::Limit { what, max: 256 << 20 });
}

#[test]
fn a_large_shared_text_ends_at_the_limit() {
    // Each of 2,000 elements is a bytes of 256 KiB that stands in the message once.
    let mut frame = b"\x80\x04(N\x8c\x08put_many](B\0\0\x04\0".to_vec();
    frame.extend(vec![7; 256 << 10]);
    frame.push(b'\x94');
    frame.extend(b"h\x00".repeat(2_000));
    frame.extend(b"e\x85}t.");
    let request = Request::parse(&frame).unwrap();
    let error = request.arg(0).unwrap().elements(usize::MAX).unwrap_err();
    let what = "bytes of objects that the values of one call share";
    assert_eq!(error, WireError::Limit { what, max: 256 << 20 });
}

#[test]
fn a_chain_of_shared_objects_ends_at_the_limit() {
    // Element n refers to element n - 1: to stand alone, the last carries all the others along.
    let mut frame = b"\x80\x04(N\x8c\x08put_many](]\x94".to_vec();
    for number in 0..20_000_u32 {
        frame.extend(b"]j");
        frame.extend(number.to_le_bytes());
        frame.extend(b"a\x94");
    }
    frame.extend(b"e\x85}t.");
    let request = Request::parse(&frame).unwrap();
    let error = request.arg(0).unwrap().elements(usize::MAX).unwrap_err();
    let what = "objects that the values of one call share";
    assert_eq!(error, WireError::Limit { what, max: 1 << 18 });
}
