//! What has come in over a connection, and the frame in front that is being served.

use crate::limits::{BEGUN_BYTES_MAX, SPARE_BYTES};
use piecework_wire::{WireError, frame};
use std::cell::Cell;
use std::ops::Range;

thread_local! {
    /// A buffer for whoever reads next: connections that have nothing to read hold none, and there
    /// may be thousands of them.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Bytes in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Input {
    bytes: Vec<u8>,
    /// Up to here they were served, or passed over.
    at: usize,
    /// The body of the frame that is being served; empty between two frames.
    body: Range<usize>,
}

impl Input {
    /// How many bytes have come in behind the frame that is being served.
    pub(crate) fn unread(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Those bytes.
    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Goes on to the next frame; false if it is not whole yet.
    pub(crate) fn next(&mut self, bytes_max: usize) -> Result<bool, WireError> {
        self.body = 0..0;
        let Some(body) = frame::find(self.rest(), bytes_max)? else { return Ok(false) };
        self.body = self.at + body.start..self.at + body.end;
        self.at = self.body.end;
        Ok(true)
    }

    /// The frame that is being served.
    pub(crate) fn frame(&self) -> &[u8] {
        self.bytes.get(self.body.clone()).unwrap_or_default()
    }

    /// The frame has been served, though the next one may be long in coming.
    pub(crate) fn forget_frame(&mut self) {
        self.body = 0..0;
        self.settle();
    }

    /// Drops the next bytes.
    pub(crate) fn pass_over(&mut self, bytes: usize) {
        self.at = self.bytes.len().min(self.at + bytes);
    }

    /// Drops all.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        (self.at, self.body) = (0, 0..0);
    }

    /// Adds what was read elsewhere.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The buffer with room for so many bytes more, to read into.
    pub(crate) fn room(&mut self, bytes: usize) -> &mut Vec<u8> {
        let served = if self.body.is_empty() { self.at } else { self.body.start };
        if self.bytes.capacity() == 0 {
            self.bytes = SPARE.take();
        } else if served > 0 {
            self.bytes.drain(..served);
            self.at -= served;
            self.body =
                self.body.start.saturating_sub(served)..self.body.end.saturating_sub(served);
        }
        self.bytes.reserve(bytes);
        &mut self.bytes
    }

    /// Gives the buffer back, as the next bytes may be long in coming.
    pub(crate) fn settle(&mut self) {
        let unread = self.unread();
        if self.bytes.capacity() <= unread || unread > BEGUN_BYTES_MAX || !self.body.is_empty() {
            return;
        }
        let begun = self.rest().to_vec();
        let mut spare = std::mem::replace(&mut self.bytes, begun);
        self.at = 0;
        if spare.capacity() <= SPARE_BYTES {
            spare.clear();
            SPARE.set(spare);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::READ_BYTES;
    use bytes::BytesMut;

    fn framed(bodies: &[&[u8]]) -> BytesMut {
        let mut framed = BytesMut::new();
        bodies.iter().for_each(|body| frame::put(&mut framed, body));
        framed
    }

    #[test]
    fn frames_come_out_whole_however_they_came_in() {
        let (mut input, mut seen) = (Input::default(), Vec::new());
        for byte in framed(&[b"one", b"", b"three"]) {
            input.room(1).push(byte);
            while input.next(5).unwrap() {
                seen.push(input.frame().to_vec());
            }
            input.settle();
        }
        assert_eq!(seen, [&b"one"[..], b"", b"three"]);
        assert_eq!((input.unread(), input.bytes.capacity()), (0, 0));
    }

    #[test]
    fn the_frame_that_is_served_stays_while_more_is_read() {
        let mut input = Input::default();
        input.extend(&framed(&[b"one", b"two"]));
        assert!(input.next(5).unwrap());
        assert_eq!(input.unread(), 7);
        input.room(SPARE_BYTES * 2).extend_from_slice(&framed(&[b"three"]));
        input.settle();
        assert_eq!(input.frame(), b"one");
        assert!(input.next(5).unwrap());
        input.pass_over(4);
        assert_eq!((input.frame(), input.rest()), (&b"two"[..], &b"three"[..]));
    }

    #[test]
    fn a_frame_that_was_served_holds_no_buffer_while_its_call_waits() {
        let mut input = Input::default();
        input.room(READ_BYTES).extend_from_slice(&framed(&[b"get"]));
        assert!(input.next(5).unwrap());
        input.forget_frame();
        assert_eq!((input.frame(), input.bytes.capacity()), (&b""[..], 0));
    }

    #[test]
    fn what_has_begun_is_kept_and_the_buffer_passed_on() {
        let (mut input, mut other) = (Input::default(), Input::default());
        input.room(READ_BYTES).extend_from_slice(&framed(&[b"long"])[..6]);
        let capacity = input.bytes.capacity();
        assert!(!input.next(5).unwrap());
        input.settle();
        assert_eq!((input.rest(), input.bytes.capacity()), (&b"\0\0\0\x04lo"[..], 6));
        assert_eq!(other.room(1).capacity(), capacity);
    }
}
