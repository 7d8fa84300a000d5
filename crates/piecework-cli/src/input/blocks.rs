//! Cuts a stream into blocks for the standard input of commands, only between records (`--pipe`).

use std::io::{self, Read};

use anyhow::{Context, bail};

use super::borders::Borders;
use super::lines::Reader;

/// The most that one command gets on its standard input: it travels as one message, and is held in
/// memory on the way.
pub(super) const BLOCK_BYTES_MAX: usize = 256 << 20;

/// No header is longer; the limit keeps a stream without newlines from filling the memory first.
const HEADER_BYTES_MAX: usize = 1 << 20;

/// The blocks.
pub(crate) struct Blocks {
    reader: Reader,
    name: String,
    borders: Borders,
    size: Size,
    /// What each block begins with.
    header: Vec<u8>,
    /// What was read; all before `taken` was given out.
    buffer: Vec<u8>,
    taken: usize,
    bytes_max: usize,
    ended: bool,
}

/// How large a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// As many records as fit so many bytes; one at least.
    Bytes(usize),
    /// So many records.
    Records(usize),
}

impl Blocks {
    /// Cuts the stream; the first `header_lines` lines begin every block.
    ///
    /// # Errors
    /// If the header cannot be read.
    pub(super) fn new(
        (reader, name): (Reader, String),
        borders: Borders,
        size: Size,
        header_lines: usize,
    ) -> anyhow::Result<Self> {
        let (header, buffer) = (Vec::new(), Vec::new());
        let mut blocks = Self {
            reader,
            name,
            borders,
            size,
            header,
            buffer,
            taken: 0,
            bytes_max: BLOCK_BYTES_MAX,
            ended: false,
        };
        blocks.read_header(header_lines)?;
        Ok(blocks)
    }

    fn read_header(&mut self, lines: usize) -> anyhow::Result<()> {
        let newline = Borders { end: b"\n".to_vec(), start: Vec::new() };
        for _ in 0..lines {
            let end = loop {
                if let Some(end) = newline.first(self.ahead(), 1) {
                    break end;
                }
                if self.ended {
                    break self.ahead().len();
                }
                if self.ahead().len() > HEADER_BYTES_MAX {
                    bail!(
                        "the header of {} is longer than {HEADER_BYTES_MAX} bytes\n\
                         hint: does its first line end?",
                        self.name
                    );
                }
                self.read()?;
            };
            let line = self.take(end);
            self.header.extend(line);
        }
        Ok(())
    }

    fn ahead(&self) -> &[u8] {
        self.buffer.get(self.taken..).unwrap_or_default()
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let taken = self.ahead().get(..length).unwrap_or_default().to_vec();
        self.taken += taken.len();
        taken
    }

    /// Reads once.
    fn read(&mut self) -> anyhow::Result<()> {
        /// As much as a pipe holds.
        const READ_BYTES: usize = 64 << 10;
        self.buffer.drain(..self.taken);
        self.taken = 0;
        if self.buffer.len() > self.bytes_max {
            bail!(
                "a block of {} is longer than {} bytes\n\
                 hint: does --recend or --recstart name what is between its records? are there \
                 fewer with -N?",
                self.name,
                self.bytes_max
            );
        }
        let before = self.buffer.len();
        self.buffer.resize(before + READ_BYTES, 0);
        let free = self.buffer.get_mut(before..).unwrap_or_default();
        let read = loop {
            match self.reader.read(free) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.with_context(|| format!("cannot read {}", self.name))?,
            }
        };
        self.buffer.truncate(before + read);
        self.ended = read == 0;
        Ok(())
    }

    /// Returns how long the next block is; 0 at the end.
    fn measure(&mut self) -> anyhow::Result<usize> {
        match self.size {
            Size::Bytes(bytes) => self.measure_bytes(bytes),
            Size::Records(count) => self.measure_records(count),
        }
    }

    fn measure_bytes(&mut self, bytes: usize) -> anyhow::Result<usize> {
        while self.ahead().len() < bytes && !self.ended {
            self.read()?;
        }
        let ahead = self.ahead();
        match ahead.get(..bytes) {
            None => Ok(ahead.len()), // the last block
            Some(fitting) => match self.borders.last(fitting) {
                Some(border) => Ok(border),
                None => self.measure_records(1), // one record alone is larger
            },
        }
    }

    fn measure_records(&mut self, count: usize) -> anyhow::Result<usize> {
        let (mut border, mut searched) = (0, 0);
        for _ in 0..count {
            border = loop {
                let from = (border + 1).max(searched);
                if let Some(found) = self.borders.first(self.ahead(), from) {
                    break found;
                }
                if self.ended {
                    return Ok(self.ahead().len());
                }
                searched = self.ahead().len().saturating_sub(self.borders.undecided());
                self.read()?;
            };
        }
        Ok(border)
    }
}

