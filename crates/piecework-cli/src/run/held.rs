//! Output that waits for its turn: a little of it in memory, the rest in a file that nobody sees.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use anyhow::Context;

/// Parts are held in memory up to so many bytes together: lines of a command that waits for its
/// turn. A file for each would take a descriptor for each.
const IN_MEMORY_BYTES_MAX: usize = 64 << 10;

/// One stream of one command.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// What came in parts, already long.
    file: Option<File>,
    /// What came with the end.
    rest: Vec<u8>,
    /// How much of that has been read.
    at: usize,
}

impl Held {
    /// All of a short stream.
    pub(crate) fn short(rest: Vec<u8>) -> Self {
        Self { rest, ..Self::default() }
    }

    /// All of a stream that is in a file already.
    pub(crate) fn long(file: File) -> Self {
        Self { file: Some(file), ..Self::default() }
    }

    /// Adds a part.
    ///
    /// # Errors
    /// If there is no room for temporary files.
    pub(crate) fn add(&mut self, part: &[u8]) -> anyhow::Result<()> {
        if self.file.is_none() && self.rest.len() + part.len() <= IN_MEMORY_BYTES_MAX {
            self.rest.extend(part);
            return Ok(());
        }
        let failed = "cannot keep long output in a temporary file; hint: TMPDIR names the folder";
        if self.file.is_none() {
            self.file = Some(tempfile::tempfile().context(failed)?);
        }
        let file = self.file.as_mut().expect("just made");
        let begun = std::mem::take(&mut self.rest);
        file.write_all(&begun).and_then(|()| file.write_all(part)).context(failed)
    }

    /// Adds what came with the end.
    pub(crate) fn end(&mut self, rest: Vec<u8>) {
        if self.rest.is_empty() {
            self.rest = rest;
        } else {
            self.rest.extend(rest);
        }
    }

    /// Whether a file holds some of it.
    pub(crate) fn is_file(&self) -> bool {
        self.file.is_some()
    }

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.file.is_none() && self.rest.is_empty()
    }

    /// Bytes of it in memory.
    pub(crate) fn in_memory(&self) -> usize {
        self.rest.len()
    }

    /// The last bytes of what is in memory, at most so many.
    pub(crate) fn tail(&self, bytes_max: usize) -> &[u8] {
        self.rest.get(self.rest.len().saturating_sub(bytes_max)..).unwrap_or_default()
    }
}

impl Read for Held {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            let count = file.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
        }
        let count = self.rest.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

impl Seek for Held {
    /// Back to the start; it is read from there each time.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if to != SeekFrom::Start(0) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.at = 0;
        match &mut self.file {
            Some(file) => file.seek(to),
            None => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_rest_are_read_in_order_and_again() {
        let mut held = Held::default();
        assert!(held.is_empty());
        let long = "first ".repeat(IN_MEMORY_BYTES_MAX);
        held.add(b"begun ").unwrap();
        assert!(!held.is_file());
        held.add(long.as_bytes()).unwrap();
        assert!(held.is_file());
        held.add(b"second ").unwrap();
        held.end(b"rest".to_vec());
        for _ in 0..2 {
            let mut text = String::new();
            held.rewind().unwrap();
            held.read_to_string(&mut text).unwrap();
            assert_eq!(text, format!("begun {long}second rest"));
        }
        assert_eq!((held.in_memory(), held.tail(2)), (4, &b"st"[..]));
    }
}
