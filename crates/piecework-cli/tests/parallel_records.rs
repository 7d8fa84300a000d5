//! The options of GNU parallel for what stays of a run, and for going on with one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use std::fs;

use support::{Ran, piecework};
use tempfile::TempDir;

/// A folder for records, and runs within it.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Runs what is typed, with `_` for spaces within a word.
    fn map(&self, typed: &str) -> Ran {
        let words = typed.split(' ').map(|word| word.replace('_', " "));
        piecework(["map", "-j1", "-q"]).args(words).in_folder(&self.0).run()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    /// Columns of the job log, without its first line: number, exit value, signal and command.
    fn log(&self) -> Vec<String> {
        let log = self.read("log");
        let columns = |line: &str| {
            let columns: Vec<&str> = line.split('\t').collect();
            assert_eq!(columns.len(), 9, "{line}");
            [columns[0], columns[6], columns[7], columns[8]].join(" ")
        };
        log.lines().skip(1).map(columns).collect()
    }
}

#[test]
fn a_job_log_has_a_line_for_each_task() {
    for flag in ["--joblog", "--jl"] {
        let site = Site::new();
        site.map(&format!("{flag} log exit_{{}} ::: 0 3")).expect(1, "");
        assert_eq!(site.log(), ["1 0 0 exit 0", "2 3 0 exit 3"]);
        let head = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
        assert!(site.read("log").starts_with(head));
        site.map(&format!("{flag} +log echo ::: a")).expect(0, "a\n");
        assert_eq!(site.log().len(), 3);
        site.map(&format!("{flag} log kill_-9_$$_# ::: a")).expect(1, "");
        assert_eq!(site.log(), ["1 0 9 kill -9 $$ # a"]);
    }
}

#[test]
fn a_run_goes_on_where_another_was_left() {
    let site = Site::new();
    site.map("--joblog log exit_{} ::: 0 1").expect(1, "");
    site.map("--joblog log --resume echo ::: 0 1 2").expect(0, "2\n");
    let site = Site::new();
    site.map("--joblog log exit_{} ::: 0 1").expect(1, "");
    site.map("--joblog log --resume-failed echo ::: 0 1 2").expect(0, "1\n2\n");
}

#[test]
fn what_failed_is_run_again_as_it_stands_in_the_log() {
    let site = Site::new();
    let typed = "--joblog log test_{}_=_b_-o_-e_new_&&_echo_{} ::: a b";
    site.map(typed).expect(1, "b\n");
    fs::write(site.0.path().join("new"), "").unwrap();
    site.map("--joblog log --retry-failed").expect(0, "a\n");
    site.map("--joblog log --retry-failed").expect(0, "");
}

#[test]
fn results_are_kept_in_files() {
    for flag in ["--results", "--res"] {
        let site = Site::new();
        site.map(&format!("{flag} out echo_{{}};_echo_no_>&2 ::: a")).expect(0, "");
        assert_eq!(site.read("out/1/a/stdout"), "a\n");
        assert_eq!(site.read("out/1/a/stderr"), "no\n");
        assert_eq!(site.read("out/1/a/seq"), "1");
    }
    let site = Site::new();
    site.map("--results out echo ::: a").expect(0, "");
    site.map("--results out --resume touch ::: a b").expect(0, "");
    assert!(!site.0.path().join("a").exists() && site.0.path().join("b").exists());
    site.map("--results {}.txt echo x ::: c").expect(0, "");
    assert_eq!(site.read("c.txt"), "x c\n");
    site.map("--results out.csv echo ::: a,b").expect(0, "");
    assert!(site.read("out.csv").ends_with(",0,0,\"echo 'a,b'\",\"a,b\",\"a,b\n\",\n"));
    site.map("--results out.tsv echo ::: a").expect(0, "");
    assert!(site.read("out.tsv").contains("\t\"echo a\"\ta\t"));
    site.map("--results out.jsonl echo ::: a").expect(0, "");
    let line: serde_json::Value = serde_json::from_str(&site.read("out.jsonl")).unwrap();
    assert_eq!(line["stdout"], "a\n");
}
