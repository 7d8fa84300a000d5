//! A run over several machines, here several folders and processes of one: `map --listen` and
//! `--connect`, `worker --exec`, `runs`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use support::{Ran, Started, TestCommand, piecework, wait_until};
use tempfile::TempDir;

const KEY: &str = "a key for tests only";

/// A master's folder, with the socket of its manager.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn address(&self) -> String {
        format!("unix:{}", self.path().join("socket").display())
    }

    fn command(&self, words: &[&str]) -> TestCommand {
        piecework(words).env("PIECEWORK_AUTHKEY", KEY).in_folder(self.path())
    }

    /// Starts a run that has no worker of its own machine but one that is busy for long.
    fn map(&self, words: &[&str]) -> Started {
        let address = self.address();
        let mut map = self.command(&["map", "--listen", &address, "-j1"]).args(words).start();
        assert_eq!(map.error_line(), "piecework: others join this run with");
        assert_eq!(map.error_line(), format!("    piecework worker {address} --exec"));
        map
    }

    /// Starts a worker that works in a folder of its own.
    fn worker(&self, folder: &Path, slots: &str) -> Started {
        let worker = piecework(["worker", &self.address(), "--exec", "-j", slots]);
        worker.env("PIECEWORK_AUTHKEY", KEY).in_folder(folder).start()
    }
}

fn lines(ran: &Ran) -> Vec<String> {
    ran.text().lines().map(ToOwned::to_owned).collect()
}

/// A command that waits in the master's folder, and does something elsewhere.
fn elsewhere(site: &Site, what: &str) -> String {
    let here = fs::canonicalize(site.path()).unwrap();
    let here = here.display();
    format!(
        "if [ \"$(pwd -P)\" = {here} ]; then while ! [ -e go ]; do sleep 0.01; done; else {what}; fi #"
    )
}

#[test]
fn a_machine_that_joins_does_what_the_first_one_does_not() {
    let (site, other) = (Site::new(), tempfile::tempdir().unwrap());
    let command = elsewhere(&site, "echo {} $PIECEWORK_SLOT >> done; touch on");
    let map = site.map(&[&command, ":::", "a", "b", "c", "d"]);
    let worker = site.worker(other.path(), "1");
    let count =
        || fs::read_to_string(other.path().join("done")).map_or(0, |done| done.lines().count());
    wait_until("the other machine has done the rest", || count() == 3);
    fs::write(site.path().join("go"), "").unwrap();
    map.end().expect(0, "");
    worker.end().expect(0, "");
}

#[test]
fn files_go_along_and_come_back_and_leave_nothing_behind() {
    let (site, other) = (Site::new(), tempfile::tempdir().unwrap());
    fs::create_dir(site.path().join("in")).unwrap();
    for name in ["a", "b", "c"] {
        fs::write(site.path().join("in").join(format!("{name}.txt")), name.repeat(3)).unwrap();
    }
    // The first task waits here, so that the others go elsewhere.
    let command = elsewhere(&site, "cat {} {} > {.}.out");
    let words = ["--trc", "{.}.out", &command, ":::", "in/a.txt", "in/b.txt", "in/c.txt"];
    let map = site.map(&words);
    let worker = site.worker(other.path(), "2");
    let back = || ["b", "c"].iter().all(|name| site.path().join(format!("in/{name}.out")).exists());
    wait_until("the files are back", back);
    fs::write(site.path().join("go"), "").unwrap();
    map.end().expect(0, "");
    worker.end().expect(0, "");
    assert_eq!(fs::read_to_string(site.path().join("in/c.out")).unwrap(), "cccccc");
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0, "it is cleaned up");
}

#[test]
fn a_worker_that_is_killed_loses_nothing_and_its_attempt_is_told() {
    let (site, other) = (Site::new(), tempfile::tempdir().unwrap());
    let log = site.path().join("log.jsonl");
    let command = elsewhere(&site, "touch on; sleep 100");
    let words = ["--results", "log.jsonl", &command, ":::", "a", "b"];
    let map = site.map(&words);
    let worker = site.worker(other.path(), "1");
    wait_until("it works", || other.path().join("on").exists());
    worker.signal(Signal::KILL);
    drop(worker.end());
    fs::write(site.path().join("go"), "").unwrap();
    map.end().expect(0, "");
    let records = fs::read_to_string(log).unwrap();
    let lost = records.lines().filter(|line| line.contains("\"lost\":1")).count();
    assert_eq!((records.lines().count(), lost), (2, 1), "{records}");
}

