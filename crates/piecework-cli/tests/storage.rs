//! The commands that look after what a manager keeps, driven as a user drives them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework::{Payload, Settle, Value};
use rustix::process::Signal;
use std::fs;
use std::path::Path;
use std::time::Duration;
use support::manager::Manager;
use support::{Ran, TestCommand, is_gone, piecework, wait_until};
use tempfile::TempDir;

/// A manager that keeps its items in a folder.
fn kept_in(folder: &Path, arguments: &[&str]) -> Manager {
    let folder = folder.to_str().unwrap();
    Manager::start(&[&["--engine", "disk", "--data-dir", folder], arguments].concat())
}

/// Takes items out of a queue and lets each of them fail.
fn fail(manager: &Manager, queue: &str, count: usize) {
    block_on(async {
        let queue = manager.open(queue).await;
        for lease in queue.lease(count, None).await.unwrap() {
            queue.settle(lease.id, Settle::Nack).await.unwrap();
        }
    });
}

/// The numbers of the dead items of a queue.
fn dead(manager: &Manager, queue: &str) -> Vec<u64> {
    let all = json(&manager.command(&["dead", "list", queue, "--json"]).run());
    all.as_array().unwrap().iter().map(|item| item["id"].as_u64().unwrap()).collect()
}

fn block_on<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(what)
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

/// Puts go on for as long as the back-up is being made. What comes out of it must be the first
/// items that were put, as many as there were at some moment.
#[test]
fn a_back_up_of_a_busy_manager_is_restored_to_a_moment_of_it() {
    let (data, elsewhere) = (folder(), folder());
    let manager = kept_in(data.path(), &[]);
    let restored = elsewhere.path().join("restored");
    fs::create_dir(&restored).unwrap();
    // Each is a kilobyte, so that the copy is made in several steps.
    let item = |number| {
        Payload::from_value(&Value::List(vec![Value::Int(number), Value::Bytes(vec![7; 1_000])]))
    };
    let before = 1_500;
    let total = block_on(async {
        let task = manager.open("task").await;
        task.put_many(&(0..before).map(item).collect::<Vec<_>>()).await.unwrap();
        let backup = backup(data.path(), &restored.join("piecework.db")).start();
        let mut total = before;
        while !is_gone(backup.pid().as_raw_nonzero().get()) {
            task.put(&item(total)).await.unwrap();
            total += 1;
        }
        let ran = backup.end();
        ran.expect(0, "");
        assert!(ran.stderr.contains("is backed up in"), "{}", ran.stderr);
        total
    });
    manager.stop();
    assert!(total > before, "nothing was put meanwhile");
    let manager = kept_in(&restored, &["--limit", "leases=100000"]);
    let got = block_on(async {
        manager.open("task").await.lease(100_000, Some(Duration::ZERO)).await.unwrap()
    });
    let expected: Vec<_> = (0..got.len() as i64).map(item).collect();
    assert!(got.iter().map(|lease| &lease.payload).eq(&expected), "in order, none missing");
    assert!((before..=total).contains(&(got.len() as i64)), "{} of {total}", got.len());
    manager.stop();
}

