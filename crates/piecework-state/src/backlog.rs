//! The items that wait in a queue as they were put, of which any number may wait in little memory.
//!
//! ```text
//!  take ◀── front ◀── middle: full segments ◀── back ◀── put
//! ```
//!
//! A backlog is long and quiet: what stands in the middle is neither put nor taken for long. An
//! item there is a few numbers that differ little from those before it, and is written as these
//! differences; its bytes, where they are in memory and few, lie behind those of its neighbours.

use crate::body::SHARED_BYTES_MAX;
use crate::{Body, Item, ItemId, Place, QueueId, Time};
use bytes::{Bytes, BytesMut};
use std::borrow::Cow;
use std::collections::VecDeque;

/// Items to a segment: enough that what is kept for each segment does not matter, few enough that
/// the ends, which are not packed, do not either.
const SEGMENT_ITEMS: usize = 64;

/// What the numbers of a segment take in most cases.
const NUMBERS_BYTES: usize = 6 * SEGMENT_ITEMS;

/// Items in ascending order of their places.
///
/// Where the front or the back is empty, there is no middle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backlog {
    front: VecDeque<Item>,
    middle: VecDeque<Segment>,
    back: VecDeque<Item>,
    len: usize,
}

/// As many items as a segment has.
#[derive(Clone, Debug)]
enum Segment {
    /// Items that have nothing but numbers and bytes, all with answers for the same queue.
    Packed { reply_to: Option<QueueId>, numbers: Box<[u8]>, payloads: Bytes },
    /// Others.
    Loose(Box<[Item]>),
}

impl Backlog {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// One more, behind all others.
    pub(crate) fn push_back(&mut self, item: Item) {
        debug_assert!(self.back().is_none_or(|last| last.place < item.place));
        self.len += 1;
        self.back.push_back(item);
        if self.back.len() == 2 * SEGMENT_ITEMS {
            let full = self.back.drain(..SEGMENT_ITEMS);
            match self.front.is_empty() {
                true => self.front.extend(full),
                false => self.middle.push_back(Segment::new(full.collect())),
            }
        }
    }

    /// The first.
    pub(crate) fn front(&self) -> Option<&Item> {
        self.front.front().or_else(|| self.back.front())
    }

    /// The last.
    pub(crate) fn back(&self) -> Option<&Item> {
        self.back.back().or_else(|| self.front.back())
    }

    /// Takes the first.
    pub(crate) fn pop_front(&mut self) -> Option<Item> {
        let item = self.front.pop_front().or_else(|| self.back.pop_front())?;
        self.len -= 1;
        if self.front.is_empty()
            && let Some(next) = self.middle.pop_front()
        {
            self.front.extend(next.into_items());
        }
        Some(item)
    }

    /// Takes the last.
    pub(crate) fn pop_back(&mut self) -> Option<Item> {
        let item = self.back.pop_back().or_else(|| self.front.pop_back())?;
        self.len -= 1;
        if self.back.is_empty()
            && let Some(next) = self.middle.pop_back()
        {
            self.back.extend(next.into_items());
        }
        Some(item)
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Cow<'_, Item>> {
        let front = self.front.iter().map(Cow::Borrowed);
        let middle = self.middle.iter().flat_map(Segment::items);
        front.chain(middle).chain(self.back.iter().map(Cow::Borrowed))
    }
}

impl IntoIterator for Backlog {
    type Item = Item;
    type IntoIter = Box<dyn Iterator<Item = Item>>;

    fn into_iter(self) -> Self::IntoIter {
        let middle = self.middle.into_iter().flat_map(Segment::into_items);
        Box::new(self.front.into_iter().chain(middle).chain(self.back))
    }
}

impl Segment {
    fn new(items: Vec<Item>) -> Self {
        match pack(&items) {
            Some(packed) => packed,
            None => Self::Loose(items.into()),
        }
    }

    fn items(&self) -> Box<dyn Iterator<Item = Cow<'_, Item>> + '_> {
        match self {
            Self::Packed { reply_to, numbers, payloads } => {
                Box::new(Unpack::new(*reply_to, numbers, payloads).map(Cow::Owned))
            }
            Self::Loose(items) => Box::new(items.iter().map(Cow::Borrowed)),
        }
    }

