//! Cuts frames from a growing buffer, and writes their headers.
//!
//! A frame is its length as a big-endian `i32`, then that many bytes. The length -1 says that the
//! true one follows as a big-endian `u64`; it may be small, too.
use bytes::{Buf, BufMut, Bytes, BytesMut};
use smallvec::SmallVec;
use std::ops::Range;

use crate::WireError;

/// The longest frame that is read unless the caller says otherwise: 1 GiB, a bound for memory
/// rather than for programs, none of which was seen to put a tenth of it in one call.
pub const FRAME_BYTES_MAX: usize = 1 << 30;

const SHORT_HEADER: usize = 4;
const LONG_HEADER: usize = 12;
const LONG_MARK: i32 = -1;

/// Takes one whole frame off the front of `buffer`, and returns its body.
///
/// `None` means that more bytes are needed; [`missing`] says how many. A length is checked before
/// anything is allocated for it.
///
/// # Errors
/// The frame announces a negative length, or more than `bytes_max`.
pub fn cut(buffer: &mut BytesMut, bytes_max: usize) -> Result<Option<Bytes>, WireError> {
    let Some(body) = find(buffer, bytes_max)? else { return Ok(None) };
    buffer.advance(body.start);
    Ok(Some(buffer.split_to(body.len()).freeze()))
}

/// Says where the body of the frame is that `bytes` begin with; what follows it is the next one.
///
/// `None` and errors are as of [`cut`].
///
/// # Errors
/// The frame announces a negative length, or more than `bytes_max`.
#[inline]
pub fn find(bytes: &[u8], bytes_max: usize) -> Result<Option<Range<usize>>, WireError> {
    let Some((header, len)) = header(bytes)? else { return Ok(None) };
    let Some(len) = usize::try_from(len).ok().filter(|len| *len <= bytes_max) else {
        return Err(WireError::FrameTooLong { len, max: bytes_max });
    };
    let is_whole = bytes.len() - header >= len;
    Ok(is_whole.then_some(header..header + len))
}

/// Returns how many bytes the frame at the front of `buffer` still lacks, once its header is in.
///
/// Meant for reserving room after [`cut`] has returned `None`, so that the length is checked.
pub fn missing(buffer: &[u8]) -> Option<usize> {
    let (header, len) = header(buffer).ok()??;
    let whole = header.saturating_add(usize::try_from(len).ok()?);
    Some(whole.saturating_sub(buffer.len()))
}

/// Returns how long the frame at the front of `buffer` is with its header, once that is in: for
/// passing over one that is too long.
pub fn announced(buffer: &[u8]) -> Option<u64> {
    let (header, len) = header(buffer).ok()??;
    Some(len.saturating_add(header as u64))
}

/// Returns the header of a frame whose body has `body_len` bytes.
pub fn header_of(body_len: usize) -> SmallVec<[u8; LONG_HEADER]> {
    let mut header = SmallVec::new();
    match i32::try_from(body_len) {
        Ok(len) => header.extend_from_slice(&len.to_be_bytes()),
        Err(_) => {
            header.extend_from_slice(&LONG_MARK.to_be_bytes());
            header.extend_from_slice(&(body_len as u64).to_be_bytes());
        }
    }
    header
}

/// Appends the header of a frame whose body has `body_len` bytes.
pub fn put_header(out: &mut BytesMut, body_len: usize) {
    out.put_slice(&header_of(body_len));
}

/// Appends a whole frame.
pub fn put(out: &mut BytesMut, body: &[u8]) {
    out.reserve(LONG_HEADER + body.len());
    put_header(out, body.len());
    out.put_slice(body);
}

/// Appends a frame whose body is written by `write`, and fills in its header afterwards.
pub(crate) fn put_with(out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
    let at = out.len();
    out.put_i32(0);
    write(out);
    let len = out.len() - at - SHORT_HEADER;
    if let (Ok(short), Some(header)) = (i32::try_from(len), out.get_mut(at..at + SHORT_HEADER)) {
        header.copy_from_slice(&short.to_be_bytes());
        return;
    }
    // Bodies past 2 GiB are as good as never seen: one move of the bytes is the simple way.
    let body = out.split_off(at + SHORT_HEADER);
    out.truncate(at);
    put(out, &body);
}

/// Reads the header: its own length, and the length it announces.
fn header(mut bytes: &[u8]) -> Result<Option<(usize, u64)>, WireError> {
    if bytes.len() < SHORT_HEADER {
        return Ok(None);
    }
    match bytes.get_i32() {
        LONG_MARK if bytes.len() < LONG_HEADER - SHORT_HEADER => Ok(None),
        LONG_MARK => Ok(Some((LONG_HEADER, bytes.get_u64()))),
        len => match u64::try_from(len) {
            Ok(len) => Ok(Some((SHORT_HEADER, len))),
            Err(_) => Err(WireError::FrameLength(len)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_frames_that_come_byte_by_byte() {
        let mut sent = BytesMut::new();
        put(&mut sent, b"one");
        put(&mut sent, b"");
        put(&mut sent, b"three");
        let (mut buffer, mut seen) = (BytesMut::new(), Vec::new());
        for byte in sent {
            buffer.put_u8(byte);
            while let Some(body) = cut(&mut buffer, 5).unwrap() {
                seen.push(body);
            }
        }
        assert_eq!(seen, ["one", "", "three"]);
        assert!(buffer.is_empty());
    }

    #[test]
    fn takes_the_long_form_for_any_length() {
        let mut buffer = BytesMut::from(&b"\xff\xff\xff\xff\0\0\0\0\0\0\0\x02hi!"[..]);
        assert_eq!(cut(&mut buffer, 9).unwrap().unwrap(), "hi");
        assert_eq!(&buffer[..], b"!");
    }

    #[test]
    fn says_what_is_missing_once_the_header_is_in() {
        assert_eq!(missing(b"\0\0\0"), None);
        assert_eq!(missing(b"\0\0\0\x05ab"), Some(3));
        assert_eq!(missing(b"\xff\xff\xff\xff\0\0\0\0\0\0\0"), None);
        assert_eq!(missing(b"\xff\xff\xff\xff\0\0\0\0\0\0\0\x05"), Some(5));
        assert_eq!(missing(b"\0\0\0\x01abc"), Some(0));
    }

    #[test]
    fn refuses_lengths_before_the_body_is_there() {
        let long = cut(&mut BytesMut::from(&b"\0\0\0\x0b"[..]), 10);
        assert_eq!(long, Err(WireError::FrameTooLong { len: 11, max: 10 }));
        let longer = cut(&mut BytesMut::from(&[0xff; 12][..]), FRAME_BYTES_MAX);
        assert_eq!(longer, Err(WireError::FrameTooLong { len: u64::MAX, max: FRAME_BYTES_MAX }));
        let negative = cut(&mut BytesMut::from(&b"\xff\xff\xff\xfe"[..]), 10);
        assert_eq!(negative, Err(WireError::FrameLength(-2)));
    }

    #[test]
    fn headers_change_form_after_2_gib() {
        let mut out = BytesMut::new();
        put_header(&mut out, 0x7fff_ffff);
        assert_eq!(&out[..], b"\x7f\xff\xff\xff");
        out.clear();
        put_header(&mut out, 0x8000_0000);
        assert_eq!(&out[..], b"\xff\xff\xff\xff\0\0\0\0\x80\0\0\0");
    }

    #[test]
    fn a_written_body_gets_its_header() {
        let mut out = BytesMut::from(&b"before"[..]);
        put_with(&mut out, |out| out.put_slice(b"body"));
        assert_eq!(&out[..], b"before\0\0\0\x04body");
    }
}
