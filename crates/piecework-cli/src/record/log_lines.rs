//! Reads job logs: ours and those of GNU parallel, line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::file::failed;
use super::job_log::HEADER;
use crate::plain::shown;

/// The longest line: a command line is 2 MiB at most where Linux is not told otherwise, and eight
/// times that is no memory to speak of.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// A line of a job log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LogLine {
    /// The number of the task.
    pub(super) seq: u64,
    /// Whether Exitval and Signal are 0.
    pub(super) went_well: bool,
    /// The command, with its newlines.
    pub(super) command: Vec<u8>,
    /// Where the line begins in the file.
    pub(super) at: u64,
}

/// The lines of a job log; a last line that has no end is left out.
#[derive(Debug)]
pub(super) struct LogLines {
    path: PathBuf,
    file: BufReader<File>,
    /// The number of the line read last.
    number: u64,
    /// Where the next line begins.
    at: u64,
}

impl LogLines {
    /// Opens a job log; `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(super) fn open(path: &Path) -> anyhow::Result<Option<Self>> {
        match File::open(path) {
            Ok(file) => Ok(Some(Self {
                path: path.to_owned(),
                file: BufReader::new(file),
                number: 0,
                at: 0,
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("open", path, &error)),
        }
    }

    /// Reads the next line that tells of a task.
    ///
    /// # Errors
    /// If the file cannot be read, or holds something else.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<LogLine>> {
        loop {
            let Some(line) = self.line()? else { return Ok(None) };
            let at = self.at;
            self.number += 1;
            self.at += line.len() as u64 + 1;
            match parsed(&line, at) {
                Some(line) => return Ok(Some(line)),
                None if self.number == 1 && is_header(&line) => {}
                None => bail!(
                    "job log {}, line {}: '{}' is not the line of a task\n\
                     hint: remove that line, or name another file with --joblog",
                    self.path.display(),
                    self.number,
                    shown(&line)
                ),
            }
        }
    }

    /// Reads the line that begins at this byte once more.
    ///
    /// # Errors
    /// If it is not there any more.
    pub(super) fn again(&mut self, at: u64) -> anyhow::Result<LogLine> {
        let moved = self.file.seek(SeekFrom::Start(at));
        moved.map_err(|error| failed("read", &self.path, &error))?;
        match self.line()?.and_then(|line| parsed(&line, at)) {
            Some(line) => Ok(line),
            None => bail!(
                "job log {} was changed by somebody else\nhint: run the same line again",
                self.path.display()
            ),
        }
    }

    /// Reads bytes up to a newline, which is taken off.
    fn line(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let read = self.file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        let bytes = read.map_err(|error| failed("read", &self.path, &error))?;
        if line.pop() == Some(b'\n') {
            return Ok(Some(line));
        }
        if bytes as u64 == LINE_BYTES_MAX {
            bail!(
                "job log {}, line {}: longer than {LINE_BYTES_MAX} bytes\n\
                 hint: is it a job log?",
                self.path.display(),
                self.number + 1
            );
        }
        Ok(None)
    }
}

fn parsed(line: &[u8], at: u64) -> Option<LogLine> {
    let mut columns = line.splitn(HEADER.len(), |byte| *byte == b'\t');
    let seq = number(columns.next()?)?;
    // Host, Starttime, JobRuntime, Send and Receive do not matter here.
    let code: i64 = number(columns.nth(5)?)?;
    let signal: i64 = number(columns.next()?)?;
    let command = columns.next()?.iter().map(|byte| if *byte == 0 { b'\n' } else { *byte });
    Some(LogLine { seq, went_well: (code, signal) == (0, 0), command: command.collect(), at })
}

fn number<N: std::str::FromStr>(column: &[u8]) -> Option<N> {
    std::str::from_utf8(column).ok()?.parse().ok()
}

/// Logs that were begun with `+` have no such line.
fn is_header(line: &[u8]) -> bool {
    line.starts_with(b"Seq\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> anyhow::Result<Vec<LogLine>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, text).unwrap();
        let mut lines = LogLines::open(&path).unwrap().unwrap();
        std::iter::from_fn(|| lines.next().transpose()).collect()
    }

    const GNU: &[u8] =
        b"Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n\
        2\t:\t1795327210.477\t     0.000\t0\t2\t0\t0\techo 'c\td'\n\
        1\t:\t1795327210.480\t     0.010\t0\t2\t-1\t15\techo\0true 1\n";

    #[test]
    fn logs_of_gnu_parallel_are_read() {
        let [well, badly] = lines(GNU).unwrap().try_into().unwrap();
        let command = b"echo 'c\td'".to_vec();
        assert_eq!(well, LogLine { seq: 2, went_well: true, command, at: 66 });
        let command = b"echo\ntrue 1".to_vec();
        assert_eq!(badly, LogLine { seq: 1, went_well: false, command, at: 115 });
    }

    #[test]
    fn a_torn_last_line_is_left_out() {
        let whole = lines(GNU).unwrap();
        let torn = [GNU, b"3\t:\t1795327210.477\t     0.000\t0\t2\t0\t0\tech"].concat();
        assert_eq!(lines(&torn).unwrap(), whole);
        assert_eq!(lines(&[GNU, b"3\t:\t179"].concat()).unwrap(), whole);
        assert_eq!(lines(b"").unwrap(), []);
        assert_eq!(lines(b"Seq\tHo").unwrap(), []);
    }

    #[test]
    fn anything_else_is_named_with_its_line() {
        for foreign in ["hello", "3\t:\t1.0\t1.0\t0\t0\t0", "x\t:\t1.0\t1.0\t0\t0\t0\t0\tcmd", ""] {
            let error = lines(&[GNU, foreign.as_bytes(), b"\n"].concat()).unwrap_err().to_string();
            assert!(error.contains(&format!("line 4: '{}'", shown(foreign.as_bytes()))), "{error}");
        }
    }

    #[test]
    fn endless_lines_are_refused() {
        let error = lines(&vec![b'x'; 17 << 20]).unwrap_err().to_string();
        assert!(error.contains("line 1: longer than"), "{error}");
    }

    #[test]
    fn a_line_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, GNU).unwrap();
        let mut lines = LogLines::open(&path).unwrap().unwrap();
        assert_eq!(lines.again(115).unwrap().seq, 1);
        assert_eq!(lines.again(66).unwrap().seq, 2);
        assert!(lines.again(7).is_err());
    }
}
