//! `piecework map`: arguments in, output in order, exit code out.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::{piecework, wait_until};

/// A folder with a FIFO named `gate`: a command that reads it waits until the test opens it.
fn gated() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("gate")).status();
    assert!(made.unwrap().success());
    folder
}

/// Lets one command through the gate; waits for it if it is not there yet.
fn open_gate(folder: &tempfile::TempDir) {
    std::fs::write(folder.path().join("gate"), "").unwrap();
}

#[test]
fn arguments_come_from_the_list_from_a_file_and_from_standard_input() {
    piecework(["map", "echo", "x", "{}", ":::", "a b", "c"]).run().expect(0, "x a b\nx c\n");
    piecework(["map", "echo"]).run_with(b"a\n b \n\nlast").expect(0, "a\n b \n\nlast\n");
    piecework(["map", "-0", "echo", "<{}>"]).run_with(b"a\nb\0c\0").expect(0, "<a\nb>\n<c>\n");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "one\ntwo\n").unwrap();
    let run = piecework([OsStr::new("map"), OsStr::new("-a"), file.path().as_os_str()]);
    run.args(["echo", "-n", "{}."]).run().expect(0, "one.two.");
    piecework(["map", "-a", "-", "echo"]).run_with(b"x\n").expect(0, "x\n");
}

#[test]
fn no_arguments_are_no_tasks() {
    piecework(["map", "echo"]).run().expect(0, "");
    piecework(["map", "echo", ":::"]).run().expect(0, "");
    piecework(["map"]).run().expect(0, "");
}

#[test]
fn a_quoted_command_goes_to_the_shell_and_each_line_does_without_a_command() {
    piecework(["map", "echo {} | tr a-z A-Z", ":::", "a", "b"]).run().expect(0, "A\nB\n");
    piecework(["map", "echo one; echo two >&1", ":::", ""]).run().expect(0, "one\ntwo \n");
    piecework(["map"]).run_with(b"echo a; echo b\nexit 0\necho $((1+2))\n").expect(0, "a\nb\n3\n");
    piecework(["map", ":::", "echo 'a  b'"]).run().expect(0, "a  b\n");
}

#[test]
fn no_argument_is_ever_code() {
    let folder = tempfile::tempdir().unwrap();
    let nasty = ["a  b", "it's", "say \"x\"", "$(touch x)", "`touch x`", "; touch x", "a\nb", "*"];
    for command in ["printf '%s|' {}", "printf '%s|' \"{}\"", "printf '%s|' '{}'", "printf '%s|'"] {
        let run = piecework(["map", command, ":::"]).args(nasty).in_folder(&folder).run();
        run.expect(0, &(nasty.join("|") + "|"));
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "an argument was run");
}

#[test]
fn names_are_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let name = OsStr::from_bytes(b"caf\xe9 \xff");
    std::fs::write(folder.path().join(name), "inside").unwrap();
    let run = piecework(["map", "cat", ":::"]).args([name]).in_folder(&folder).run();
    run.expect(0, "inside");
    let line = [name.as_bytes(), b"\n"].concat();
    for words in [&["map", "cat"][..], &["map", "cat '{}' | cat"]] {
        piecework(words).in_folder(&folder).run_with(&line).expect(0, "inside");
    }
    let tagged = piecework(["map", "--tag", "echo", "-n", ":::"]).args([name]).run();
    assert_eq!(tagged.stdout, [name.as_bytes(), b"\t", name.as_bytes()].concat());
}

#[test]
fn results_keep_the_order_of_the_arguments() {
    // The first command waits until the last has ended.
    let folder = gated();
    let script = "case {} in 1) cat gate;; 4) echo > four;; esac; echo {}";
    let mut run = piecework(["map", "-j2", script]).in_folder(&folder).start();
    run.stdin.take().unwrap().write_all(b"1\n2\n3\n4\n").unwrap();
    wait_until("the last has run", || folder.path().join("four").exists());
    open_gate(&folder);
    run.end().expect(0, "1\n2\n3\n4\n");
}

