//! The job log, in GNU parallel's format: one line for each task that ended.

use std::path::Path;

use piecework::command::End;

use super::file::{RecordFile, Rows};
use crate::run::piece::Finished;

/// The names of the columns, which are the first line.
pub(super) const HEADER: [&str; 9] =
    ["Seq", "Host", "Starttime", "JobRuntime", "Send", "Receive", "Exitval", "Signal", "Command"];

/// A command that could not be run has the exit code that a shell gives it.
const NOT_RUN_CODE: i32 = 127;

/// The exit code of a command that its time limit ended.
const TIMED_OUT_CODE: i32 = -1;

/// How a job log begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Empty but for the names of the columns.
    Anew,
    /// After the lines that are there.
    GoOn,
    /// After the lines that are there; without the names of the columns even if there are none.
    Append,
}

/// A job log that grows.
#[derive(Debug)]
pub(super) struct JobLog(RecordFile);

impl JobLog {
    /// Opens the file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn open(path: &Path, start: Start) -> anyhow::Result<Self> {
        let (mut file, has_lines) = match start {
            Start::Anew => (RecordFile::create(path)?, false),
            Start::GoOn | Start::Append => RecordFile::go_on(path, Rows::Lines)?,
        };
        if !has_lines && start != Start::Append {
            file.add(|out| writeln!(out, "{}", HEADER.join("\t")))?;
        }
        Ok(Self(file))
    }

    /// Adds the line of a task.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn add(&mut self, finished: &Finished, command: &[u8]) -> anyhow::Result<()> {
        let Finished { seq, host, started, sent, received, .. } = finished;
        let (code, signal) = ends(finished);
        let seconds = seconds(finished);
        let mut line = format!(
            "{seq}\t{host}\t{started:.3}\t{seconds:10.3}\t{sent}\t{received}\t{code}\t{signal}\t"
        )
        .into_bytes();
        line.extend(command.iter().map(|byte| if *byte == b'\n' { 0 } else { *byte }));
        line.push(b'\n');
        self.0.add(|out| out.write_all(&line))
    }
}

/// Tells whether a task went well, by what its line in the job log says.
pub(crate) fn went_well(finished: &Finished) -> bool {
    ends(finished) == (0, 0)
}

/// The columns Exitval and Signal; both are 0 only where the task went well.
pub(super) fn ends(finished: &Finished) -> (i32, i32) {
    let Ok(output) = &finished.result else { return (NOT_RUN_CODE, 0) };
    match output.end {
        End::Code(0) if output.timed_out => (TIMED_OUT_CODE, 0),
        End::Code(code) => (code, 0),
        End::Signal(signal) if output.timed_out => (TIMED_OUT_CODE, signal),
        End::Signal(signal) => (0, signal),
    }
}

/// The column JobRuntime.
pub(super) fn seconds(finished: &Finished) -> f64 {
    finished.result.as_ref().map_or(0.0, |output| output.duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ended, ok};
    use super::*;

    #[test]
    fn lines_are_those_of_gnu_parallel() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = JobLog::open(&path, Start::Anew).unwrap();
        log.add(&ok(1, &["a"], "a\n"), b"echo a").unwrap();
        log.add(&Finished { host: "node1".into(), ..ended(12, End::Signal(9)) }, b"a\nb\tc\xff")
            .unwrap();
        assert_eq!(
            std::fs::read(&path).unwrap(),
            b"Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n\
              1\t:\t1700000000.500\t     1.250\t3\t2\t0\t0\techo a\n\
              12\tnode1\t1700000000.500\t     1.250\t3\t0\t0\t9\ta\0b\tc\xff\n"
        );
    }

    #[test]
    fn the_names_of_the_columns_come_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for (start, lines) in
            [(Start::Append, 0), (Start::GoOn, 1), (Start::GoOn, 1), (Start::Append, 1)]
        {
            JobLog::open(&path, start).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), lines);
        }
    }

    #[test]
    fn both_columns_are_0_only_for_success() {
        let timed_out = |end| {
            let mut finished = ended(1, end);
            finished.result.as_mut().unwrap().timed_out = true;
            finished
        };
        assert_eq!(ends(&ended(1, End::Code(0))), (0, 0));
        assert_eq!(ends(&ended(1, End::Code(3))), (3, 0));
        assert_eq!(ends(&ended(1, End::Signal(15))), (0, 15));
        assert_eq!(ends(&timed_out(End::Signal(15))), (-1, 15));
        assert_eq!(ends(&timed_out(End::Code(3))), (3, 0));
        assert_eq!(ends(&timed_out(End::Code(0))), (-1, 0));
        let not_run = Finished { result: Err("cannot run x".into()), ..ended(1, End::Code(0)) };
        assert_eq!(ends(&not_run), (127, 0));
    }
}
