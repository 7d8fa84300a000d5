//! The options of GNU parallel for how commands are run: how many, how long, how nicely, how often.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use std::collections::HashSet;
use std::fs;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use support::{TestCommand, piecework};
use tempfile::TempDir;

fn map(words: &[&str]) -> TestCommand {
    piecework(["map"]).args(words)
}

/// Insists that with these flags so many of so many tasks run at a time: each waits until they do,
/// and tells the slot it ran in.
fn expect_slots(flags: &[&str], tasks: usize, slots: usize) {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "touch began-{{}}; until test $(ls | wc -l) -ge {slots}; do sleep 0.01; done; \
         echo $PIECEWORK_SLOT"
    );
    let input: String = (0..tasks).map(|number| format!("{number}\n")).collect();
    let run = map(flags).args(["-u", &script]).in_folder(&folder).run_with(input.as_bytes());
    let told = run.text();
    let different: HashSet<&str> = told.lines().collect();
    assert_eq!(different.len(), slots, "{flags:?}: {different:?}");
}

#[test]
fn so_many_commands_run_at_a_time() {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    for flags in [&["-j3"][..], &["--jobs", "3"], &["-P3"], &["-P", "3"], &["--max-procs", "3"]] {
        expect_slots(flags, 5, 3);
    }
    expect_slots(&["-j+1"], cores + 2, cores + 1);
    expect_slots(&["-j-1000"], 3, 1);
    expect_slots(&["-j100%"], cores + 2, cores);
    expect_slots(&["-j0"], 20, 20);
}

#[test]
fn a_command_has_so_much_time() {
    for flags in [&["--timeout", "0.5"][..], &["--timeout", "500ms"]] {
        let run = map(flags).args(["sleep {}; echo {}", ":::", "0", "20"]).run();
        run.expect(1, "0\n");
        assert!(run.stderr.contains("timed out after"), "{}", run.stderr);
    }
    // The last one has as long as ten of the others take.
    let many = ["--timeout", "1000%", "-j1", "sleep {}; echo {}", ":::"];
    let run = map(&many).args(["0.02", "0.02", "0.02", "20"]).run();
    run.expect(1, "0.02\n0.02\n0.02\n");
}

#[test]
fn signals_are_sent_in_their_sequence() {
    for flag in ["--term-seq", "--termseq"] {
        let script = "trap 'echo interrupted; exit 3' INT; while :; do sleep 0.01; done #";
        let run = map(&["--timeout", "0.2", flag, "INT,10000,KILL,25", script, ":::", "a"]).run();
        run.expect(1, "interrupted\n");
    }
}

#[test]
fn a_task_that_fails_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let script = "echo x >> tried; echo $PIECEWORK_ATTEMPT; test $(wc -l < tried) -ge 3 #";
    let run = |tries: &str| {
        let _ = fs::remove_file(folder.path().join("tried"));
        map(&["--retries", tries, script, ":::", "a"]).in_folder(&folder).run()
    };
    run("3").expect(0, "3\n");
    run("2").expect(1, "2\n");
}

#[test]
fn a_run_ends_early_when_told() {
    let halted = |halt: [&str; 2], codes: &[&str]| {
        let run = map(&["-j1", "-q"]).args(halt).args(["echo {}; exit {}", ":::"]).args(codes);
        let ran = run.run();
        (ran.code, ran.text().lines().count())
    };
    for (halt, codes, expected) in [
        ("never", &["0", "7", "0"][..], (1, 3)),
        ("now,fail=1", &["0", "7", "0"], (7, 2)),
        ("2", &["0", "7", "0"], (7, 2)),
        ("soon,fail=1", &["0", "7", "0"], (7, 2)),
        ("1", &["0", "7", "0"], (7, 2)),
        ("soon,fail=2", &["3", "0", "4", "0"], (2, 3)),
        ("soon,fail=50%", &["1", "1", "0", "0"], (50, 2)),
        ("now,fail=2", &["3", "0", "4", "0"], (2, 3)),
        ("now,success=1", &["3", "0", "4"], (0, 2)),
        ("now,done=2", &["3", "0", "4"], (1, 2)),
    ] {
        assert_eq!(halted(["--halt", halt], codes), expected, "{halt}");
        assert_eq!(halted(["--halt-on-error", halt], codes), expected, "{halt}");
    }
}

#[test]
fn starts_keep_their_distance() {
    let began = Instant::now();
    map(&["-j4", "--delay", "0.05", "echo", ":::", "a", "b", "c"]).run().expect(0, "a\nb\nc\n");
    assert!(began.elapsed() >= Duration::from_millis(100));
}

#[test]
fn commands_start_where_the_machine_has_room() {
    map(&["--memfree", "1K", "echo", ":::", "a"]).run().expect(0, "a\n");
    map(&["--load", "100000%", "echo", ":::", "a"]).run().expect(0, "a\n");
    let mut run = map(&["--memfree", "1000T", "echo", ":::", "a"]).start();
    assert!(run.error_line().contains("waiting for memory"), "it starts though there is none");
    run.signal(rustix::process::Signal::INT);
    run.end().expect(130, "");
    let refused = map(&["--load", "lots", "echo", ":::", "a"]).run();
    refused.expect(2, "");
    assert!(refused.stderr.contains("lots is no load"), "{}", refused.stderr);
}

#[test]
fn commands_are_nice_and_limited() {
    map(&["--nice", "7", "nice #", ":::", "a"]).run().expect(0, "7\n");
    map(&["--rlimit", "nofile=33", "ulimit -n #", ":::", "a"]).run().expect(0, "33\n");
}

#[test]
fn commands_run_in_their_folder() {
    let folder: TempDir = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("there")).unwrap();
    for flag in ["--wd", "--workdir"] {
        let run = map(&[flag, "there", "basename \"$PWD\" #", ":::", "a"]).in_folder(&folder);
        run.run().expect(0, "there\n");
    }
    // A folder of its own for each task, gone afterwards.
    let text = map(&["--wd", "...", "pwd #", ":::", "a", "b"]).in_folder(&folder).run().text();
    let folders: Vec<_> = text.lines().collect();
    assert_eq!(folders.len(), 2, "{text}");
    assert_ne!(folders[0], folders[1]);
    assert!(folders.iter().all(|folder| !std::path::Path::new(folder).exists()), "{text}");
}

#[test]
fn commands_find_variables() {
    let run = map(&["--env", "X", "--env", "Y=two words", "echo $X $Y #", ":::", "a"]);
    run.env("X", "1").run().expect(0, "1 two words\n");
    let run = map(&["--env", "NO_SUCH_VARIABLE", "echo", ":::", "a"]).run();
    run.expect(2, "");
    assert!(run.stderr.contains("NO_SUCH_VARIABLE is not set here"), "{}", run.stderr);
    let run = map(&["-j1", "echo $PARALLEL_SEQ $PARALLEL_JOBSLOT #", ":::", "a", "b"]).run();
    run.expect(0, "1 1\n2 1\n");
}

#[test]
fn the_key_of_a_run_can_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key"), "a key for tests only\n").unwrap();
    let address = format!("unix:{}", folder.path().join("socket").display());
    let run = |key: &str| {
        let words = ["--listen", &address, "--authkey-file", key, "echo", ":::", "a"];
        map(&words).in_folder(&folder).run()
    };
    run("key").expect(0, "a\n");
    let missing = run("no-such-key");
    assert!(missing.code != 0 && missing.stderr.contains("no-such-key"), "{missing:?}");
}