#[test]
fn each_result_is_printed_as_soon_as_its_turn_comes() {
    let folder = gated();
    let script = "case {} in 3) cat gate;; esac; echo {}";
    let mut run =
        piecework(["map", "-j1", script, ":::", "1", "2", "3"]).in_folder(&folder).start();
    assert_eq!((run.line(), run.line()), ("1".into(), "2".into()));
    open_gate(&folder);
    run.end().expect(0, "3\n");
}

#[test]
fn unordered_results_come_as_they_end() {
    let folder = gated();
    let script = "case {} in 1) cat gate;; esac; echo {}";
    let command = ["map", "-j2", "--unordered", script, ":::", "1", "2", "3"];
    let mut run = piecework(command).in_folder(&folder).start();
    assert_eq!((run.line(), run.line()), ("2".into(), "3".into()));
    open_gate(&folder);
    run.end().expect(0, "1\n");
}

#[test]
fn each_result_is_whole() {
    // Two commands write a megabyte each at the same time, in many small pieces.
    let script = "i=0; while [ $i -lt 2000 ]; do printf '%0512d' {}; i=$((i+1)); done; echo";
    let run = piecework(["map", "-j2", script, ":::", "1", "2"]).run();
    let lines: Vec<_> = run.stdout.split(|byte| *byte == b'\n').collect();
    assert_eq!(lines.iter().map(|line| line.len()).collect::<Vec<_>>(), [1_024_000, 1_024_000, 0]);
    assert!(!lines[0].contains(&b'2') && !lines[1].contains(&b'1'));
}

#[test]
fn standard_error_is_passed_on_whole_with_its_result() {
    let run = piecework(["map", "echo out; echo {} >&2; echo {}{} >&2", ":::", "1", "2"]).run();
    run.expect(0, "out\nout\n");
    assert_eq!(run.stderr, "1\n11\n2\n22\n");
}

#[test]
fn tags_stand_in_front_of_each_line_of_both_outputs() {
    let script = "echo a; echo; printf b; echo c >&2 #";
    let run = piecework(["map", "--tag", script, ":::", "x"]).run();
    run.expect(0, "x\ta\nx\t\nx\tb");
    assert_eq!(run.stderr, "x\tc\n");
}

#[test]
fn the_exit_code_counts_the_failures() {
    let failing = |count: usize| {
        let input: String = (1..=150).map(|n| format!("{}\n", u8::from(n <= count))).collect();
        piecework(["map", "-j2", "--quiet", "exit {}"]).run_with(input.as_bytes())
    };
    for (count, code) in [(0, 0), (1, 1), (100, 100), (101, 101), (150, 101)] {
        let run = failing(count);
        assert_eq!((run.code, run.stderr.as_str()), (code, ""), "{count} failures");
    }
}

#[test]
fn failures_are_told_with_their_task() {
    let run = piecework(["map", "-j1", "exit {}", ":::", "0", "7", "0"]).run();
    run.expect(1, "");
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(lines[0], "piecework: task 2 (7): ended with exit code 7");
    assert!(lines[1].contains("2 ok, 1 failed; longest "), "{lines:?}");
    let killed = piecework(["map", "kill -KILL $$ #", ":::", "x"]).run();
    assert!(killed.stderr.contains("ended with signal SIGKILL"), "{}", killed.stderr);
}

#[test]
fn a_missing_program_is_one_clear_error() {
    let run = piecework(["map", "no-such-program", ":::", "1", "2", "3"]).run();
    run.expect(127, "");
    assert_eq!(run.stderr.matches("there is no program no-such-program").count(), 1);
    piecework(["map", "/etc/passwd", ":::", "1"]).run().expect(126, "");
    // Where the program depends on the argument, only that task has failed.
    let run = piecework(["map", "{}", ":::", "true", "no-such-program"]).run();
    run.expect(1, "");
    assert!(run.stderr.contains("task 2 (no-such-program): cannot run"), "{}", run.stderr);
}

