//! `piecework map` is stopped by Ctrl-C in its stages, SIGTERM, kill -9: no command is left.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use std::path::Path;

use rustix::process::Signal;
use support::{Started, is_gone, piecework, wait_until};

/// Starts a run of one command at a time, and waits for the first to say its process id in a file.
fn started(folder: &Path, script: &str) -> (Started, i32) {
    let script = format!("echo $$ >> pids; : {{}}; {script}");
    let run = piecework(["map", "-j1", &script, ":::", "1", "2", "3"]).in_folder(folder).start();
    let pid = wait_for_pid(&folder.join("pids"));
    (run, pid)
}

/// Waits until a command has written a process id as the first line of a file.
fn wait_for_pid(file: &Path) -> i32 {
    let mut text = String::new();
    wait_until("a command has told its process id", || {
        text = std::fs::read_to_string(file).unwrap_or_default();
        text.ends_with('\n')
    });
    text.lines().next().unwrap().parse().unwrap()
}

fn make_gate(folder: &Path) {
    let made = std::process::Command::new("mkfifo").arg(folder.join("gate")).status().unwrap();
    assert!(made.success());
}

#[test]
fn the_first_signal_lets_running_commands_end_and_begins_no_more() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let folder = tempfile::tempdir().unwrap();
        make_gate(folder.path());
        let (mut run, _) = started(folder.path(), "cat gate; echo ended");
        run.signal(signal);
        let said = run.error_line();
        assert!(said.contains("waiting for running commands"), "{said}");
        std::fs::write(folder.path().join("gate"), "").unwrap();
        run.end().expect(code, "ended\n");
        let pids = std::fs::read_to_string(folder.path().join("pids")).unwrap();
        assert_eq!(pids.lines().count(), 1, "another command was begun");
    }
}

#[test]
fn the_second_signal_asks_commands_to_end_with_all_they_started() {
    let folder = tempfile::tempdir().unwrap();
    // What it started does not listen, and outlives it.
    let script = "trap 'echo asked > asked; exit 3' TERM;
        (trap '' TERM; exec sleep 1000) & echo $! > deep; wait";
    let (mut run, pid) = started(folder.path(), script);
    let deep = wait_for_pid(&folder.path().join("deep"));
    run.signal(Signal::INT);
    run.error_line();
    run.signal(Signal::INT);
    run.end().expect(130, "");
    assert!(is_gone(pid));
    wait_until("nothing is left", || is_gone(deep)); // killed, and soon gone
    assert!(folder.path().join("asked").exists(), "the command had no chance to clean up");
}

#[test]
fn the_third_signal_kills_commands_that_would_not_end() {
    let folder = tempfile::tempdir().unwrap();
    let (mut run, pid) =
        started(folder.path(), "trap '' TERM; echo > deaf; sleep 1000 & wait; wait");
    wait_until("the command is deaf", || folder.path().join("deaf").exists());
    for _ in 0..2 {
        run.signal(Signal::INT);
        run.error_line();
    }
    run.signal(Signal::INT);
    run.end().expect(130, "");
    assert!(is_gone(pid));
}

#[test]
fn a_command_that_would_not_end_is_killed_after_a_grace() {
    let folder = tempfile::tempdir().unwrap();
    let (mut run, pid) =
        started(folder.path(), "trap '' TERM; echo > deaf; sleep 1000 & wait; wait");
    wait_until("the command is deaf", || folder.path().join("deaf").exists());
    run.signal(Signal::TERM);
    run.error_line();
    run.signal(Signal::TERM);
    run.end().expect(143, "");
    assert!(is_gone(pid));
}

#[test]
fn results_of_a_stopped_run_are_printed_though_others_are_missing() {
    let folder = tempfile::tempdir().unwrap();
    let script = "case {} in 1) echo > began; sleep 1000;; esac; echo {}; echo $$ > did-{}";
    let command = ["map", "-j2", script, ":::", "1", "2", "3"];
    let mut run = piecework(command).in_folder(&folder).start();
    wait_until("the first has begun", || folder.path().join("began").exists());
    for file in ["did-2", "did-3"] {
        let pid = wait_for_pid(&folder.path().join(file));
        wait_until("the others have ended", || is_gone(pid));
    }
    run.signal(Signal::INT);
    run.error_line();
    run.signal(Signal::INT);
    run.end().expect(130, "2\n3\n");
}

/// Every slot sees to it that the guard runs. If one started a second, that one would find itself
/// left alone, and kill what runs.
#[test]
fn slots_that_start_at_once_have_one_guard() {
    for _ in 0..20 {
        let arguments = ["map", "-j4", "sleep 0.01; echo {}", ":::", "a", "b", "c", "d"];
        piecework(arguments).run().expect(0, "a\nb\nc\nd\n");
    }
}

#[test]
fn a_killed_run_leaves_no_command_behind() {
    let folder = tempfile::tempdir().unwrap();
    // One process in the command's own group that has lost its environment, and one with it that
    // has left the group for a session of its own.
    let script = "env -i sleep 1000 & echo $! > near;
        setsid sh -c 'echo $$ > far; exec sleep 1000' & wait";
    let (run, pid) = started(folder.path(), script);
    let near = wait_for_pid(&folder.path().join("near"));
    let far = wait_for_pid(&folder.path().join("far"));
    assert!(![pid, near, far].into_iter().any(is_gone));
    run.signal(Signal::KILL);
    assert_eq!(run.end().code, 137);
    wait_until("no command is left", || [pid, near, far].into_iter().all(is_gone));
}

#[test]
fn a_run_that_is_killed_while_it_starts_commands_leaves_none_behind() {
    // The first command ends and lets the next begin; the run is killed at that moment.
    for round in 0..20 {
        let mark = format!("MARK={}-{round}", std::process::id());
        let script = "case {} in go*) echo went;; *) exec sleep 1000;; esac";
        let mut run = piecework(["map", "-j2", script, ":::", "go", "go", "a", "b", "c", "d"])
            .env("MARK", mark.trim_start_matches("MARK="))
            .start();
        assert_eq!(run.line(), "went");
        run.signal(Signal::KILL);
        run.end();
        wait_until("no process of the run is left", || !anybody_carries(&mark));
    }
}

/// Tells whether a living process has this in its environment.
fn anybody_carries(mark: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|process| {
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    })
}
