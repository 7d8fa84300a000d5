//! What a command wrote, read piece by piece: it may be longer than memory.

use std::io::{self, Read, Seek, Write};

/// How much is in memory at a time; a multiple of three, so that base64 has no gaps.
const PART_BYTES: u64 = 48 << 10;

/// What a command wrote on one stream: bytes in memory, or a file.
pub(crate) trait Stream: Read + Seek {}

impl<S: Read + Seek> Stream for S {}

/// What a command wrote.
pub(crate) struct Written<'a> {
    /// On standard output.
    pub(crate) stdout: &'a mut dyn Stream,
    /// On standard error.
    pub(crate) stderr: &'a mut dyn Stream,
}

/// Calls `each` with all bytes from the start, part by part.
pub(super) fn each_part(
    stream: &mut dyn Stream,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    stream.rewind()?;
    let mut part = Vec::new();
    loop {
        part.clear();
        stream.take(PART_BYTES).read_to_end(&mut part)?;
        if part.is_empty() {
            return Ok(());
        }
        each(&part)?;
    }
}

/// Calls `each` with all text from the start, part by part, and tells whether all of it is text.
/// What comes after the first byte that is none is not read.
pub(super) fn each_text(
    stream: &mut dyn Stream,
    mut each: impl FnMut(&str) -> io::Result<()>,
) -> io::Result<bool> {
    stream.rewind()?;
    let mut part = Vec::new();
    loop {
        let begun = part.len(); // of a character that the part before did not end
        stream.take(PART_BYTES).read_to_end(&mut part)?;
        if part.len() == begun {
            return Ok(begun == 0);
        }
        let text = match std::str::from_utf8(&part) {
            Ok(text) => text,
            Err(error) if error.error_len().is_some() => return Ok(false),
            Err(error) => {
                let (text, _) = part.split_at(error.valid_up_to());
                std::str::from_utf8(text).expect("it is text up to there")
            }
        };
        each(text)?;
        let length = text.len();
        part.drain(..length);
    }
}

/// Writes everything.
pub(super) fn copy(stream: &mut dyn Stream, out: &mut dyn Write) -> io::Result<()> {
    each_part(stream, |part| out.write_all(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn text(bytes: &[u8]) -> (String, bool) {
        let mut all = String::new();
        let is_text = each_text(&mut Cursor::new(bytes), |part| {
            all.push_str(part);
            Ok(())
        });
        (all, is_text.unwrap())
    }

    #[test]
    fn characters_across_parts_stay_whole() {
        for offset in 0..4 {
            let long = "x".repeat(offset) + &"\u{1f9f5}".repeat(40_000);
            assert_eq!(text(long.as_bytes()), (long.clone(), true));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_told() {
        assert_eq!(text(b""), (String::new(), true));
        assert!(!text(b"a\xffb").1);
        assert!(!text(b"caf\xc3").1, "a character that never ends");
    }

    #[test]
    fn a_stream_is_read_from_its_start_each_time() {
        let long = vec![7; 200_000];
        let mut stream = Cursor::new(&long);
        for _ in 0..2 {
            let mut all = Vec::new();
            copy(&mut stream, &mut all).unwrap();
            assert_eq!(all, long);
        }
    }
}
