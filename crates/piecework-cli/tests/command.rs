//! The commands that talk to a manager, driven as a user drives them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use rustix::process::Signal;
use support::manager::Manager;
use support::{commands, piecework};

#[test]
fn what_is_put_is_got_as_it_was_meant() {
    let manager = Manager::start(&[]);
    manager.command(&["put", "task", "3411", "two words"]).run().expect(0, "");
    manager
        .command(&["put", "task", "--json", "3411", r#"{"a": [1, null, "é"]}"#])
        .run()
        .expect(0, "");
    manager.command(&["put", "get_task_queue"]).run_with(b"from\nstdin").expect(0, "");
    let all = "3411\ntwo words\n3411\n{\"a\": [1, null, \"é\"]}\nfrom\nstdin\n";
    manager.command(&["get", "task", "-n", "6"]).run().expect(0, all);
    manager.command(&["put", "task", "text"]).run().expect(0, "");
    manager.command(&["get", "task", "--json"]).run().expect(0, "\"text\"\n");
    manager.stop();
}

#[test]
fn an_empty_queue_is_told_by_the_exit_code() {
    let manager = Manager::start(&[]);
    let ran = manager.command(&["get", "task", "--timeout", "0"]).run();
    ran.expect(75, "");
    assert!(ran.stderr.contains("queue 'task' is empty"), "{}", ran.stderr);
    manager.command(&["put", "task", "only one"]).run().expect(0, "");
    manager.command(&["get", "task", "-n", "2", "--timeout", "0"]).run().expect(75, "only one\n");
    manager.command(&["put", "task", "a", "b"]).run().expect(0, "");
    manager.command(&["get", "task", "--all", "--timeout", "0"]).run().expect(0, "a\nb\n");
    manager.stop();
}

/// Nobody reads the output: the item must still be there for somebody who does.
#[test]
fn an_item_that_cannot_be_printed_stays_in_its_queue() {
    let manager = Manager::start(&[]);
    let mut get = manager.command(&["get", "task"]).start();
    get.close_stdout();
    manager.command(&["put", "task", "precious"]).run().expect(0, "");
    assert_ne!(get.end().code, 0);
    manager.command(&["get", "task"]).run().expect(0, "precious\n");
    manager.stop();
}

#[test]
fn queues_shows_counts_and_sessions_and_purge_drops() {
    let manager = Manager::start(&["--queue", "jobs:answers=done", "--queue", "done"]);
    manager.command(&["put", "jobs", "a", "b", "c"]).run().expect(0, "");
    let table = manager.command(&["queues"]).run();
    assert!(table.text().contains("jobs   answered      3"), "{}", table.text());
    assert!(table.text().contains("piecework/1 piecework"), "{}", table.text());
    let json: serde_json::Value =
        serde_json::from_str(&manager.command(&["queues", "--json"]).run().text()).unwrap();
    let jobs = &json["queues"][1];
    assert_eq!((&jobs["name"], &jobs["ready"]), (&"jobs".into(), &3.into()));
    assert_eq!(json["sessions"].as_array().unwrap().len(), 1);
    manager.command(&["purge", "jobs"]).run().expect(0, "3\n");
    manager.command(&["get", "jobs", "--timeout", "0"]).run().expect(75, "");
    manager.stop();
}

#[test]
fn what_goes_wrong_is_one_line_and_an_exit_code() {
    let manager = Manager::start(&["--allow-shutdown"]);
    let wrong = manager.command(&["put", "nowhere", "x"]).run();
    wrong.expect(1, "");
    assert!(wrong.stderr.contains("no queue \"nowhere\""), "{}", wrong.stderr);
    let wrong = manager.command(&["put", "task", "--json", "{"]).run();
    wrong.expect(2, "");
    assert!(wrong.stderr.contains("'{' is not JSON"), "{}", wrong.stderr);
    let wrong = manager.command(&["queues"]).env("PIECEWORK_AUTHKEY", "another").run();
    wrong.expect(77, "");
    assert!(wrong.stderr.contains("has another authkey; hint:"), "{}", wrong.stderr);
    let taken =
        piecework(["serve", "--listen", &manager.address]).env("PIECEWORK_AUTHKEY", "k").run();
    taken.expect(73, "");
    assert!(
        taken.stderr.contains(&format!("{} is in use by", manager.address)),
        "{}",
        taken.stderr
    );
    let address = manager.address.clone();
    manager.command(&["shutdown"]).run().expect(0, "");
    assert_eq!(manager.serve.end().code, 0);
    let gone = piecework(["queues", "--connect", &address]).env("PIECEWORK_AUTHKEY", "k").run();
    gone.expect(69, "");
    assert!(gone.stderr.contains("cannot reach a manager at"), "{}", gone.stderr);
}

#[test]
fn memory_is_bounded_as_told() {
    let manager = Manager::start(&["--memory", "1K"]);
    manager.command(&["put", "task", &"x".repeat(1000)]).run().expect(0, "");
    let full = manager.command(&["put", "task", "one more, and one more, and one more"]).run();
    full.expect(75, "");
    manager.stop();
}

#[test]
fn a_weak_key_stays_on_this_machine() {
    let serve = |arguments: &[&str]| {
        piecework(["serve", "--listen", "0.0.0.0:0"])
            .args(arguments)
            .env("PIECEWORK_AUTHKEY", "abc")
    };
    let refused = serve(&[]).run();
    refused.expect(1, "");
    assert!(refused.stderr.contains("an authkey of 3 bytes is too weak"), "{}", refused.stderr);
    let mut allowed = serve(&["--allow-weak-authkey"]).start();
    assert!(allowed.line().starts_with("listening on 0.0.0.0:"));
    allowed.signal(Signal::INT);
    assert_eq!(allowed.end().code, 0);
}

/// The first start makes a key that all commands of the user find.
#[test]
fn without_a_key_one_is_made_and_found() {
    let home = tempfile::tempdir().unwrap();
    let at_home = |words: &[&str]| piecework(words).env("XDG_DATA_HOME", home.path());
    let missing = at_home(&["queues"]).run();
    missing.expect(1, "");
    assert!(missing.stderr.contains("no authkey; hint:"), "{}", missing.stderr);
    let mut serve = at_home(&["serve", "--listen", "127.0.0.1:0"]).start();
    let address = serve.line().strip_prefix("listening on ").unwrap().to_owned();
    assert_eq!(at_home(&["queues", "--connect", &address]).run().code, 0);
    serve.signal(Signal::TERM);
    assert_eq!(serve.end().code, 0);
}

/// All of the help in one file of the tree: a change of a flag shows in the change of this file.
/// `UPDATE_HELP=1 cargo test -p piecework-cli --test command` writes it anew.
#[test]
fn the_help_is_as_written() {
    let mut help = piecework(["--help"]).run().text();
    for words in commands() {
        let own = piecework(words.iter().map(String::as_str).chain(["--help"])).run().text();
        help += &format!("\n==== {} ====\n\n{own}", words.join(" "));
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/help.snap");
    if std::env::var_os("UPDATE_HELP").is_some() {
        std::fs::write(file, &help).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    let lines = help.lines().zip(written.lines().chain(std::iter::repeat("(the end)")));
    for (number, (now, then)) in lines.enumerate() {
        assert_eq!(now, then, "line {} of {file}; UPDATE_HELP=1 writes it anew", number + 1);
    }
    assert_eq!(help.len(), written.len(), "{file} goes on; UPDATE_HELP=1 writes it anew");
}
