//! Numbers, strs and bytes, which are one opcode each: most of what is put, and the quickest to
//! lift, alone and by the hundred.
use bytes::{BufMut, BytesMut};

use super::opcode as op;
use super::payload::{Header, Payload};
use super::reader::{Op, Ops, Span};

/// So many payloads at most share a buffer, which lives as long as the last of them.
const SHARED_PAYLOADS: usize = 64;

/// A payload that is longer has a buffer of its own.
const SHARED_BYTES_MAX: usize = 256;

/// The opcode that is all there is to a value. It may be stored in the memo: whoever refers to it
/// from elsewhere is told of it there.
pub(crate) fn push_of(message: &[u8], value: Span) -> Option<Span> {
    let mut ops = Ops::new(message, value);
    let push = next(&mut ops).filter(|push| op::is_plain_push(push.code))?;
    let stored = next(&mut ops);
    let is_all =
        stored.is_none_or(|stored| op::fills_memo(stored.code)) && next(&mut ops).is_none();
    is_all.then_some(Span { start: push.at, end: push.end })
}

/// The same for each element of a list, in one look; `None` if it is no list, or one of anything
/// else, or of more than `max`.
pub(crate) fn pushes_of_list(message: &[u8], list: Span, max: usize) -> Option<Vec<Span>> {
    let mut ops = Ops::new(message, list);
    next(&mut ops).filter(|first| first.code == op::EMPTY_LIST)?;
    let (mut pushes, mut appended, mut is_marked) = (Vec::new(), 0, false);
    while let Some(op) = next(&mut ops) {
        let waiting = pushes.len() - appended;
        match op.code {
            op::FRAME => {}
            code if op::fills_memo(code) => {}
            op::MARK if !is_marked && waiting == 0 => is_marked = true,
            op::APPENDS if is_marked => (is_marked, appended) = (false, pushes.len()),
            op::APPEND if !is_marked && waiting == 1 => appended += 1,
            code if op::is_plain_push(code) && pushes.len() < max => {
                pushes.push(Span { start: op.at, end: op.end });
            }
            _ => return None,
        }
    }
    (appended == pushes.len() && !is_marked).then_some(pushes)
}

/// Makes a payload of what these opcodes push, each for itself; `proto` is in force at all of them.
pub(crate) fn lift(message: &[u8], pushes: &[Span], proto: u8) -> Vec<Payload> {
    let header = Header { proto, uses_memo: false, names_protos: false }.byte();
    let mut payloads = Vec::with_capacity(pushes.len());
    for group in pushes.chunks(SHARED_PAYLOADS) {
        let len_of = |push: &Span| 1 + push.end - push.start;
        let shares = |push: &&Span| len_of(push) <= SHARED_BYTES_MAX;
        let bytes = group.iter().filter(shares).map(len_of).sum();
        let mut buffer = BytesMut::with_capacity(bytes);
        for push in group.iter().filter(shares) {
            buffer.put_u8(header);
            buffer.put_slice(push.of(message));
        }
        let mut rest = buffer.freeze();
        payloads.extend(group.iter().map(|push| match shares(&push) {
            true => Payload::from_parts(rest.split_to(len_of(push))),
            false => Payload::from_parts([&[header], push.of(message)].concat().into()),
        }));
    }
    payloads
}

/// The next opcode. The message was walked over, so there is no error left to find.
fn next(ops: &mut Ops<'_>) -> Option<Op> {
    ops.next().ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::*;

    /// The lists of a message's one value, lifted in one look, and in the way of any other.
    fn both(body: &[u8]) -> (Option<Vec<Payload>>, Option<Vec<Payload>>) {
        let message = [b"\x80\x04", body, b"."].concat();
        let Ok((document, [])) = Document::read(&message[..], []) else { return (None, None) };
        let list = document.body();
        let pushes = pushes_of_list(&message, list, 300);
        let elements = document.elements(list, 300, "list").ok();
        let lifted = elements.and_then(|elements| document.lift_all(&elements, &[]).ok());
        (pushes.map(|pushes| lift(&message, &pushes, 4)), lifted)
    }

    #[test]
    fn a_list_is_lifted_as_it_is_in_the_other_way() {
        let long = [b"B\xe8\x03\0\0", &[b'x'; 1000][..]].concat();
        let many = b"K\x07\x94".repeat(200);
        let lists: [&[u8]; 6] = [
            b"]\x94",
            b"]\x94K\x01a",
            b"]\x94(K\x01C\x02ab\x94\x8c\x01x\x94J\x01\0\0\0e",
            b"](K\x01e(K\x02K\x03eK\x04a",
            &[b"](", &long[..], b"K\x01", &long, b"e"].concat(),
            &[b"](", &many[..], b"e"].concat(),
        ];
        for list in lists {
            let (quick, lifted) = both(list);
            assert!(quick.is_some(), "{list:?}");
            assert_eq!(quick, lifted, "{list:?}");
        }
    }

    #[test]
    fn what_is_no_list_of_plain_values_is_left_to_the_other_way() {
        let others: [&[u8]; 7] = [
            b"K\x01",
            b"](K\x01K\x02l",
            b"](Ne",
            b"](K\x01]e",
            b")",
            b"](K\x01\x85e",
            b"](K\x01(K\x02ee",
        ];
        for other in others {
            assert_eq!(both(other).0, None, "{other:?}");
        }
        let too_many = [b"](", &b"K\x07".repeat(301)[..], b"e"].concat();
        assert_eq!(both(&too_many).0, None);
    }
}
