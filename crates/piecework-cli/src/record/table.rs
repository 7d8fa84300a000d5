//! `--results FILE.csv` and `FILE.tsv`: a row for each task, with GNU parallel's columns.

use std::io::{self, Write};
use std::path::Path;

use super::file::{RecordFile, Rows};
use super::job_log::{HEADER, ends, seconds};
use super::stream::{Stream, Written, each_part};
use crate::run::piece::Finished;

/// A table that grows.
#[derive(Debug)]
pub(super) struct Table {
    file: RecordFile,
    separator: u8,
    /// The names of the columns of arguments; those that have none are `V1`, `V2`, ...
    names: Vec<Vec<u8>>,
    /// Whether the first row, with the names, is still to be written: only the first task tells
    /// how many columns there are.
    is_empty: bool,
}

impl Table {
    /// Opens the file, which is emptied unless the table goes on.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn open(
        path: &Path,
        separator: u8,
        names: &[Vec<u8>],
        goes_on: bool,
    ) -> anyhow::Result<Self> {
        let (file, has_rows) = if goes_on {
            RecordFile::go_on(path, Rows::Quoted)?
        } else {
            (RecordFile::create(path)?, false)
        };
        Ok(Self { file, separator, names: names.to_vec(), is_empty: !has_rows })
    }

    /// Adds the row of a task.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn add(
        &mut self,
        finished: &Finished,
        command: &[u8],
        written: &mut Written<'_>,
    ) -> anyhow::Result<()> {
        if self.is_empty {
            let names = self.names(finished.args.len());
            self.file.add(|out| out.write_all(&names))?;
            self.is_empty = false;
        }
        let Finished { seq, host, started, sent, received, .. } = finished;
        let (code, signal) = ends(finished);
        let mut row = Row::new(self.separator);
        row.push(seq.to_string().as_bytes());
        row.push(host.as_bytes());
        row.push(format!("{started:.3}").as_bytes());
        row.push(format!("{:.3}", seconds(finished)).as_bytes());
        row.push(sent.to_string().as_bytes());
        row.push(received.to_string().as_bytes());
        row.push(code.to_string().as_bytes());
        row.push(signal.to_string().as_bytes());
        row.push(command);
        finished.args.iter().for_each(|arg| row.push(arg));
        let separator = self.separator;
        self.file.add(|out| {
            out.write_all(&row.bytes)?;
            for stream in [&mut *written.stdout, &mut *written.stderr] {
                out.write_all(&[separator])?;
                write_stream(out, stream, separator)?;
            }
            out.write_all(b"\n")
        })
    }

    /// The first row.
    fn names(&self, columns: usize) -> Vec<u8> {
        let mut row = Row::new(self.separator);
        HEADER.iter().for_each(|name| row.push(name.as_bytes()));
        for column in 1..=columns {
            match self.names.get(column - 1) {
                Some(name) => row.push(name),
                None => row.push(format!("V{column}").as_bytes()),
            }
        }
        row.push(b"Stdout");
        row.push(b"Stderr");
        row.bytes.push(b'\n');
        row.bytes
    }
}

/// A row that grows.
struct Row {
    separator: u8,
    bytes: Vec<u8>,
}

impl Row {
    fn new(separator: u8) -> Self {
        Self { separator, bytes: Vec::new() }
    }

    fn push(&mut self, field: &[u8]) {
        if !self.bytes.is_empty() {
            self.bytes.push(self.separator);
        }
        let quote: &[u8] = if needs_quotes(field, self.separator) { b"\"" } else { b"" };
        self.bytes.extend(quote);
        self.bytes.extend(doubled(field));
        self.bytes.extend(quote);
    }
}

/// Writes all of a stream as one field.
fn write_stream(out: &mut dyn Write, stream: &mut dyn Stream, separator: u8) -> io::Result<()> {
    let mut quoted = false;
    each_part(stream, |part| {
        quoted = quoted || needs_quotes(part, separator);
        Ok(())
    })?;
    let quote: &[u8] = if quoted { b"\"" } else { b"" };
    out.write_all(quote)?;
    each_part(stream, |part| out.write_all(&doubled(part)))?;
    out.write_all(quote)
}

/// What GNU parallel quotes: white space of any kind is enough.
fn needs_quotes(field: &[u8], separator: u8) -> bool {
    field.iter().any(|byte| {
        matches!(byte, b'"' | b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0) || *byte == separator
    })
}

/// A field with each quote doubled.
fn doubled(field: &[u8]) -> Vec<u8> {
    let mut doubled = Vec::with_capacity(field.len());
    for byte in field {
        if *byte == b'"' {
            doubled.push(b'"');
        }
        doubled.push(*byte);
    }
    doubled
}

#[cfg(test)]
mod tests {
    use super::super::testing::ok;
    use super::*;
    use std::io::Cursor;

    fn add(table: &mut Table, finished: &Finished, command: &str, stderr: &[u8]) {
        let stdout = &finished.result.as_ref().unwrap().stdout;
        let mut written =
            Written { stdout: &mut Cursor::new(stdout), stderr: &mut Cursor::new(stderr) };
        table.add(finished, command.as_bytes(), &mut written).unwrap();
    }

    /// The table of three tasks, the way that GNU parallel writes it.
    fn table(name: &str, separator: u8, names: &[Vec<u8>]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut table = Table::open(&path, separator, names, false).unwrap();
        add(&mut table, &ok(1, &["1", ""], "1\n"), "echo 1", b"");
        drop(table);
        let mut table = Table::open(&path, separator, names, true).unwrap();
        add(&mut table, &ok(2, &["a \"b", "x,y"], "out"), "cmd", b"a\n\"\n");
        add(&mut table, &ok(3, &["x\ty"], ""), "", b"\0");
        std::fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn rows_are_those_of_gnu_parallel() {
        assert_eq!(
            table("t.csv", b',', &[]),
            "Seq,Host,Starttime,JobRuntime,Send,Receive,Exitval,Signal,Command,V1,V2,Stdout,Stderr\n\
             1,:,1700000000.500,1.250,3,2,0,0,\"echo 1\",1,,\"1\n\",\n\
             2,:,1700000000.500,1.250,3,3,0,0,cmd,\"a \"\"b\",\"x,y\",out,\"a\n\"\"\n\"\n\
             3,:,1700000000.500,1.250,3,0,0,0,,\"x\ty\",,\"\0\"\n"
        );
        let tabs = table("t.tsv", b'\t', &[b"the name".to_vec()]);
        assert!(tabs.contains("\tCommand\t\"the name\"\tV2\tStdout\tStderr\n"), "{tabs}");
        assert!(tabs.contains("\tcmd\t\"a \"\"b\"\tx,y\tout\t"), "{tabs}");
    }

    #[test]
    fn one_character_anywhere_has_long_output_quoted() {
        let long = vec![b'x'; 200_000];
        for (at, quotes) in [(None, 0), (Some(0), 2), (Some(100_000), 2), (Some(199_999), 2)] {
            let mut long = long.clone();
            at.into_iter().for_each(|at: usize| long[at] = b' ');
            let mut field = Vec::new();
            write_stream(&mut field, &mut Cursor::new(&long), b',').unwrap();
            assert_eq!(field.len(), long.len() + quotes, "{at:?}");
        }
    }
}
