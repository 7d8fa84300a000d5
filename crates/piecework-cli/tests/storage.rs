//! The commands that look after what a manager keeps, driven as a user drives them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use rustix::process::Signal;
use std::fs;
use std::io::Write;
use std::path::Path;
use support::{Ran, Started, TestCommand, piecework, wait_until};
use tempfile::TempDir;

/// A manager that keeps its items in a folder, and what reaches it.
struct Manager {
    serve: Started,
    address: String,
}

impl Manager {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let serve = piecework(["serve", "--listen", "127.0.0.1:0", "--engine", "disk"]);
        let serve = serve.arg("--data-dir").arg(folder).args(arguments);
        let mut serve = serve.env("PIECEWORK_AUTHKEY", "a key for tests only").start();
        let address = serve.line().strip_prefix("listening on ").unwrap().to_owned();
        Self { serve, address }
    }

    fn command(&self, words: &[&str]) -> TestCommand {
        piecework(words)
            .env("PIECEWORK_AUTHKEY", "a key for tests only")
            .env("PIECEWORK_CONNECT", &self.address)
    }

    fn stop(self) {
        self.serve.signal(Signal::TERM);
        assert_eq!(self.serve.end().code, 0);
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn json(ran: &Ran) -> serde_json::Value {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.text()).unwrap()
}

fn backup(data: &Path, file: &Path) -> TestCommand {
    piecework(["backup"]).arg(file).arg("--data-dir").arg(data)
}

fn check(data: &Path) -> TestCommand {
    piecework(["check", "--data-dir"]).arg(data)
}

/// Puts go on while the back-up is made. What comes out of it must be the first items that were
/// put, as many as there were at some moment.
#[test]
fn a_back_up_of_a_busy_manager_is_restored_to_a_moment_of_it() {
    let (data, elsewhere) = (folder(), folder());
    let manager = Manager::start(data.path(), &[]);
    let mut put = manager.command(&["put", "task"]).start();
    let mut lines = put.stdin.take().unwrap();
    let total = 20_000;
    let writer = std::thread::spawn(move || {
        let filling = "x".repeat(200);
        (0..total).for_each(|number| writeln!(lines, "{number} {filling}").unwrap());
    });
    let count = || {
        let all = json(&manager.command(&["queues", "--json"]).run());
        all["queues"][1]["ready"].as_u64().unwrap()
    };
    wait_until("a part of the items is there", || count() > total / 20);
    let before = count();
    let restored = elsewhere.path().join("restored");
    fs::create_dir(&restored).unwrap();
    let ran = backup(data.path(), &restored.join("piecework.db")).run();
    ran.expect(0, "");
    assert!(ran.stderr.contains("is backed up in"), "{}", ran.stderr);
    writer.join().unwrap();
    put.end().expect(0, "");
    assert_eq!(count(), total);
    manager.stop();
    let manager = Manager::start(&restored, &[]);
    let got = manager.command(&["get", "task", "--all", "--timeout", "0"]).run();
    let numbers: Vec<u64> =
        got.text().lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    assert!(numbers.len() as u64 >= before, "{} of {before}", numbers.len());
    assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "{numbers:?}");
    manager.stop();
}

#[test]
fn a_back_up_replaces_nothing_unasked_and_leaves_nothing_half_done() {
    let (data, elsewhere) = (folder(), folder());
    let file = elsewhere.path().join("it.db");
    let missing = backup(data.path(), &file).run();
    missing.expect(1, "");
    assert!(missing.stderr.contains("there is no database at"), "{}", missing.stderr);
    Manager::start(data.path(), &[]).stop();
    backup(data.path(), &file).run().expect(0, "");
    fs::write(&file, "something dear").unwrap();
    let refused = backup(data.path(), &file).run();
    refused.expect(73, "");
    assert!(refused.stderr.contains("is there already; hint:"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), "something dear");
    backup(data.path(), &file).args(["--force"]).run().expect(0, "");
    assert_eq!(piecework(["check"]).arg(&file).run().code, 0);
    let nowhere = backup(data.path(), &elsewhere.path().join("nowhere/it.db")).run();
    nowhere.expect(74, "");
    let itself = backup(data.path(), &data.path().join("piecework.db")).args(["--force"]).run();
    itself.expect(73, "");
    assert!(itself.stderr.contains("name a file elsewhere"), "{}", itself.stderr);
    let left: Vec<_> = fs::read_dir(elsewhere.path()).unwrap().map(|it| it.unwrap()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn check_counts_what_a_running_manager_keeps() {
    let data = folder();
    let manager = Manager::start(data.path(), &["--queue", "jobs:attempts=1"]);
    manager.command(&["put", "jobs", "abc", "def"]).run().expect(0, "");
    let text = check(data.path()).run();
    assert_eq!(text.code, 0, "{}", text.stderr);
    assert!(text.text().contains("Nothing is wrong.\n"), "{}", text.text());
    assert!(text.text().contains("jobs       2        0     0"), "{}", text.text());
    let found = json(&check(data.path()).args(["--json"]).run());
    assert_eq!(
        (&found["queues"][0]["name"], &found["queues"][0]["ready"]),
        (&"jobs".into(), &2.into())
    );
    manager.stop();
}

#[test]
fn check_says_what_is_wrong_and_what_can_be_done() {
    let data = folder();
    let missing = check(data.path()).run();
    missing.expect(1, "");
    assert!(missing.stderr.contains("--data-dir"), "{}", missing.stderr);
    let manager = Manager::start(data.path(), &[]);
    let many: Vec<String> = (0..500).map(|number| format!("{number:0200}")).collect();
    manager.command(&["put", "task"]).args(&many).run().expect(0, "");
    manager.stop();
    let file = data.path().join("piecework.db");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 9_000].fill(0xA5);
    fs::write(&file, &bytes).unwrap();
    let wrong = check(data.path()).run();
    assert_eq!(wrong.code, 1);
    assert!(wrong.text().contains("\nwrong: "), "{}", wrong.text());
    assert!(wrong.stderr.contains("hint: stop the manager"), "{}", wrong.stderr);
    fs::write(&file, "no database at all, but longer than its header: ".repeat(20)).unwrap();
    let wrong = check(data.path()).run();
    wrong.expect(1, "");
    assert!(wrong.stderr.contains("hint: restore it from a back-up"), "{}", wrong.stderr);
}

#[test]
fn queues_are_watched_until_nobody_reads() {
    let data = folder();
    let manager = Manager::start(data.path(), &["--queue", "jobs"]);
    let mut watch = manager.command(&["queues", "--watch", "0.1"]).start();
    assert!(watch.line().starts_with("QUEUE"));
    assert!(watch.line().starts_with("jobs   auto      0"));
    manager.command(&["put", "jobs", "a", "b", "c"]).run().expect(0, "");
    while !watch.line().starts_with("jobs   auto      3") {}
    watch.close_stdout();
    watch.end().expect(0, "");
    let mut watch = manager.command(&["queues", "--watch", "0.1", "--json"]).start();
    for _ in 0..2 {
        let seen: serde_json::Value = serde_json::from_str(&watch.line()).unwrap();
        assert_eq!(seen["queues"][0]["ready"], 3);
    }
    let wrong = manager.command(&["queues", "--watch", "-1"]).run();
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    manager.stop();
}
