//! The flags for records, and what they ask for together.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::folders::{Filler, Layout};
use super::job_log::{JobLog, Start};
use super::results::{Form, Results, is_stdout};
use super::{Done, Failed, Records};
use crate::run::books::{RunName, Wanted};

/// What to keep of a run, and what to make of an earlier one.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(group = clap::ArgGroup::new("tells_failed").args(["joblog", "run"]).multiple(true))]
pub(crate) struct RecordArgs {
    /// Keep what each task comes to under this name: the same line again prints what is there, and
    /// runs only what is not
    #[arg(long, value_name = "NAME")]
    run: Option<RunName>,

    /// Throw away what --run has kept, and begin anew
    #[arg(long, requires = "run")]
    restart: bool,

    /// Write a line for each task that ended to FILE, as GNU parallel does; +FILE appends, - is
    /// standard output
    #[arg(long, alias = "jl", value_name = "FILE")]
    joblog: Option<OsString>,

    /// Keep what each task prints: in folders under DIR, or in one file that ends with .csv, .tsv
    /// or .jsonl
    #[arg(long, alias = "res", value_name = "DIR|FILE", allow_hyphen_values = true)]
    results: Option<PathBuf>,

    /// Skip what the job log, or the folder of results, has already; with --run it is done anyway
    #[arg(long)]
    resume: bool,

    /// Skip what went well by the job log, or by what --run has kept; run the rest
    #[arg(long, requires = "tells_failed")]
    resume_failed: bool,

    /// Run only what failed by the job log, with the commands that are written there; with --run,
    /// the same as --resume-failed
    #[arg(long, requires = "tells_failed", conflicts_with_all = ["resume", "resume_failed"])]
    retry_failed: bool,
}

impl RecordArgs {
    /// Tells whether the results or the job log are kept at all: only then need there be a text of
    /// each command.
    pub(crate) fn any(&self) -> bool {
        self.joblog.is_some() || self.results.is_some()
    }

    /// Returns which books of the run are wanted, if it has a name.
    pub(crate) fn books(&self) -> Option<Wanted> {
        let name = self.run.clone()?;
        let retries_failed = self.resume_failed || self.retry_failed;
        Some(Wanted { name, restart: self.restart, retries_failed })
    }

    /// Returns what `--results` says, if that may have replacement strings.
    pub(crate) fn results_pattern(&self) -> Option<&OsStr> {
        let results = self.results.as_deref()?;
        matches!(Form::of(results), Ok(Form::Folders)).then_some(results.as_os_str())
    }

    /// Tells whether what the commands print is kept instead of printed.
    pub(crate) fn keeps_output(&self) -> bool {
        self.results.is_some()
    }

    /// Opens the records. `names` are those of the columns, from `--header`; `filler` is needed if
    /// `--results` has replacement strings.
    ///
    /// # Errors
    /// If the flags do not fit together, or a file cannot be written.
    pub(crate) fn open(
        &self,
        names: &[Vec<u8>],
        filler: Option<Filler>,
    ) -> anyhow::Result<Records> {
        self.check()?;
        let goes_on = self.goes_on();
        let log = self.log().map(|(path, start)| JobLog::open(path, start)).transpose()?;
        let results = self.results.as_deref();
        let results =
            results.map(|path| Results::open(path, names, filler, goes_on)).transpose()?;
        Ok(Records { log, results })
    }

    /// Reads which tasks need not run. Call it before [`open`](Self::open).
    ///
    /// # Errors
    /// If the flags do not fit together, or the job log cannot be read.
    pub(crate) fn done(&self, names: &[Vec<u8>], filler: Option<Filler>) -> anyhow::Result<Done> {
        self.check()?;
        if self.run.is_some() || !(self.resume || self.resume_failed) {
            return Ok(Done::default());
        }
        let done = Done::read(self.log().map(|(path, _)| path), self.resume_failed)?;
        Ok(match (&self.results, self.results_pattern()) {
            (Some(root), Some(_)) if self.resume => done.or_in(Layout::new(root, names, filler)),
            _ => done,
        })
    }

    /// Reads the commands that `--retry-failed` runs in place of the input; `None` without it.
    ///
    /// # Errors
    /// As [`done`](Self::done).
    pub(crate) fn failed(&self) -> anyhow::Result<Option<Failed>> {
        self.check()?;
        let log = self.log().filter(|_| self.retry_failed && self.goes_on());
        log.map(|(path, _)| Failed::read(path)).transpose()
    }

    /// Whether records of an earlier run are gone on with. With `--run` they are written whole each
    /// time: what its books keep is recorded again.
    fn goes_on(&self) -> bool {
        self.run.is_none() && (self.resume || self.resume_failed || self.retry_failed)
    }

    /// The job log, and how it begins.
    fn log(&self) -> Option<(&Path, Start)> {
        let name = self.joblog.as_deref()?;
        let (name, appends) = match name.as_bytes().strip_prefix(b"+") {
            Some(name) => (OsStr::from_bytes(name), true),
            None => (name, false),
        };
        let start = match (self.goes_on(), appends) {
            (true, _) => Start::GoOn,
            (false, true) => Start::Append,
            (false, false) => Start::Anew,
        };
        Some((Path::new(name), start))
    }