    fn into_items(self) -> Vec<Item> {
        match self {
            Self::Packed { reply_to, numbers, payloads } => {
                Unpack::new(reply_to, &numbers, &payloads).collect()
            }
            Self::Loose(items) => items.into(),
        }
    }
}

/// The numbers of an item that has nothing else but its bytes.
#[derive(Clone, Copy, Default)]
struct Numbers {
    id: u64,
    place: u64,
    put_at: u64,
    /// How many bytes it has, twice; and one more if they are away.
    len: u64,
}

impl Numbers {
    fn of(item: &Item, reply_to: Option<QueueId>) -> Option<Self> {
        let Item { id, place, payload, stop, reply_to: its, put_at, attempts, rare } = item;
        let len = match payload {
            Body::Away(len) => len.checked_mul(2)? + 1,
            Body::Here(bytes) if bytes.len() <= SHARED_BYTES_MAX => bytes.len() as u64 * 2,
            Body::Here(_) => return None,
        };
        let plain = !stop && *its == reply_to && *attempts == 0 && rare.is_none();
        plain.then_some(Self { id: id.0, place: place.0, put_at: put_at.micros(), len })
    }
}

/// Writes items as numbers and bytes; `None` if one of them is more than that.
fn pack(items: &[Item]) -> Option<Segment> {
    let reply_to = items.first()?.reply_to;
    let (mut numbers, mut last) = (Vec::with_capacity(NUMBERS_BYTES), Numbers::default());
    let bytes = items.iter().map(|item| item.payload.resident()).sum::<u64>();
    let most = SEGMENT_ITEMS * SHARED_BYTES_MAX;
    let mut payloads = BytesMut::with_capacity(usize::try_from(bytes).ok()?.min(most));
    for item in items {
        let next = Numbers::of(item, reply_to)?;
        payloads.extend_from_slice(item.payload.here().map_or(&[], |bytes| bytes));
        write(&mut numbers, next.id.wrapping_sub(last.id));
        write(&mut numbers, next.place.wrapping_sub(last.place));
        write(&mut numbers, next.put_at.wrapping_sub(last.put_at));
        write(&mut numbers, next.len.wrapping_sub(last.len));
        last = next;
    }
    Some(Segment::Packed { reply_to, numbers: numbers.into(), payloads: payloads.freeze() })
}

/// Reads what [`pack`] has written.
struct Unpack<'a> {
    reply_to: Option<QueueId>,
    numbers: &'a [u8],
    payloads: &'a Bytes,
    /// Where the next bytes begin.
    at: usize,
    last: Numbers,
}

impl<'a> Unpack<'a> {
    fn new(reply_to: Option<QueueId>, numbers: &'a [u8], payloads: &'a Bytes) -> Self {
        Self { reply_to, numbers, payloads, at: 0, last: Numbers::default() }
    }

    fn payload(&mut self, len: u64) -> Body {
        if len % 2 == 1 {
            return Body::Away(len / 2);
        }
        let from = self.at;
        self.at += (len / 2) as usize;
        Body::Here(self.payloads.slice(from..self.at))
    }
}

impl Iterator for Unpack<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        let Numbers { id, place, put_at, len } = &mut self.last;
        for number in [&mut *id, place, put_at, len] {
            *number = number.wrapping_add(read(&mut self.numbers)?);
        }
        let Numbers { id, place, put_at, len } = self.last;
        Some(Item {
            id: ItemId(id),
            place: Place(place),
            payload: self.payload(len),
            stop: false,
            reply_to: self.reply_to,
            put_at: Time::from_micros(put_at),
            attempts: 0,
            rare: None,
        })
    }
}

