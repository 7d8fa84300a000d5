//! Where the arguments of a run come from: `:::`, a file, or standard input, read one at a time.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use anyhow::{Context, bail};

/// The longest argument that is read. The system refuses longer ones when the command is started;
/// the limit keeps a file without separators from filling the memory first.
const ARGUMENT_BYTES_MAX: usize = 1 << 20;

/// Stands between the command and its arguments.
const LIST_MARK: &str = ":::";

/// Words of the next vocabulary that must not be taken for arguments in silence.
const LATER_MARKS: [&str; 3] = [":::+", "::::", "::::+"];

/// Parts the words after the options into the command and, after `:::`, its arguments.
///
/// # Errors
/// If there is more than one list.
pub(crate) fn split(words: &[OsString]) -> anyhow::Result<(Vec<OsString>, Option<Vec<OsString>>)> {
    if let Some(mark) = words.iter().find(|word| LATER_MARKS.iter().any(|mark| word == mark)) {
        bail!(
            "{} is not understood\nhint: one list of arguments after {LIST_MARK}",
            mark.display()
        );
    }
    let mut lists = words.split(|word| word == LIST_MARK).map(<[OsString]>::to_vec);
    let command = lists.next().unwrap_or_default();
    let arguments = lists.next();
    if lists.next().is_some() {
        bail!("{LIST_MARK} stands there twice\nhint: one list of arguments after one {LIST_MARK}");
    }
    Ok((command, arguments))
}

/// The arguments, in order; each is raw bytes.
#[derive(Debug)]
pub(crate) enum Input {
    /// Given on the command line.
    List(std::vec::IntoIter<OsString>),
    /// Read from a file or from standard input, `separator` after each.
    Stream { reader: Reader, name: String, separator: u8, number: u64 },
}

type Reader = BufReader<Box<dyn ReadDebug>>;

impl Input {
    /// Takes the arguments of the command line.
    pub(crate) fn list(arguments: Vec<OsString>) -> Self {
        Self::List(arguments.into_iter())
    }

    /// Reads standard input.
    pub(crate) fn stdin(separator: u8) -> Self {
        Self::stream(Box::new(io::stdin()), "standard input".to_owned(), separator)
    }

    /// Reads a file; `-` is standard input.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub(crate) fn file(path: &Path, separator: u8) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::stdin(separator));
        }
        let name = path.display().to_string();
        let file =
            File::open(path).with_context(|| format!("cannot read arguments from {name}"))?;
        Ok(Self::stream(Box::new(file), name, separator))
    }

    fn stream(source: Box<dyn ReadDebug>, name: String, separator: u8) -> Self {
        Self::Stream { reader: BufReader::new(source), name, separator, number: 0 }
    }

    /// Returns how many arguments there are, where that is known before they are read.
    pub(crate) fn len(&self) -> Option<u64> {
        match self {
            Self::List(list) => Some(list.len() as u64),
            Self::Stream { .. } => None,
        }
    }
}

impl Iterator for Input {
    type Item = anyhow::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::List(list) => list.next().map(OsString::into_vec).map(Ok),
            Self::Stream { reader, name, separator, number } => {
                *number += 1;
                read_one(reader, *separator)
                    .with_context(|| format!("cannot read argument {number} from {name}"))
                    .transpose()
            }
        }
    }
}

/// Reads up to the separator or the end; `None` when there is nothing more.
fn read_one(reader: &mut impl BufRead, separator: u8) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(ARGUMENT_BYTES_MAX as u64 + 1).read_until(separator, &mut bytes)?;
    if bytes.last() == Some(&separator) {
        bytes.pop();
    } else if bytes.is_empty() {
        return Ok(None);
    } else if bytes.len() > ARGUMENT_BYTES_MAX {
        let text =
            format!("longer than {ARGUMENT_BYTES_MAX} bytes\nhint: is -0 missing, or too much?");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(Some(bytes))
}

/// What arguments can be read from by a thread of its own.
pub(crate) trait ReadDebug: Read + Send + std::fmt::Debug {}
impl<T: Read + Send + std::fmt::Debug> ReadDebug for T {}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &'static [u8], separator: u8) -> Vec<Vec<u8>> {
        Input::stream(Box::new(text), "text".into(), separator).map(Result::unwrap).collect()
    }

    #[test]
    fn lines_end_with_a_newline_or_the_input() {
        assert_eq!(all(b"a\n\n b \r\nlast", b'\n'), [&b"a"[..], b"", b" b \r", b"last"]);
        assert!(all(b"", b'\n').is_empty());
    }

    #[test]
    fn names_may_hold_newlines_and_any_bytes() {
        assert_eq!(all(b"a\nb\0\xff\0", 0), [&b"a\nb"[..], b"\xff"]);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut input = Input::stream(Box::new(io::repeat(b'x')), "text".into(), b'\n');
        let error = format!("{:#}", input.next().unwrap().unwrap_err());
        assert!(error.contains("argument 1 from text") && error.contains("1048576"), "{error}");
    }

    #[test]
    fn the_list_begins_at_its_mark() {
        let words = |words: &[&str]| split(&words.iter().map(OsString::from).collect::<Vec<_>>());
        let (command, list) = words(&["wc", "-l", ":::", "a", "b"]).unwrap();
        assert_eq!((command.len(), list.unwrap().len()), (2, 2));
        assert_eq!(words(&["wc"]).unwrap().1, None);
        assert_eq!(words(&[":::"]).unwrap(), (vec![], Some(vec![])));
        assert!(words(&["a", ":::", "b", ":::", "c"]).is_err());
        assert!(words(&["a", "::::", "b"]).is_err());
    }
}
