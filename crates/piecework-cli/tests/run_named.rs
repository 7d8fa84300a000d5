//! `piecework map --run NAME`: the same line again takes the run up where it was left, however
//! that came about.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use support::{Ran, TestCommand, piecework, wait_until};
use tempfile::TempDir;

/// A folder that runs work in, and keep their books in.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// `piecework map --run x` with these words.
    fn map(&self, words: &[&str]) -> TestCommand {
        let map = piecework(["map", "--run", "x"]).args(words);
        map.env("XDG_DATA_HOME", self.path("data")).in_folder(&self.0)
    }

    fn run(&self, words: &[&str]) -> Ran {
        self.map(words).run()
    }

    /// What commands have appended to the file `did`, since this was asked last.
    fn did(&self) -> Vec<String> {
        let did = lines(&self.path("did"));
        let _ = fs::remove_file(self.path("did"));
        did
    }
}

fn lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(ToOwned::to_owned).collect()
}

#[test]
fn a_run_that_is_killed_again_and_again_does_each_task_once_and_prints_all_in_order() {
    const TASKS: usize = 2_000;
    const SLOTS: usize = 3;
    let site = Site::new();
    let input: String = (1..=TASKS).map(|number| format!("{number}\n")).collect();
    fs::write(site.path("in"), &input).unwrap();
    let command = ["-j3", "-a", "in", "echo {}; echo {} >> did"];
    let mut kills = 0;
    for ended_before_kill in [100, 700, 1_500] {
        let run = site.map(&command).start();
        let enough = || lines(&site.path("did")).len() >= ended_before_kill;
        wait_until("so many have ended", enough);
        run.signal(Signal::KILL);
        kills += 1;
    }
    site.run(&command).expect(0, &input);
    let mut did: Vec<usize> = site.did().iter().map(|line| line.parse().unwrap()).collect();
    let times = did.len();
    did.sort_unstable();
    did.dedup();
    assert_eq!(did, (1..=TASKS).collect::<Vec<_>>());
    // Those that had written their line and not ended, at each kill.
    assert!(times - TASKS <= kills * SLOTS, "{} ran twice", times - TASKS);
    site.run(&command).expect(0, &input);
    assert_eq!(site.did(), [""; 0], "there is nothing left to do");
}

#[test]
fn what_has_ended_is_kept_though_nobody_reads_the_results() {
    const TASKS: usize = 200;
    let site = Site::new();
    let arguments: Vec<String> = (1..=TASKS).map(|number| number.to_string()).collect();
    let mut words = vec!["-j2", "head -c 20000 /dev/zero; echo {} >> did", ":::"];
    words.extend(arguments.iter().map(String::as_str));
    let run = site.map(&words).start();
    // The pipe is full after a few results; those of all others wait.
    wait_until("many have ended", || lines(&site.path("did")).len() >= 60);
    run.signal(Signal::KILL);
    run.end();
    let again = site.run(&words);
    assert_eq!((again.code, again.stdout.len()), (0, TASKS * 20_000));
    let did = site.did().len();
    assert!((TASKS..=TASKS + 2).contains(&did), "{did} commands ran for {TASKS} tasks");
}

#[test]
fn only_what_is_new_runs_and_equal_arguments_are_counted() {
    let site = Site::new();
    let command = "echo {}; echo {} >> did";
    site.run(&["-j1", command, ":::", "a", "b", "a"]).expect(0, "a\nb\na\n");
    assert_eq!(site.did(), ["a", "b", "a"]);
    let again = ["-j1", command, ":::", "c", "a", "b", "a", "a", "d"];
    site.run(&again).expect(0, "c\na\nb\na\na\nd\n");
    assert_eq!(site.did(), ["c", "a", "d"]);
    site.run(&["-j1", command, ":::", "b"]).expect(0, "b\n");
    assert_eq!(site.did(), [""; 0]);
}

#[test]
fn a_finished_run_says_again_all_that_it_said() {
    let site = Site::new();
    let long = "head -c 1000000 /dev/zero | tr '\\0' {}; echo";
    let script = format!(
        "echo {{}} >> did; case {{}} in f) echo out; echo err >&2; exit 3;; k) kill -9 $$;; *) {long};; esac"
    );
    for flags in [&["--tag"][..], &["--line-buffer"], &["--results", "r.jsonl", "--joblog", "log"]]
    {
        let words = [flags, &["-j1", &script, ":::", "f", "k", "x"]].concat();
        let keep = |site: &Site| {
            let ran = site.run(&words);
            let log = fs::read_to_string(site.path("log")).unwrap_or_default();
            let results = fs::read_to_string(site.path("r.jsonl")).unwrap_or_default();
            // What follows is the table of failures, with times in it.
            let said: Vec<_> =
                ran.stderr.lines().take_while(|line| !line.starts_with("task ")).collect();
            (ran.code, ran.text(), said.join("\n"), log, results)
        };
        let (first, second) = (keep(&site), keep(&site));
        assert_eq!(first.0, 2);
        assert!(first == second, "{flags:?}: {:?}\n{:?}", first.2, second.2);
        assert_eq!(site.did(), ["f", "k", "x"], "{flags:?}");
        fs::remove_dir_all(site.path("data")).unwrap();
    }
}