impl Iterator for Blocks {
    type Item = anyhow::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.measure() {
            Err(error) => Some(Err(error)),
            Ok(0) => None,
            Ok(length) => {
                let mut block = self.header.clone();
                block.extend(self.take(length));
                Some(Ok(block))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &'static str, ends: (&str, &str), size: Size, header_lines: usize) -> Vec<String> {
        let borders = Borders { end: ends.0.into(), start: ends.1.into() };
        let reader: Reader = Box::new(Drip(text.as_bytes()));
        let blocks = Blocks::new((reader, "text".into()), borders, size, header_lines).unwrap();
        blocks.map(|block| String::from_utf8(block.unwrap()).unwrap()).collect()
    }

    /// Gives three bytes at a time, so that every border falls between two reads once.
    struct Drip(&'static [u8]);

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(3);
            self.0.read(&mut buffer[..length])
        }
    }

    const LINES: (&str, &str) = ("\n", "");

    #[test]
    fn a_block_holds_as_many_records_as_fit() {
        let ten = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
        let blocks = cut(ten, LINES, Size::Bytes(7), 0);
        assert_eq!(blocks, ["1\n2\n3\n", "4\n5\n6\n", "7\n8\n9\n", "10\n"]);
        assert_eq!(cut(ten, LINES, Size::Bytes(100), 0), [ten]);
        assert_eq!(cut("", LINES, Size::Bytes(7), 0), [""; 0]);
        assert_eq!(cut("a\nb", LINES, Size::Bytes(3), 0), ["a\n", "b"]);
    }

    #[test]
    fn a_record_that_is_larger_has_a_block_of_its_own() {
        assert_eq!(cut("aaaaaaaa\nb\nc", LINES, Size::Bytes(2), 0), ["aaaaaaaa\n", "b\n", "c"]);
        assert_eq!(cut("aaaaaaaa", LINES, Size::Bytes(2), 0), ["aaaaaaaa"]);
    }

    #[test]
    fn records_are_counted_off() {
        assert_eq!(cut("1\n22\n\n4\n5", LINES, Size::Records(2), 0), ["1\n22\n", "\n4\n", "5"]);
        assert_eq!(cut("a;b;c;d", (";", ""), Size::Records(2), 0), ["a;b;", "c;d"]);
        assert_eq!(cut("a--b--", ("--", ""), Size::Records(1), 0), ["a--", "b--"]);
        assert_eq!(cut("ab", ("", ""), Size::Records(1), 0), ["a", "b"]);
    }

    #[test]
    fn records_may_be_known_by_their_start() {
        let text = ">a\n1\n>b\n2\n>c\n3\n";
        for size in [Size::Records(1), Size::Bytes(8), Size::Bytes(1)] {
            assert_eq!(cut(text, ("", ">"), size, 0), [">a\n1\n", ">b\n2\n", ">c\n3\n"]);
        }
        // The second start comes in two reads.
        assert_eq!(cut(">>aaa>>b", ("", ">>"), Size::Records(1), 0), [">>aaa", ">>b"]);
        let both = cut(">a\n1\n;>b\n2;\n>c\n3;>d", (";", ">"), Size::Records(1), 0);
        assert_eq!(both, [">a\n1\n;", ">b\n2;\n>c\n3;", ">d"]);
    }

    #[test]
    fn the_header_begins_every_block() {
        assert_eq!(cut("h\n1\n2\n", LINES, Size::Records(1), 1), ["h\n1\n", "h\n2\n"]);
        assert_eq!(cut("h\nk\n1\n2\n", LINES, Size::Bytes(2), 2), ["h\nk\n1\n", "h\nk\n2\n"]);
        assert_eq!(cut("h", LINES, Size::Records(1), 1), [""; 0]);
    }

    #[test]
    fn bytes_without_a_border_are_cut_anywhere() {
        assert_eq!(cut("abcdefg", ("", ""), Size::Bytes(3), 0), ["abc", "def", "g"]);
    }

    #[test]
    fn a_record_without_end_is_refused() {
        let borders = Borders { end: b"\n".to_vec(), start: Vec::new() };
        let endless: Reader = Box::new(io::repeat(b'x'));
        let mut blocks = Blocks::new((endless, "text".into()), borders, Size::Bytes(9), 0).unwrap();
        blocks.bytes_max = 100_000;
        let error = blocks.next().unwrap().unwrap_err().to_string();
        assert!(blocks.buffer.len() < 200_000);
        assert!(error.contains("100000 bytes") && error.contains("hint"), "{error}");
    }
}