    fn check(&self) -> anyhow::Result<()> {
        let results = self.results.as_deref();
        let form = results.map(Form::of).transpose()?;
        let knows = self.run.is_some() || self.joblog.is_some();
        if self.resume && !knows && form.is_none_or(|form| form != Form::Folders) {
            bail!(
                "--resume does not know what is done\n\
                 hint: name the run with --run NAME, or the job log of an earlier one with \
                 --joblog FILE, or its folder of results with --results DIR"
            );
        }
        let log = self.log().map(|(path, _)| path);
        if self.goes_on() && (log == Some(Path::new("-")) || results.is_some_and(is_stdout)) {
            bail!(
                "what went to standard output cannot be read again or gone on with\n\
                 hint: name files with --joblog and --results"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Written;
    use super::super::testing::{ended, ok};
    use super::*;
    use clap::Parser;
    use piecework::command::End;
    use std::io::Cursor;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        records: RecordArgs,
    }

    fn args(line: &str) -> RecordArgs {
        Line::try_parse_from(std::iter::once("map").chain(line.split_whitespace())).unwrap().records
    }

    /// A run of two tasks, the second of which fails.
    fn run(args: &RecordArgs) {
        let mut records = args.open(&[], None).unwrap();
        for (finished, command) in
            [(ok(1, &["a"], "A"), "echo a"), (ended(2, End::Code(1)), "false")]
        {
            let stdout = finished.result.as_ref().unwrap().stdout.clone();
            let mut written =
                Written { stdout: &mut Cursor::new(stdout), stderr: &mut Cursor::new("") };
            records.finished(&finished, command.as_bytes(), &mut written).unwrap();
        }
    }

    fn done(args: &RecordArgs) -> Vec<u64> {
        let done = args.done(&[], None).unwrap();
        (1..10).filter(|seq| done.holds(*seq, &[b"b".to_vec()])).collect()
    }

    #[test]
    fn each_kind_of_second_run_knows_what_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let log = log.to_str().unwrap();
        run(&args(&format!("--joblog {log}")));
        assert_eq!(done(&args(&format!("--joblog {log}"))), [0; 0]);
        assert_eq!(done(&args(&format!("--joblog {log} --resume"))), [1, 2]);
        assert_eq!(done(&args(&format!("--joblog +{log} --resume-failed"))), [1]);
        let retry = args(&format!("--joblog {log} --retry-failed"));
        assert_eq!(done(&retry), [0; 0]);
        let failed: Vec<_> = retry.failed().unwrap().unwrap().map(Result::unwrap).collect();
        assert_eq!(failed, [(2, b"false".to_vec())]);
        assert!(args(&format!("--joblog {log}")).failed().unwrap().is_none());
    }

    #[test]
    fn a_second_run_keeps_the_records_only_if_it_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let files = format!("--joblog {} --results {}", path("log"), path("r.csv"));
        let lines = |name: &str| std::fs::read_to_string(path(name)).unwrap().lines().count();
        for (more, expected) in [("", 3), ("--resume", 5), ("--resume-failed", 7), ("", 3)] {
            run(&args(&format!("{files} {more}")));
            assert_eq!((lines("log"), lines("r.csv")), (expected, expected), "{more}");
        }
    }

    #[test]
    fn results_in_folders_count_too() {
        let folder = tempfile::tempdir().unwrap();
        let results = args(&format!("--results {} --resume", folder.path().display()));
        run(&results);
        let done = results.done(&[], None).unwrap();
        assert!(done.holds(9, &[b"a".to_vec()]) && !done.holds(1, &[b"c".to_vec()]));
    }

    #[test]
    fn a_run_with_a_name_needs_no_record_to_go_on() {
        let wanted = |line: &str| args(line).books().map(|it| (it.restart, it.retries_failed));
        assert_eq!(wanted("--joblog x"), None);
        assert_eq!(wanted("--run x"), Some((false, false)));
        assert_eq!(wanted("--run x --restart"), Some((true, false)));
        for line in ["--run x --resume-failed", "--run x --retry-failed"] {
            assert_eq!(wanted(line), Some((false, true)), "{line}");
        }
        assert_eq!(done(&args("--run x --resume")), [0; 0]);
        let folder = tempfile::tempdir().unwrap();
        let log = format!("--run x --retry-failed --joblog {}/log", folder.path().display());
        (0..2).for_each(|_| run(&args(&log)));
        assert!(args(&log).failed().unwrap().is_none(), "the input is run, not the log");
        let lines = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(lines.lines().count(), 3, "the log is written whole each time");
    }

    #[test]
    fn flags_that_do_not_fit_together_are_told() {
        for line in [
            "--resume",
            "--resume --results x.csv",
            "--resume --joblog -",
            "--resume --joblog x --results -.csv",
            "--results x.json",
        ] {
            let error = args(line).done(&[], None).unwrap_err().to_string();
            assert!(error.contains("hint: "), "{line}: {error}");
        }
        for line in [
            "--resume-failed",
            "--retry-failed",
            "--joblog x --retry-failed --resume",
            "--restart",
            "--run a/b",
        ] {
            assert!(Line::try_parse_from(format!("map {line}").split(' ')).is_err(), "{line}");
        }
    }
}