/// Writes a difference, which is small in most cases and may be negative: seven bits to a byte,
/// with the sign in the lowest.
fn write(out: &mut Vec<u8>, difference: u64) {
    let signed = difference.cast_signed();
    let mut left = (signed << 1 ^ signed >> 63).cast_unsigned();
    while left >= 0x80 {
        out.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

/// Reads it again; `None` at the end.
fn read(from: &mut &[u8]) -> Option<u64> {
    let (mut folded, mut shift) = (0, 0);
    loop {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        folded |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return Some((folded >> 1) ^ (folded & 1).wrapping_neg());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(place: u64, kind: u64) -> Item {
        Item {
            id: ItemId(place.wrapping_mul(7) % 1_000),
            place: Place(place),
            payload: match kind % 8 {
                0 => Body::Here(vec![kind as u8; kind as usize % SHARED_BYTES_MAX].into()),
                1 if kind % 3_000 == 1 => Body::Here(vec![1; SHARED_BYTES_MAX + 1].into()),
                other => Body::Away(other * 1_000_000),
            },
            stop: kind % 301 == 1,
            reply_to: (kind % 2_000 < 1_000).then_some(QueueId(4)),
            put_at: Time::from_micros(1_000_000 + kind % 50),
            attempts: u32::from(kind % 401 == 1),
            rare: None,
        }
    }

    fn away(place: u64) -> Item {
        Item { reply_to: Some(QueueId(4)), stop: false, attempts: 0, ..item(place, 3) }
    }

    /// Numbers that look like chance, and are the same each time.
    fn chances() -> impl Iterator<Item = u64> {
        std::iter::successors(Some(1_u64), |last| {
            Some(
                last.wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407),
            )
        })
        .map(|number| number >> 33)
    }

    #[test]
    fn it_is_a_line_whatever_stands_in_it() {
        let (mut line, mut model) = (Backlog::default(), VecDeque::new());
        let (mut place, mut longest) = (0, 0);
        for chance in chances().take(200_000) {
            // Long waves, so that it grows over many segments and empties again.
            let grows = (place / 3_000) % 2 == 0;
            place += 1;
            match chance % 10 {
                0 => assert_eq!(line.pop_back(), model.pop_back()),
                1..4 => assert_eq!(line.pop_front(), model.pop_front()),
                4..6 if !grows => assert_eq!(line.pop_front(), model.pop_front()),
                _ => {
                    let new =
                        if chance % 3_000 < 2_000 { away(place) } else { item(place, chance) };
                    line.push_back(new.clone());
                    model.push_back(new);
                }
            }
            longest = longest.max(model.len());
            assert_eq!((line.len(), line.front()), (model.len(), model.front()));
            assert_eq!(line.back(), model.back());
            if place % 1_000 == 0 {
                assert!(line.iter().eq(model.iter().map(Cow::Borrowed)));
                assert!(line.clone().into_iter().eq(model.iter().cloned()));
            }
        }
        assert!(longest > 20 * SEGMENT_ITEMS, "{longest} is no long line");
    }

    #[test]
    fn an_item_takes_a_few_bytes_beside_its_own() {
        let here = |place| Item { payload: Body::Here(vec![7; 36].into()), ..away(place) };
        for (make, most) in [(away as fn(u64) -> Item, 8.0), (here, 44.0)] {
            let mut line = Backlog::default();
            (0..100_000).for_each(|place| line.push_back(make(place)));
            let bytes = line.middle.iter().map(|segment| match segment {
                Segment::Packed { numbers, payloads, .. } => {
                    numbers.len() + payloads.len() + size_of::<Segment>()
                }
                Segment::Loose(items) => panic!("{} items are not packed", items.len()),
            });
            let each = bytes.sum::<usize>() as f64 / 100_000.0;
            assert!(each < most, "{each} bytes an item");
        }
    }

    #[test]
    fn differences_are_written_as_they_are() {
        let mut out = Vec::new();
        let differences = [0, 1, u64::MAX, 63, 64, 1 << 40, 1 << 63, (1 << 63) - 1];
        differences.into_iter().for_each(|difference| write(&mut out, difference));
        let mut from = &out[..];
        let read: Vec<u64> = std::iter::from_fn(|| read(&mut from)).collect();
        assert_eq!(read, differences);
    }
}
