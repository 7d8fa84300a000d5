//! Lines of a file or of standard input, each up to a separator.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context;

use super::columns::is_open;

/// The longest line that is read. The system refuses longer arguments when the command is started;
/// the limit keeps a file without separators from filling the memory first.
const LINE_BYTES_MAX: usize = 1 << 20;

/// What lines can be read from by a thread of its own.
pub(super) type Reader = Box<dyn Read + Send>;

/// Opens a file; `-` is standard input.
///
/// # Errors
/// If the file cannot be opened.
pub(super) fn open(path: &Path) -> anyhow::Result<(Reader, String)> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), "standard input".to_owned()));
    }
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| format!("cannot read arguments from {name}"))?;
    Ok((Box::new(file), name))
}

/// The lines.
pub(super) struct Lines {
    reader: BufReader<Reader>,
    name: String,
    /// Never empty.
    separator: Vec<u8>,
    /// Whether a separator in double quotes is part of the line.
    quotes: bool,
    number: u64,
}

impl Lines {
    /// Takes the lines of a reader; `name` is for errors.
    pub(super) fn new(reader: Reader, name: String, separator: Vec<u8>, quotes: bool) -> Self {
        debug_assert!(!separator.is_empty(), "an empty separator ends no line");
        Self { reader: BufReader::new(reader), name, separator, quotes, number: 0 }
    }

    /// Reads up to the separator or the end; `None` when there is nothing more.
    fn read_one(&mut self) -> io::Result<Option<Vec<u8>>> {
        let last = self.separator.last().copied().unwrap_or_default();
        let mut bytes = Vec::new();
        loop {
            let allowed = (LINE_BYTES_MAX + 1).saturating_sub(bytes.len()) as u64;
            let read = self.reader.by_ref().take(allowed).read_until(last, &mut bytes)?;
            if bytes.ends_with(&self.separator) && !(self.quotes && is_open(&bytes)) {
                bytes.truncate(bytes.len() - self.separator.len());
                return Ok(Some(bytes));
            }
            if bytes.len() > LINE_BYTES_MAX {
                let text = format!(
                    "longer than {LINE_BYTES_MAX} bytes\n\
                     hint: is -0 or -d missing, or too much? --pipe gives input to the commands"
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            if read == 0 {
                return Ok(if bytes.is_empty() { None } else { Some(bytes) });
            }
        }
    }
}

impl Iterator for Lines {
    type Item = anyhow::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.number += 1;
        self.read_one()
            .with_context(|| format!("cannot read argument {} from {}", self.number, self.name))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &'static [u8], separator: &[u8], quotes: bool) -> Vec<Vec<u8>> {
        let lines = Lines::new(Box::new(text), "text".into(), separator.to_vec(), quotes);
        lines.map(Result::unwrap).collect()
    }

    #[test]
    fn lines_end_with_a_newline_or_the_input() {
        assert_eq!(all(b"a\n\n b \r\nlast", b"\n", false), [&b"a"[..], b"", b" b \r", b"last"]);
        assert!(all(b"", b"\n", false).is_empty());
    }

    #[test]
    fn names_may_hold_newlines_and_any_bytes() {
        assert_eq!(all(b"a\nb\0\xff\0", b"\0", false), [&b"a\nb"[..], b"\xff"]);
    }

    #[test]
    fn a_separator_may_be_long() {
        assert_eq!(all(b"a;b;;c;;;d", b";;", false), [&b"a;b"[..], b"c", b";d"]);
        assert_eq!(all(b"aababc", b"abc", false), [b"aab"]);
    }

    #[test]
    fn quotes_hold_a_line_together_if_asked() {
        assert_eq!(all(b"a,\"b\nc\"\nd", b"\n", true), [&b"a,\"b\nc\""[..], b"d"]);
        assert_eq!(all(b"\"a\nb", b"\n", true), [b"\"a\nb"]);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let endless = Box::new(io::repeat(b'x'));
        let mut lines = Lines::new(endless, "text".into(), b"\n".to_vec(), false);
        let error = format!("{:#}", lines.next().unwrap().unwrap_err());
        assert!(error.contains("argument 1 from text") && error.contains("1048576"), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = open(Path::new("/no/such/file")).err().unwrap();
        assert!(format!("{error:#}").contains("/no/such/file"), "{error:#}");
    }
}
