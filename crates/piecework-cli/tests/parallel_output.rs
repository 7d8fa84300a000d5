//! The options of GNU parallel for what is printed, and in which order.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use support::{TestCommand, piecework};

/// Two lines each for `a` and `b`, of which `a` waits for the gate between them; not for ever, so
/// that a test that fails comes to its end.
const INTERLEAVED: &str = "echo {}1; tries=1000; while [ {} = a ] && ! [ -e gate ] && \
                           [ $((tries = tries - 1)) -gt 0 ]; do sleep 0.01; done; \
                           [ $tries -gt 0 ] || echo closed; echo {}2";

/// Runs that with these flags, and opens the gate when so many lines have come. Tells those, and
/// the others.
fn interleaved(flags: &[&str], count: usize) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let run = piecework(["map", "-j2"]).args(flags).args([INTERLEAVED, ":::", "a", "b"]);
    let mut run = run.in_folder(&folder).start();
    let before = (0..count).map(|_| run.line()).collect();
    std::fs::write(folder.path().join("gate"), "").unwrap();
    let ran = run.end();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{flags:?}");
    (before, ran.text().lines().map(str::to_owned).collect())
}

fn map(words: &[&str]) -> TestCommand {
    piecework(["map"]).args(words)
}

#[test]
fn results_are_whole_and_in_order_unless_told_otherwise() {
    let whole: [&[&str]; 6] =
        [&[], &["-k"], &["--keep-order"], &["--group"], &["-u", "--group"], &["--unordered", "-k"]];
    for flags in whole {
        assert_eq!(interleaved(flags, 0).1, ["a1", "a2", "b1", "b2"], "{flags:?}");
    }
    for flag in ["--unordered", "--no-keep-order"] {
        let (before, after) = interleaved(&[flag], 2);
        assert_eq!(
            (before, after),
            (vec!["b1".into(), "b2".into()], vec!["a1".into(), "a2".into()])
        );
    }
}

#[test]
fn lines_come_as_they_are_printed() {
    for flag in ["--line-buffer", "--lb"] {
        let (before, after) = interleaved(&[flag], 1);
        assert_eq!(before, ["a1"]);
        assert_eq!(after, ["a2", "b1", "b2"]);
    }
    let mixed: [&[&str]; 3] = [&["-u"], &["--ungroup"], &["--line-buffer", "--unordered"]];
    for flags in mixed {
        let (mut before, after) = interleaved(flags, 3);
        before.sort();
        assert_eq!(before, ["a1", "b1", "b2"], "{flags:?}");
        assert_eq!(after, ["a2"], "{flags:?}");
    }
}

#[test]
fn lines_are_tagged() {
    map(&["--tag", "echo", ":::", "a"]).run().expect(0, "a\ta\n");
    map(&["--tag", "echo", "x", ":::", "a b"]).run().expect(0, "a b\tx a b\n");
    map(&["--tag", "echo", ":::", "a", ":::", "b"]).run().expect(0, "a b\ta b\n");
    map(&["--tagstring", "{#}-{}", "echo", ":::", "a"]).run().expect(0, "1-a\ta\n");
    map(&["--tag", "--tagstring", "x", "echo", ":::", "a"]).run().expect(2, "");
}

#[test]
fn what_goes_without_saying_may_be_said() {
    for flag in ["--gnu", "--will-cite", "--no-notice", "--silent", "--quote"] {
        map(&[flag, "echo", "a;b", ":::", "c"]).run().expect(0, "a;b c\n");
    }
    map(&["--gnu", "--will-cite", "--gnu", "echo", ":::", "a"]).run().expect(0, "a\n");
}

#[test]
fn quiet_says_nothing_of_failures() {
    for flag in ["-q", "--quiet"] {
        let ran = map(&[flag, "false", ":::", "a"]).run();
        assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{flag}");
    }
}

#[test]
fn progress_goes_to_standard_error_only() {
    for flags in [&["--bar"][..], &["--eta"], &["--progress", "bar"], &["--progress", "plain"]] {
        let ran = map(flags).args(["echo", ":::", "a", "b"]).run();
        ran.expect(0, "a\nb\n");
        assert!(ran.stderr.contains("2 of 2 done"), "{flags:?}: {}", ran.stderr);
    }
    let ran = map(&["--progress", "json", "echo", ":::", "a"]).run();
    ran.expect(0, "a\n");
    let last = ran.stderr.lines().last().unwrap();
    let last: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!((&last["done"], &last["total"]), (&1.into(), &1.into()));
}

#[test]
fn help_and_version_are_told() {
    assert!(map(&["-h"]).run().text().starts_with("Run a command for each argument"));
    assert!(map(&["--help"]).run().text().contains("Examples:"));
    for flag in ["-V", "--version"] {
        let ran = piecework([flag]).run();
        assert!(ran.text().starts_with("piecework "), "{ran:?}");
        let declined = map(&[flag, "echo", ":::", "a"]).run();
        declined.expect(2, "");
        assert!(declined.stderr.contains("piecework --version"), "{}", declined.stderr);
    }
}
