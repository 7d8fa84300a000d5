//! A file that grows by one record at a time, and what to do when it cannot.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// Stands for standard output, as in GNU parallel.
const STDOUT_NAME: &str = "-";

/// Most records with their output fit, and are written in one go.
const BUFFER_BYTES: usize = 64 << 10;

/// Where a record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// At a newline.
    Lines,
    /// At a newline that is not between double quotes.
    Quoted,
}

/// A file of records. Every record that was added is with the system; a kill tears at most one.
#[derive(Debug)]
pub(super) struct RecordFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl RecordFile {
    /// Makes the file, or empties it; `-` is standard output.
    ///
    /// # Errors
    /// If it cannot be written there.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = if path == Path::new(STDOUT_NAME) {
            io::stdout().as_fd().try_clone_to_owned().map(File::from)
        } else {
            File::create(path)
        };
        let file = file.map_err(|error| failed("create", path, &error))?;
        Ok(Self::of(path, file))
    }

    /// Goes on after the last whole record of the file, and tells whether it holds any.
    /// A record that a crash has torn is cut off.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub(super) fn go_on(path: &Path, rows: Rows) -> anyhow::Result<(Self, bool)> {
        let opened = File::options().create(true).truncate(false).read(true).write(true).open(path);
        let mut file = opened.map_err(|error| failed("open", path, &error))?;
        let whole = whole_bytes(BufReader::with_capacity(BUFFER_BYTES, &file), rows)
            .map_err(|error| failed("read", path, &error))?;
        file.set_len(whole)
            .and_then(|()| file.seek(SeekFrom::Start(whole)))
            .map_err(|error| failed("go on with", path, &error))?;
        Ok((Self::of(path, file), whole > 0))
    }

    /// Adds one record.
    ///
    /// # Errors
    /// If it could not be written, or what it is made of not be read.
    pub(super) fn add(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let written = write(&mut self.file).and_then(|()| self.file.flush());
        written.map_err(|error| failed("write to", &self.path, &error))
    }

    fn of(path: &Path, file: File) -> Self {
        Self { path: path.to_owned(), file: BufWriter::with_capacity(BUFFER_BYTES, file) }
    }
}

/// Says what could not be done with a file, and what helps.
pub(super) fn failed(what: &str, path: &Path, error: &io::Error) -> anyhow::Error {
    let hint = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "\nhint: make room, then run the same line again with --resume; what is recorded stays"
        }
        ErrorKind::NotFound => "\nhint: make its folder first",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "\nhint: name a file in a folder of yours"
        }
        ErrorKind::IsADirectory => "\nhint: it is a folder; name a file in it",
        ErrorKind::InvalidFilename => {
            "\nhint: the arguments make its name too long; use --results FILE.jsonl"
        }
        _ => "",
    };
    anyhow::anyhow!("cannot {what} {}: {error}{hint}", path.display())
}

/// How many bytes from the start are whole records.
fn whole_bytes(mut file: impl BufRead, rows: Rows) -> io::Result<u64> {
    let (mut seen, mut whole, mut quoted) = (0, 0, false);
    loop {
        let part = file.fill_buf()?;
        if part.is_empty() {
            return Ok(whole);
        }
        for (at, byte) in (seen + 1..).zip(part) {
            match byte {
                b'"' if rows == Rows::Quoted => quoted = !quoted,
                b'\n' if !quoted => whole = at,
                _ => {}
            }
        }
        let length = part.len();
        seen += length as u64;
        file.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_record_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for (before, rows, after) in [
            ("", Rows::Lines, "new\n"),
            ("torn", Rows::Lines, "new\n"),
            ("a\nb\n", Rows::Lines, "a\nb\nnew\n"),
            ("a\n\"b\nc", Rows::Lines, "a\n\"b\nnew\n"),
            ("a\n\"b\nc", Rows::Quoted, "a\nnew\n"),
            ("a\n\"b \"\"\nc\"\n", Rows::Quoted, "a\n\"b \"\"\nc\"\nnew\n"),
        ] {
            std::fs::write(&path, before).unwrap();
            let (mut file, goes_on) = RecordFile::go_on(&path, rows).unwrap();
            assert_eq!(goes_on, after != "new\n", "{before:?}");
            file.add(|out| out.write_all(b"new\n")).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_says_what_to_do() {
        let mut file = RecordFile::create(Path::new("/dev/full")).unwrap();
        let error = file.add(|out| out.write_all(b"x")).unwrap_err().to_string();
        assert!(error.starts_with("cannot write to /dev/full: No space left"), "{error}");
        assert!(error.contains("hint: make room"), "{error}");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = RecordFile::create(&folder.path().join("no/log")).unwrap_err().to_string();
        assert!(error.contains("no/log") && error.ends_with("make its folder first"), "{error}");
    }
}
