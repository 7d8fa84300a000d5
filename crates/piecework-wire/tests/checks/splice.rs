//! The splice: what is lifted out of one message and laid into another stays what it is.
use bytes::{Bytes, BytesMut};
use piecework_wire::request::{ArgOut, Familiar, request};
use piecework_wire::{Payload, Reply, Request, frame, reply};

use super::walk::{same, stands_alone};

/// The most elements that are asked for, as by a `put_many`.
const ELEMENTS_MAX: usize = 30;

/// The first bytes of a frame, each of which is made another.
const FLIPS_MAX: usize = 200;

/// The bytes as a request, and as the item in requests of several forms.
pub fn check(data: &[u8]) {
    lift_all(data);
    // A whole pickle without its STOP is as good as the opcodes that push its object.
    let item = data.strip_suffix(b".").unwrap_or(data);
    for form in FORMS {
        lift_all(&in_form(form, item));
    }
}

fn in_form(form: &[Option<&[u8]>], item: &[u8]) -> Vec<u8> {
    form.iter().map(|part| part.unwrap_or(item)).collect::<Vec<_>>().concat()
}

/// Requests with an item in the places marked `None`: put by position and by name, several in one
/// call, and after a part that refers to what stands before it.
const FORMS: [&[Option<&[u8]>]; 5] = [
    &[Some(b"(\x8c\x06task.1\x94\x8c\x03put\x94"), None, Some(b"\x85\x94}\x94t\x94.")],
    &[Some(b"(\x8c\x06task.1\x94\x8c\x03put\x94)}\x94\x8c\x04item\x94"), None, Some(b"st\x94.")],
    &[
        Some(b"(\x8c\x06task.1\x94\x8c\x08put_many\x94]\x94("),
        None,
        None,
        Some(b"]\x94h\x03ah\x03"),
        None,
        Some(b"h\x04e\x85\x94}\x94t\x94."),
    ],
    &[Some(b"(Vtask.1\np0\nVput\np1\n("), None, None, Some(b"tp2\n(dp3\nt.")],
    &[
        Some(b"\x80\x04(N\x8c\x03put\x94("),
        None,
        Some(b"\x94K\x01t\x94}\x8c\x04item\x94"),
        None,
        Some(b"st."),
    ],
];

/// Everything that the manager does with a request, and a client with the reply.
fn lift_all(message: &[u8]) {
    let Ok(request) = Request::parse(message) else { return };
    known_again(message, &request);
    let named = request.kwarg_names().filter_map(|name| request.kwarg(name));
    for arg in request.args().chain(named) {
        let payload = arg.payload();
        if let (Ok(payload), Ok(value)) = (&payload, arg.value()) {
            assert!(
                payload.value().is_ok_and(|lifted| same(&lifted, &value)),
                "lifting changes it"
            );
        }
        if let Ok(payload) = payload {
            stands_alone(&payload);
            hand_on_one(&payload);
        }
        if let Ok(payloads) = arg.elements(ELEMENTS_MAX) {
            payloads.iter().for_each(stands_alone);
            hand_on_many(&payloads);
        }
    }
}

/// A reply with the payload, and a request with it, give it back.
fn hand_on_one(payload: &Payload) {
    let mut out = BytesMut::new();
    reply::returned_payload(&mut out, payload);
    let parts = reply::payload_frame(payload);
    assert_eq!([&parts.head[..], &parts.body, parts.tail].concat(), out, "two ways, two replies");
    assert_eq!(returned(&mut out).payload().as_ref(), Ok(payload), "the reply holds another");
    request(&mut out, Some("task.1"), "put", &[ArgOut::Payload(payload)], &[]);
    assert_eq!(read(&sent(&mut out)).arg(0).unwrap().payload().as_ref(), Ok(payload));
    let named = [("item", ArgOut::Payload(payload)), ("block", ArgOut::Bool(true))];
    request(&mut out, None, "put", &[], &named);
    assert_eq!(read(&sent(&mut out)).kwarg("item").unwrap().payload().as_ref(), Ok(payload));
}

/// The same for several in one message, and for the list of them as one payload.
fn hand_on_many(payloads: &[Payload]) {
    let mut out = BytesMut::new();
    reply::returned_payloads(&mut out, payloads);
    let list = returned(&mut out);
    assert_eq!(list.elements(ELEMENTS_MAX).as_deref(), Ok(payloads), "the reply holds others");
    request(&mut out, Some("task.1"), "put_many", &[ArgOut::Payloads(payloads)], &[]);
    assert_eq!(
        read(&sent(&mut out)).arg(0).unwrap().elements(ELEMENTS_MAX).as_deref(),
        Ok(payloads)
    );
    let leases: Vec<_> = (1 << 40..).zip(0..).zip(payloads).collect();
    let leases: Vec<_> = leases.iter().map(|((id, at), it)| (*id, *at, (*it).clone())).collect();
    reply::returned_leases(&mut out, &leases);
    let read = returned(&mut out).leases(ELEMENTS_MAX).expect("leases that we wrote");
    let read: Vec<_> = read.into_iter().map(|it| (it.id, it.attempt, it.payload)).collect();
    assert_eq!(read, leases, "the reply holds other leases");
    let list = list.payload().expect("a list that we wrote stands alone");
    stands_alone(&list);
    hand_on_one(&list);
    reply::returned_payloads(&mut out, &[list.clone(), list]);
    let twice = returned(&mut out).elements(2).expect("two lists");
    assert_eq!(twice[0], twice[1], "what stands before it changes a payload");
}

fn returned(out: &mut BytesMut) -> reply::Returned {
    let body = frame::cut(out, usize::MAX).unwrap().expect("a whole frame");
    assert!(out.is_empty());
    match Reply::parse(body) {
        Ok(Reply::Return(returned)) => returned,
        other => panic!("our own reply is read as {other:?}"),
    }
}

fn sent(out: &mut BytesMut) -> Bytes {
    let body = frame::cut(out, usize::MAX).unwrap().expect("a whole frame");
    assert!(out.is_empty());
    body
}

fn read(sent: &Bytes) -> Request<'_> {
    Request::parse(sent).expect("our own request is read")
}

/// A frame that is taken for this request again, but for its item, is just that.
fn known_again(message: &[u8], request: &Request<'_>) {
    for item in [None, Some(0)] {
        let Some(familiar) = Familiar::of(message, request, item) else { continue };
        assert!(familiar.is(message));
        let mut other = message.to_vec();
        for at in 0..message.len().min(FLIPS_MAX) {
            for flip in [0x01, 0x80, 0xff] {
                other[at] ^= flip;
                if familiar.is(&other) {
                    let read = Request::parse(&other).expect("it is read as the first was");
                    assert_eq!((read.ident(), read.method()), (request.ident(), request.method()));
                    assert_eq!(read.len_args(), request.len_args());
                    let payload = item.map(|at| read.arg(at).unwrap().payload().unwrap());
                    assert_eq!(familiar.item(&other), payload);
                }
                other[at] ^= flip;
            }
        }
    }
}

#[test]
fn each_form_of_a_request_is_one() {
    for form in FORMS {
        Request::parse(&in_form(form, b"N")).unwrap();
        Request::parse(&in_form(form, b"\x80\x04]\x94(K\x01h\x00e")).unwrap();
    }
}