#[test]
fn a_program_that_is_moved_while_a_run_lasts_is_found_where_it_is_then() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    for (at, script) in [(&first, "rm \"$0\"; echo first"), (&second, "echo second")] {
        fs::create_dir(at).unwrap();
        fs::write(at.join("tool"), format!("#!/bin/sh\n{script} $1\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(at.join("tool"), mode).unwrap();
    }
    let path = format!("{}:{}:/usr/bin:/bin", first.display(), second.display());
    let run = piecework(["map", "-j1", "tool", ":::", "1", "2"]).env("PATH", path).run();
    run.expect(0, "first 1\nsecond 2\n");
}

#[test]
fn wrong_use_is_refused_before_anything_runs() {
    let run = piecework(["map", "-a", "/no/such/file", "touch", "x"]).run();
    assert!(run.code == 255 && run.stderr.contains("/no/such/file"), "{run:?}");
    assert_eq!(piecework(["map", "-jx", "true", ":::", "1"]).run().code, 2);
    assert_eq!(piecework(["map", "--no-such-flag", "true"]).run().code, 2);
    assert_eq!(piecework(["map", "-j100000000", "true", ":::", "1"]).run().code, 255);
    assert_eq!(piecework(["map", "--pipe", "cat", ":::", "1"]).run().code, 2);
}

#[test]
fn flags_after_the_command_are_the_commands_own() {
    piecework(["map", "echo", "-j", "--tag", "{}", ":::", "1"]).run().expect(0, "-j --tag 1\n");
}

#[test]
fn commands_know_their_number_and_find_nothing_on_standard_input() {
    let script = "cat; echo $PIECEWORK_SEQ $PIECEWORK_SLOT $PIECEWORK_ATTEMPT #";
    piecework(["map", "-j1", script]).run_with(b"a\nb\n").expect(0, "1 1 1\n2 1 1\n");
    let ids = piecework(["map", "echo $PIECEWORK_TASK_ID #"]).run_with(b"a\nb\n").text();
    let ids: std::collections::HashSet<u64> = ids.lines().map(|id| id.parse().unwrap()).collect();
    assert_eq!(ids.len(), 2);
}

#[test]
fn a_process_left_in_the_background_holds_nothing_up() {
    let run = piecework(["map", "sleep 1000 & echo $! #", ":::", "x"]).run();
    assert_eq!(run.code, 0);
    let pid = rustix::process::Pid::from_raw(run.text().trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn a_reader_that_goes_ends_the_run_quietly() {
    let mut run = piecework(["map", "-j1", "echo"]).start();
    let mut stdin = run.stdin.take().unwrap();
    let writer = std::thread::spawn(move || while stdin.write_all(b"x\n").is_ok() {});
    assert_eq!(run.line(), "x");
    run.close_stdout();
    let ran = run.end();
    assert_eq!((ran.code, ran.stderr.as_str()), (141, ""));
    writer.join().unwrap();
}

#[test]
fn the_input_is_read_no_further_than_it_is_worked_on() {
    // Counts the lines that were taken while three hundred were worked on. Long lines make the
    // buffers on the way count for little: 64 KiB of a pipe are 64 lines.
    const LINE_BYTES: usize = 1024;
    const WORKED_ON: usize = 300;
    const AHEAD_MAX: usize = 64 + 64 + 64 + 64 + 64; // pipe, reader, tasks, results, output
    let mut run = piecework(["map", "-j2", "echo", "x", "#", "{}"]).start();
    let mut stdin = run.stdin.take().unwrap();
    let written = std::sync::Arc::new(AtomicUsize::new(0));
    let counter = written.clone();
    let writer = std::thread::spawn(move || {
        let mut line = vec![b'-'; LINE_BYTES];
        line[LINE_BYTES - 1] = b'\n';
        while stdin.write_all(&line).is_ok() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    for _ in 0..WORKED_ON {
        assert!(run.line().starts_with("x # --"));
    }
    run.signal(rustix::process::Signal::STOP);
    let ahead = written.load(Ordering::SeqCst).saturating_sub(WORKED_ON);
    assert!(ahead < AHEAD_MAX, "{ahead} lines were read ahead");
    drop(run);
    writer.join().unwrap();
}