#[test]
fn what_failed_runs_again_only_if_that_is_asked_for() {
    let site = Site::new();
    let words = ["-q", "-j1", "echo {} >> did; test -e {}", ":::", "in", "gone"];
    fs::write(site.path("in"), "").unwrap();
    site.run(&words).expect(1, "");
    assert_eq!(site.did(), ["in", "gone"]);
    site.run(&words).expect(1, "");
    assert_eq!(site.did(), [""; 0]);
    fs::write(site.path("gone"), "").unwrap();
    for flag in ["--retry-failed", "--resume-failed"] {
        site.run(&[&[flag], &words[..]].concat()).expect(0, "");
    }
    assert_eq!(site.did(), ["gone"]);
    site.run(&[&["--restart"], &words[..]].concat()).expect(0, "");
    assert_eq!(site.did(), ["in", "gone"]);
}

#[test]
fn a_failure_halts_a_run_once() {
    let site = Site::new();
    let command = "echo {} >> did; echo {}; test {} != b";
    let words = ["-q", "-j1", "--halt", "soon,fail=1", command, ":::", "a", "b", "c"];
    site.run(&words).expect(1, "a\nb\n");
    assert_eq!(site.did(), ["a", "b"]);
    site.run(&words).expect(1, "a\nb\nc\n");
    assert_eq!(site.did(), ["c"]);
}

#[test]
fn tasks_that_a_stop_has_ended_are_not_over() {
    let site = Site::new();
    let words = ["-j1", "echo {} >> did; echo {}; test -e go || exec sleep 1000", ":::", "a", "b"];
    let mut run = site.map(&words).start();
    wait_until("it runs", || site.path("did").exists());
    for _ in 0..2 {
        run.signal(Signal::INT);
        run.error_line();
    }
    assert_eq!(run.end().code, 130);
    fs::write(site.path("go"), "").unwrap();
    site.run(&words).expect(0, "a\nb\n");
    assert_eq!(site.did(), ["a", "a", "b"]);
}

#[test]
fn blocks_of_input_are_known_by_what_is_in_them() {
    let site = Site::new();
    let words = ["-j1", "--pipe", "-N1", "tee -a did"];
    site.map(&words).run_with(b"a\nb\n").expect(0, "a\nb\n");
    site.map(&words).run_with(b"b\nc\na\n").expect(0, "b\nc\na\n");
    assert_eq!(site.did(), ["a", "b", "c"]);
}

#[test]
fn a_name_is_of_one_run_at_a_time_and_of_one_command() {
    let site = Site::new();
    let run = site.map(&["-j1", "echo > began; exec sleep 1000 #", ":::", "a"]).start();
    wait_until("it runs", || site.path("began").exists());
    let second = site.run(&["true", ":::", "a"]);
    second.expect(255, "");
    let who = format!("run x is under way in process {}\n", run.pid().as_raw_nonzero());
    assert!(second.stderr.contains(&who), "{}", second.stderr);
    run.signal(Signal::KILL);
    run.end();
    let other = site.run(&["true", ":::", "a"]);
    other.expect(255, "");
    assert!(other.stderr.contains("sleep 1000") && other.stderr.contains("--restart"));
    site.run(&["--restart", "true", ":::", "a"]).expect(0, "");
    assert_eq!(site.map(&["--run", "a/b", "true"]).run().code, 2);
}

#[test]
fn what_other_machines_did_is_kept_too() {
    const LONG: usize = 3_000_000;
    let (site, other) = (Site::new(), tempfile::tempdir().unwrap());
    let address = format!("unix:{}", site.path("socket").display());
    // Here only the first task runs, and never ends; elsewhere all the others.
    let script = "echo {} >> did; test -e here && exec sleep 1000; \
                  head -c 3000000 /dev/zero | tr '\\0' {}";
    fs::write(site.path("here"), "").unwrap();
    let words = ["-j1", "--listen", &address, script, ":::", "a", "b", "c"];
    let key = |command: TestCommand| command.env("PIECEWORK_AUTHKEY", "a key for tests only");
    let run = key(site.map(&words)).start();
    wait_until("it runs here", || site.path("did").exists());
    let worker = key(piecework(["worker", &address, "--exec", "-j1"])).in_folder(&other).start();
    let rows = || {
        let tables = rusqlite::Connection::open(site.path("data/piecework/runs/x/run.db")).unwrap();
        let count = tables.query_row("SELECT count(*) FROM tasks", (), |row| row.get::<_, i64>(0));
        count.unwrap_or_default()
    };
    wait_until("what was done elsewhere is kept", || rows() == 2);
    run.signal(Signal::KILL);
    run.end();
    worker.end();
    fs::remove_file(site.path("here")).unwrap();
    let _ = fs::remove_file(site.path("socket"));
    let all = ["a", "b", "c"].map(|letter| letter.repeat(LONG)).concat();
    let again = site.run(&["-j1", script, ":::", "a", "b", "c"]);
    assert!(again.code == 0 && again.text() == all, "{}", again.stderr);
    assert_eq!(site.did(), ["a", "a"]);
    assert_eq!(lines(&other.path().join("did")), ["b", "c"]);
}