#[test]
fn a_back_up_replaces_nothing_unasked_and_leaves_nothing_half_done() {
    let (data, elsewhere) = (folder(), folder());
    let file = elsewhere.path().join("it.db");
    let missing = backup(data.path(), &file).run();
    missing.expect(1, "");
    assert!(missing.stderr.contains("there is no database at"), "{}", missing.stderr);
    kept_in(data.path(), &[]).stop();
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
    let manager = kept_in(data.path(), &["--queue", "jobs:attempts=1"]);
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
fn check_counts_what_is_in_objects_that_are_kept() {
    let data = folder();
    let options = ["--object", "table:dict,keep", "--object", "count:Value=7,keep"];
    kept_in(data.path(), &options).stop();
    let text = check(data.path()).run();
    assert_eq!(text.code, 0, "{}", text.stderr);
    assert!(text.text().contains("OBJECT  TYPE   ENTRIES"), "{}", text.text());
    let found = json(&check(data.path()).args(["--json"]).run());
    let table = json_of(&found["objects"][0], ["name", "type", "entries"]);
    assert_eq!(table, ["\"table\"", "\"dict\"", "0"]);
    let count = json_of(&found["objects"][1], ["name", "type", "entries"]);
    assert_eq!(count, ["\"count\"", "\"Value\"", "2"]);
}

fn json_of<const N: usize>(object: &serde_json::Value, keys: [&str; N]) -> [String; N] {
    keys.map(|key| object[key].to_string())
}

#[test]
fn check_says_what_is_wrong_and_what_can_be_done() {
    let data = folder();
    let missing = check(data.path()).run();
    missing.expect(1, "");
    assert!(missing.stderr.contains("--data-dir"), "{}", missing.stderr);
    let manager = kept_in(data.path(), &[]);
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
    let manager = kept_in(data.path(), &["--queue", "jobs"]);
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

#[test]
fn dead_items_are_listed_shown_revived_and_dropped() {
    let data = folder();
    let manager = kept_in(data.path(), &["--queue", "jobs:attempts=1"]);
    let command = |words: &[&str]| manager.command(words);
    command(&["put", "jobs", "--json", "3411", "[1, 2]", "\"c\"", "4"]).run().expect(0, "");
    fail(&manager, "jobs", 4);
    let ids = dead(&manager, "jobs");
    let [first, second, third, fourth] = &ids[..] else { panic!("{ids:?}") };
    let [first, second, third, fourth] = [first, second, third, fourth].map(u64::to_string);
    let table = command(&["dead", "list", "jobs", "-n", "3"]).run();
    assert_eq!(table.text().lines().count(), 4, "{}", table.text());
    assert!(table.text().contains("nacked"), "{}", table.text());
    assert!(table.stderr.contains("there are more; hint: -n 30"), "{}", table.stderr);
    let shown = command(&["dead", "show", "jobs", &first]).run();
    assert!(shown.text().contains("the worker said that it failed"), "{}", shown.text());
    assert!(shown.text().ends_with("What was put:\n3411\n"), "{}", shown.text());
    let shown = json(&command(&["dead", "show", "jobs", &second, "--json"]).run());
    assert_eq!(shown["payload"], serde_json::json!([1, 2]));
    assert_eq!(shown["history"][0]["how"], "nacked");
    // What was decided outlives the manager.
    command(&["dead", "revive", "jobs", &second]).run().expect(0, "1\n");
    command(&["dead", "drop", "jobs", &third]).run().expect(0, "1\n");
    manager.serve.signal(Signal::KILL);
    drop(manager.serve.end());
    // With no room in memory, payloads stay on disk; so what is shown was read from there.
    let manager = kept_in(data.path(), &["--limit", "resident=1"]);
    assert_eq!(dead(&manager, "jobs"), [ids[0], ids[3]]);
    let shown = manager.command(&["dead", "show", "jobs", &first]).run();
    assert!(shown.text().ends_with("What was put:\n3411\n"), "{}", shown.text());
    let alive = manager.command(&["dead", "show", "jobs", &second]).run();
    alive.expect(1, "");
    assert!(alive.stderr.contains("is not dead"), "{}", alive.stderr);
    let partly = manager.command(&["dead", "revive", "jobs", &second, &fourth]).run();
    partly.expect(1, "1\n");
    assert!(partly.stderr.contains(&format!("there at all: {second}")), "{}", partly.stderr);
    let drop_all = manager.command(&["dead", "drop", "jobs", "--all"]).run();
    drop_all.expect(0, "1\n");
    manager.command(&["get", "jobs", "-n", "2"]).run().expect(0, "[1, 2]\n4\n");
    manager.stop();
}

#[test]
fn dead_items_are_chosen_by_how_they_failed() {
    let data = folder();
    let manager = kept_in(data.path(), &["--queue", "jobs:attempts=1"]);
    manager.command(&["put", "jobs", "a", "b", "c"]).run().expect(0, "");
    fail(&manager, "jobs", 2);
    // A session that ends without a word was lost.
    let lease = block_on(async { manager.open("jobs").await.lease(1, None).await.unwrap().len() });
    assert_eq!(lease, 1);
    wait_until("all have failed", || dead(&manager, "jobs").len() == 3);
    let of = |verb, kind| manager.command(&["dead", verb, "jobs", "--error", kind]).run();
    of("revive", "run-out").expect(0, "0\n");
    of("revive", "lost").expect(0, "1\n");
    of("drop", "nacked").expect(0, "2\n");
    manager.command(&["get", "jobs"]).run().expect(0, "c\n");
    let wrong = manager.command(&["dead", "drop", "jobs"]).run();
    assert_eq!(wrong.code, 2, "what is dropped must be said: {}", wrong.stderr);
    let wrong = manager.command(&["dead", "list", "nowhere"]).run();
    wrong.expect(1, "");
    assert!(wrong.stderr.contains("no queue 'nowhere'; hint: there are jobs"), "{}", wrong.stderr);
    manager.stop();
}

#[test]
fn an_item_is_explained_wherever_it_is() {
    let data = folder();
    let manager = kept_in(data.path(), &["--queue", "jobs:attempts=2"]);
    manager.command(&["put", "jobs", "a", "b"]).run().expect(0, "");
    let story = |id: u64| {
        let ran = manager.command(&["explain", "jobs", &id.to_string()]).run();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.text()
    };
    let first = block_on(async {
        let jobs = manager.open("jobs").await;
        let first = jobs.lease(1, None).await.unwrap().remove(0).id;
        let told = story(first);
        assert!(told.contains("It is with piecework/1 storage-"), "{told}");
        let told = story(first + 1);
        assert!(told.contains("the next to be got, but nobody waits for one; one item"), "{told}");
        jobs.settle(first, Settle::Nack).await.unwrap();
        first
    });
    let told = story(first);
    assert!(told.contains("1 attempt did not end well; it has 1 of the 2 failures"), "{told}");
    fail(&manager, "jobs", 1);
    assert!(story(first).contains("It is dead: nobody gets it any more."));
    let known = json(&manager.command(&["explain", "jobs", &first.to_string(), "--json"]).run());
    assert_eq!((&known["state"], &known["attempts"]), (&"dead".into(), &2.into()));
    let gone = manager.command(&["explain", "jobs", "9999"]).run();
    gone.expect(1, "");
    assert!(gone.stderr.contains("item 9999 is not in queue 'jobs': it is"), "{}", gone.stderr);
    manager.stop();
}

/// The settings that all commands share hold for commands within a command too.
#[test]
fn a_command_within_a_command_finds_its_manager() {
    let data = folder();
    let manager = kept_in(data.path(), &["--queue", "jobs"]);
    let settings = data.path().join("piecework.toml");
    fs::write(&settings, format!("connect = '{}'\n", manager.address)).unwrap();
    let listed = piecework(["dead", "list", "jobs", "--json"])
        .env("PIECEWORK_AUTHKEY", "a key for tests only")
        .env("PIECEWORK_CONFIG", &settings)
        .run();
    listed.expect(0, "[]\n");
    let elsewhere = ["dead", "list", "jobs", "--json", "--connect", &manager.address];
    let listed = piecework(elsewhere).env("PIECEWORK_AUTHKEY", "a key for tests only").run();
    listed.expect(0, "[]\n");
    manager.stop();
}