#[test]
fn failed_tasks_are_tried_again_and_the_last_try_counts() {
    let site = Site::new();
    let script = "echo x >> tries.{}; [ $(wc -l < tries.{}) -ge 3 ] && echo {} #";
    let ran = site.command(&["map", "--retries", "3", script, ":::", "a", "b"]).run();
    ran.expect(0, "a\nb\n");
    let ran = site.command(&["map", "--retries", "2", "echo x >> all; false #", ":::", "a"]).run();
    ran.expect(1, "");
    assert_eq!(fs::read_to_string(site.path().join("all")).unwrap(), "x\nx\n");
}

/// A manager for several runs, and a worker that has joined it.
fn shared(site: &Site, folder: &Path) -> (Started, Started) {
    let mut serve = site.command(&["serve", "--listen", &site.address()]).start();
    assert!(serve.line().starts_with("listening on"));
    (serve, site.worker(folder, "2"))
}

#[test]
fn runs_share_a_manager_and_are_listed() {
    let (site, other) = (Site::new(), tempfile::tempdir().unwrap());
    let (serve, worker) = shared(&site, other.path());
    let address = site.address();
    let count = |words: &[&str]| site.command(&[&["map", "--connect", &address], words].concat());
    let slow = count(&["while ! [ -e go ]; do sleep 0.01; done; echo {} #", ":::", "s"]).start();
    let listed = || {
        let ran = site.command(&["runs", "--connect", &address, "--json"]).run();
        serde_json::from_str::<serde_json::Value>(&ran.text()).unwrap()
    };
    wait_until("the run is listed with its worker", || {
        let all = listed();
        all["runs"][0]["running"] == 1 && all["workers"][0]["busy"] == 1
    });
    let quick = count(&["echo", ":::", "1", "2", "3"]).run();
    assert_eq!(lines(&quick), ["1", "2", "3"]);
    fs::write(other.path().join("go"), "").unwrap();
    slow.end().expect(0, "s\n");
    serve.signal(Signal::TERM);
    drop(serve.end());
    worker.end().expect(0, "");
}

#[test]
fn what_a_killed_master_wanted_ends() {
    let (site, other) = (Site::new(), tempfile::tempdir().unwrap());
    let (serve, worker) = shared(&site, other.path());
    let address = site.address();
    let command = "echo $$ > pid.{}; exec sleep 100 #";
    let map = site.command(&["map", "--connect", &address, command, ":::", "1", "2", "3"]).start();
    let pids = || {
        let read = |name| fs::read_to_string(other.path().join(name)).ok()?.trim().parse().ok();
        [read("pid.1"), read("pid.2")].into_iter().flatten().collect::<Vec<i32>>()
    };
    wait_until("two commands run", || pids().len() == 2);
    map.signal(Signal::KILL);
    drop(map.end());
    let gone = |pid| !Path::new(&format!("/proc/{pid}")).exists();
    wait_until("they are ended", || pids().into_iter().all(gone));
    assert!(!other.path().join("pid.3").exists(), "what waited is not begun");
    let next = site.command(&["map", "--connect", &address, "echo", ":::", "next"]).run();
    next.expect(0, "next\n");
    serve.signal(Signal::TERM);
    drop(serve.end());
    worker.end().expect(0, "");
}

#[test]
fn a_run_of_a_shared_manager_stops_as_any_other() {
    let (site, other) = (Site::new(), tempfile::tempdir().unwrap());
    let (serve, worker) = shared(&site, other.path());
    let address = site.address();
    // The input stays open, as at a terminal.
    let words =
        ["map", "--connect", &address, "touch on; while ! [ -e go ]; do sleep 0.01; done #"];
    let mut map = site.command(&words).start();
    std::io::Write::write_all(map.stdin.as_mut().unwrap(), b"a\n").unwrap();
    wait_until("the command runs", || other.path().join("on").exists());
    map.signal(Signal::INT);
    assert!(map.error_line().contains("no more tasks"));
    fs::write(other.path().join("go"), "").unwrap();
    let mut stdin = map.stdin.take();
    map.end().expect(130, "");
    drop(stdin.take());
    let halted = ["map", "--connect", &address, "--halt", "now,fail=1", "exit {}", ":::", "7"];
    assert_eq!(site.command(&halted).run().code, 7);
    serve.signal(Signal::TERM);
    drop(serve.end());
    worker.end().expect(0, "");
}
