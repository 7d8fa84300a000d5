//! A request that is said again: one look tells that it has been read before.

use smallvec::SmallVec;

use super::Request;
use crate::Payload;
use crate::pickle::{Ops, Span, is_framing, is_plain_push};

/// The longest request that is worth remembering: of longer ones, the item is nearly all.
pub const FAMILIAR_BYTES_MAX: usize = 1_024;

/// The most holes: whoever puts long tuples of numbers spends his time elsewhere.
const HOLES_MAX: usize = 16;

/// A request as it was once read, to be known again: a client says the same over and over, the
/// same method of the same object, and only what it puts is another each time.
///
/// A frame is known if it is as long, and has the same bytes but for the *holes*: the data of those
/// opcodes of the item that push a plain value. Lengths stand outside of the holes, so the opcodes
/// are the same ones, and the item is lifted by copying the same places. Nothing is known again
/// that refers to the memo.
#[derive(Debug)]
pub struct Familiar {
    frame: Box<[u8]>,
    /// All but the holes.
    same: SmallVec<[Span; 3]>,
    item: Option<Item>,
}

/// How an item is lifted.
#[derive(Debug)]
struct Item {
    /// The first byte of the payload.
    header: u8,
    /// What follows it.
    kept: SmallVec<[Span; 2]>,
}

impl Familiar {
    /// Remembers a request that was read from `frame`, of which the argument at `item` may be
    /// another the next time; `None` if it is nothing to remember.
    pub fn of(frame: &[u8], request: &Request<'_>, item: Option<usize>) -> Option<Self> {
        let traits = &request.document.traits;
        if frame.len() > FAMILIAR_BYTES_MAX || traits.reads.is_some() || traits.pops {
            return None;
        }
        let (mut same, mut from, mut lifted) = (SmallVec::new(), 0, None);
        if let Some(at) = item {
            let (holes, kept) = look_through(frame, *request.args.get(at)?)?;
            if holes.len() > HOLES_MAX {
                return None;
            }
            for hole in holes {
                same.push(Span { start: from, end: hole.start });
                from = hole.end;
            }
            let payload = request.arg(at)?.payload().ok()?;
            let item = Item { header: *payload.as_bytes().first()?, kept };
            if item.lift(frame) != payload {
                return None; // it takes more than copying
            }
            lifted = Some(item);
        }
        same.push(Span { start: from, end: frame.len() });
        Some(Self { frame: frame.into(), same, item: lifted })
    }

    /// Whether this is the same request again.
    #[inline]
    pub fn is(&self, frame: &[u8]) -> bool {
        frame.len() == self.frame.len()
            && self.same.iter().all(|span| span.of(frame) == span.of(&self.frame))
    }

    /// The item in a frame that is the same request again; `None` if the request has none.
    pub fn item(&self, frame: &[u8]) -> Option<Payload> {
        self.item.as_ref().map(|item| item.lift(frame))
    }
}

impl Item {
    fn lift(&self, frame: &[u8]) -> Payload {
        let len = self.kept.iter().map(|span| span.end - span.start).sum::<usize>();
        let mut bytes = Vec::with_capacity(1 + len);
        bytes.push(self.header);
        self.kept.iter().for_each(|span| bytes.extend_from_slice(span.of(frame)));
        Payload::from_parts(bytes.into())
    }
}

/// The holes of an item, and what its payload keeps of it.
fn look_through(frame: &[u8], item: Span) -> Option<(Vec<Span>, SmallVec<[Span; 2]>)> {
    let (mut holes, mut from) = (Vec::new(), item.start);
    let mut kept: SmallVec<[Span; 2]> = SmallVec::new();
    let mut ops = Ops::new(frame, item);
    while let Some(op) = ops.next().ok()? {
        if is_framing(op.code) {
            kept.push(Span { start: from, end: op.at });
            from = op.end;
        } else if is_plain_push(op.code) {
            holes.push(op.data);
        }
    }
    kept.push(Span { start: from, end: item.end });
    kept.retain(|span| span.start < span.end);
    Some((holes, kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `put(item)`, as Python's own pickler writes it, but for the frame, which is one.
    fn put(item: &[u8]) -> Vec<u8> {
        let head = b"\x80\x04(\x8c\x06task.1\x94\x8c\x03put\x94";
        [&head[..], item, b"\x94\x85\x94}\x94t\x94."].concat()
    }

    fn familiar(frame: &[u8], item: Option<usize>) -> Option<Familiar> {
        Familiar::of(frame, &Request::parse(frame).unwrap(), item)
    }

    #[test]
    fn what_is_put_may_differ() {
        let known = familiar(&put(b"C\x03abc"), Some(0)).unwrap();
        let (again, other) = (put(b"C\x03.\x94\xff"), put(b"C\x04abcd"));
        assert!(known.is(&again) && !known.is(&other));
        let wanted = Request::parse(&again).unwrap().arg(0).unwrap().payload().unwrap();
        assert_eq!(known.item(&again), Some(wanted));
    }

    #[test]
    fn nothing_else_may_differ() {
        let frame = put(b"(K\x07\x8c\x03abct");
        let known = familiar(&frame, Some(0)).unwrap();
        let may_differ = |at: usize| {
            let mut other = frame.clone();
            other[at] ^= 1;
            known.is(&other)
        };
        let holes: Vec<usize> = (0..frame.len()).filter(|at| may_differ(*at)).collect();
        let bytes: Vec<u8> = holes.iter().map(|at| frame[*at]).collect();
        assert_eq!(bytes, b"\x07abc");
    }

    #[test]
    fn a_request_without_an_item_is_known_as_it_is() {
        let known = familiar(&put(b"K\x01"), None).unwrap();
        assert!(known.is(&put(b"K\x01")) && !known.is(&put(b"K\x02")));
        assert_eq!(known.item(&put(b"K\x01")), None);
    }

    #[test]
    fn what_refers_to_the_memo_and_what_is_long_is_not_remembered() {
        assert!(familiar(&put(b"h\x00"), Some(0)).is_none());
        let long = [b"B\x00\x04\x00\x00", &[b'x'; 1024][..]].concat();
        assert!(familiar(&put(&long), Some(0)).is_none());
    }
}
