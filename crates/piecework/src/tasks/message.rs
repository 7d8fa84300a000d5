//! What a parent and its child say to each other. Both are the same program, so nobody else has to
//! understand it.
//!
//! A message is a frame: a text, then payloads, each behind its length. A parent's text is the name
//! of a task, and the payloads are its arguments, time after time; a child answers with the
//! results, or with a text that says why there are none.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use piecework_wire::{WireError, frame};

/// The bytes of a length.
const LENGTH: usize = size_of::<u32>();

/// Payloads in one piece of memory, each behind its length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packed {
    bytes: Bytes,
    /// How many there are.
    len: usize,
}

impl Packed {
    /// One payload.
    pub(crate) fn one(payload: &[u8]) -> Self {
        let mut packing = Packing::default();
        packing.add(|out| out.put_slice(payload));
        packing.done()
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The bytes of each payload.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || {
            let (first, after) = first(rest)?;
            rest = after;
            Some(first)
        })
    }

    /// Takes the first so many.
    pub(crate) fn split_to(&mut self, count: usize) -> Self {
        let count = count.min(self.len);
        let bytes: usize = self.iter().take(count).map(|payload| LENGTH + payload.len()).sum();
        self.len -= count;
        Self { bytes: self.bytes.split_to(bytes), len: count }
    }

    /// Reads the first one, and drops it.
    pub(crate) fn next<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let (payload, _) = first(&self.bytes)?;
        let (read, len) = (read(payload), payload.len());
        self.bytes.advance(LENGTH + len);
        self.len -= 1;
        Some(read)
    }
}

/// What stands behind the first length, and the rest.
fn first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<LENGTH>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)
}

/// Payloads that are being packed.
#[derive(Debug, Default)]
pub(crate) struct Packing {
    out: BytesMut,
    len: usize,
}

impl Packing {
    /// Appends what this writes, and gives what it returns.
    pub(crate) fn add<R>(&mut self, write: impl FnOnce(&mut BytesMut) -> R) -> R {
        self.len += 1;
        add(&mut self.out, write)
    }

    pub(crate) fn done(self) -> Packed {
        Packed { bytes: self.out.freeze(), len: self.len }
    }
}

fn add<R>(out: &mut BytesMut, write: impl FnOnce(&mut BytesMut) -> R) -> R {
    let at = out.len();
    out.put_bytes(0, LENGTH);
    let written = write(out);
    // No frame is that long, which is said when it is read.
    let len = u32::try_from(out.len() - at - LENGTH).unwrap_or(u32::MAX);
    let length = out.get_mut(at..at + LENGTH).expect("it was put there");
    length.copy_from_slice(&len.to_le_bytes());
    written
}

/// The frame of a message.
pub(super) fn message(text: &str, payloads: &Packed) -> BytesMut {
    let mut body = BytesMut::with_capacity(LENGTH + text.len() + payloads.bytes.len());
    add(&mut body, |out| out.put_slice(text.as_bytes()));
    body.put_slice(&payloads.bytes);
    let mut out = BytesMut::new();
    frame::put(&mut out, &body);
    out
}

/// Reads the message that came in a frame.
pub(super) fn read(mut frame: Bytes) -> Result<(String, Packed), WireError> {
    let early = || WireError::Shape {
        message: "message between parent and child",
        what: "it ends too early".to_owned(),
    };
    let text = first(&frame).ok_or_else(early)?.0;
    let (text, len) = (String::from_utf8_lossy(text).into_owned(), text.len());
    frame.advance(LENGTH + len);
    let (mut rest, mut count) = (&frame[..], 0);
    while !rest.is_empty() {
        (_, rest) = first(rest).ok_or_else(early)?;
        count += 1;
    }
    Ok((text, Packed { bytes: frame, len: count }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut packing = Packing::default();
        let payloads = [&b"one"[..], b"", b"three"];
        payloads.iter().for_each(|payload| packing.add(|out| out.put_slice(payload)));
        let mut frame = message("square", &packing.done());
        let bytes = frame::cut(&mut frame, frame::FRAME_BYTES_MAX).unwrap().unwrap();
        let (text, mut read_again) = read(bytes.clone()).unwrap();
        assert_eq!((text.as_str(), read_again.len()), ("square", 3));
        assert_eq!(read_again.iter().collect::<Vec<_>>(), payloads);
        assert_eq!(read_again.split_to(1).iter().collect::<Vec<_>>(), payloads[..1]);
        assert_eq!(read_again.next(<[u8]>::to_vec).unwrap(), payloads[1]);
        assert_eq!((read_again.len(), read_again.split_to(9).len()), (1, 1));
        assert!(read_again.next(|_| ()).is_none());
        // A message may end behind its text and behind each payload, and nowhere else.
        let whole = (0..=bytes.len()).filter(|len| read(bytes.slice(..*len)).is_ok());
        assert_eq!(whole.collect::<Vec<_>>(), [10, 17, 21, 30]);
    }
}
