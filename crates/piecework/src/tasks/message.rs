//! What a parent and its child say to each other. Both are the same program, so nobody else has to
//! understand it.
//!
//! A message is a frame: a text, then payloads, each behind its length. A parent's text is the name
//! of a task, and the payloads are its arguments, time after time; a child answers with the results,
//! or with a text that says why there are none.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use piecework_wire::{Payload, WireError, frame};

/// The bytes of a length.
const LENGTH: usize = size_of::<u32>();

/// A message that is read.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) text: String,
    pub(super) payloads: Vec<Payload>,
}

impl Message {
    /// Reads one that came.
    pub(super) fn read(mut bytes: Bytes) -> Result<Self, WireError> {
        let text = String::from_utf8_lossy(&next(&mut bytes)?).into_owned();
        let mut payloads = Vec::new();
        while bytes.has_remaining() {
            payloads.push(Payload::from_bytes(next(&mut bytes)?)?);
        }
        Ok(Self { text, payloads })
    }
}

/// Takes what stands behind the next length.
fn next(bytes: &mut Bytes) -> Result<Bytes, WireError> {
    let len = bytes.try_get_u32_le().ok().and_then(|len| usize::try_from(len).ok());
    match len.filter(|len| *len <= bytes.len()) {
        Some(len) => Ok(bytes.split_to(len)),
        None => Err(WireError::Shape {
            message: "message between parent and child",
            what: "it ends too early".to_owned(),
        }),
    }
}

/// A message that is written.
#[derive(Debug)]
pub(super) struct Draft {
    out: BytesMut,
}

impl Draft {
    pub(super) fn new(text: &str) -> Self {
        let mut draft = Self { out: BytesMut::new() };
        draft.add(|out| out.put_slice(text.as_bytes()));
        draft
    }

    /// Appends what this writes, and gives what it returns.
    pub(super) fn add<R>(&mut self, write: impl FnOnce(&mut BytesMut) -> R) -> R {
        let at = self.out.len();
        self.out.put_bytes(0, LENGTH);
        let written = write(&mut self.out);
        let len = self.out.len() - at - LENGTH;
        // A frame may be no longer than that, and says so.
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let length = self.out.get_mut(at..at + LENGTH).expect("it was put there");
        length.copy_from_slice(&len.to_le_bytes());
        written
    }

    /// The frame.
    pub(super) fn frame(self) -> BytesMut {
        let mut frame = BytesMut::with_capacity(self.out.len() + LENGTH);
        frame::put(&mut frame, &self.out);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use piecework_wire::Value;

    #[test]
    fn what_is_written_is_read() {
        let payloads = [Value::Int(1), Value::from("a")].map(|value| Payload::from_value(&value));
        let mut draft = Draft::new("square");
        for payload in &payloads {
            draft.add(|out| out.put_slice(payload.as_bytes()));
        }
        let mut frame = draft.frame();
        let bytes = frame::cut(&mut frame, frame::FRAME_BYTES_MAX).unwrap().unwrap();
        let read = Message::read(bytes.clone()).unwrap();
        assert_eq!((read.text.as_str(), &read.payloads[..]), ("square", &payloads[..]));
        for len in 0..bytes.len() {
            let cut = Message::read(bytes.slice(..len)).map(|read| read.payloads.len());
            assert!(cut.as_ref().is_err() || cut.as_ref().is_ok_and(|len| *len < 2), "{cut:?}");
        }
    }
}
