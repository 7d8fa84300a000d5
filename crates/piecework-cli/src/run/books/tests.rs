//! What is written into the books is what a later turn of the run is given out of them.

use std::io::Read;
use std::path::Path;

use piecework::command::End;
use tempfile::TempDir;

use super::*;
use crate::record::testing::{ended, ok};
use crate::run::print::Streams;
use crate::template::Given;

/// More than is held in memory of a command that runs.
const LONG: usize = 200_000;

/// One turn after the other of a run.
struct Run(TempDir);

impl Run {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn turn(&self) -> Turn {
        self.turn_with(|_| ())
    }

    fn turn_with(&self, change: impl FnOnce(&mut Wanted)) -> Turn {
        let name = "x".parse().unwrap();
        let mut wanted = Wanted { name, restart: false, retries_failed: false };
        change(&mut wanted);
        let template = Template::new(vec!["wc".into()], Given::AsArgument);
        let (books, known) = Books::open(self.0.path(), &wanted, &template).unwrap();
        Turn { books, known, seq: 0 }
    }

    fn outputs(&self) -> usize {
        self.0.path().join("x/outputs").read_dir().unwrap().count()
    }
}

struct Turn {
    books: Arc<Books>,
    known: Known,
    seq: u64,
}

impl Turn {
    /// Begins the task of the next argument.
    fn begin(&mut self, arg: &str) -> Option<Kept> {
        self.seq += 1;
        let piece = Piece { seq: self.seq, args: vec![arg.into()], stdin: None };
        self.books.begin(&piece, &mut self.known).unwrap()
    }

    /// The task that was begun last goes well, and prints this with its end.
    async fn end_well(&self, arg: &str, stdout: &str) {
        self.books.ended(7, &ok(self.seq, &[arg], stdout)).await.unwrap();
    }

    /// What tasks of these arguments wrote; nothing of those that have to run.
    fn known(&mut self, args: &[&str]) -> Vec<Option<String>> {
        args.iter().map(|arg| self.begin(arg).map(|kept| stdout(kept.streams))).collect()
    }
}

fn stdout(mut streams: Streams) -> String {
    let mut text = String::new();
    streams.stdout.read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn a_task_is_known_by_what_it_works_on_wherever_that_stands() {
    let run = Run::new();
    let mut turn = run.turn();
    for arg in ["a", "b", "a"] {
        assert!(turn.begin(arg).is_none());
        turn.end_well(arg, &format!("{arg}{}", turn.seq)).await;
    }
    drop(turn);
    let known = run.turn().known(&["new", "b", "a", "a", "a", "b"]);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(known, [None, text("b2"), text("a1"), text("a3"), None, None]);
}

#[tokio::test]
async fn what_is_given_out_is_what_the_task_came_to() {
    let run = Run::new();
    let mut finished = Finished { tries: 2, lost: 1, slot: 3, ..ended(1, End::Signal(9)) };
    finished.args = vec![b"a".to_vec()];
    finished.result.as_mut().unwrap().stderr = b"said\n".to_vec();
    let mut turn = run.turn();
    turn.begin("a");
    turn.books.ended(7, &finished).await.unwrap();
    drop(turn);
    let mut turn = run.turn();
    turn.begin("new");
    let mut kept = turn.begin("a").unwrap();
    assert_eq!(kept.streams.stderr.tail(100), b"said\n");
    kept.finished.result.as_mut().unwrap().stderr = b"said\n".to_vec();
    assert_eq!(kept.finished, Finished { seq: 2, ..finished });
}

#[tokio::test]
async fn long_output_comes_in_parts_and_that_of_lost_attempts_is_forgotten() {
    let run = Run::new();
    let mut turn = run.turn();
    turn.begin("a");
    let (lost, long) = ("lost".repeat(LONG), "long".repeat(LONG));
    turn.books.part(1, 6, false, lost.as_bytes());
    turn.books.part(1, 7, false, long.as_bytes());
    turn.books.part(1, 7, true, b"short");
    turn.end_well("a", "end").await;
    assert_eq!(run.outputs(), 2, "of both attempts");
    drop(turn);
    let mut turn = run.turn();
    assert_eq!(run.outputs(), 1);
    let kept = turn.begin("a").unwrap();
    assert_eq!(kept.streams.stderr.tail(100), b"short");
    assert_eq!(stdout(kept.streams), long + "end");
}

#[tokio::test]
async fn tasks_that_did_not_end_leave_nothing() {
    let run = Run::new();
    let mut turn = run.turn();
    turn.begin("a");
    turn.books.part(1, 7, false, &vec![b'x'; LONG]);
    assert_eq!(run.outputs(), 1);
    drop(turn);
    assert_eq!(run.turn().known(&["a"]), [None]);
    assert_eq!(run.outputs(), 0);
}

#[tokio::test]
async fn a_task_whose_output_has_been_removed_runs_again() {
    let run = Run::new();
    let mut turn = run.turn();
    turn.begin("a");
    turn.books.part(1, 7, false, &vec![b'x'; LONG]);
    turn.end_well("a", "").await;
    drop(turn);
    std::fs::remove_dir_all(run.0.path().join("x/outputs")).unwrap();
    let mut turn = run.turn();
    assert_eq!(turn.known(&["a"]), [None]);
    turn.end_well("a", "short now").await;
    drop(turn);
    assert_eq!(run.turn().known(&["a"]), [Some("short now".to_owned())]);
}

#[tokio::test]
async fn what_failed_runs_again_only_where_that_is_asked_for() {
    let run = Run::new();
    let mut turn = run.turn();
    turn.begin("good");
    turn.end_well("good", "1").await;
    turn.begin("bad");
    turn.books.ended(7, &ended(2, End::Code(1))).await.unwrap();
    drop(turn);
    let retry = |run: &Run| run.turn_with(|wanted| wanted.retries_failed = true);
    let is_kept =
        |known: Vec<Option<String>>| known.iter().map(Option::is_some).collect::<Vec<_>>();
    assert_eq!(is_kept(run.turn().known(&["good", "bad"])), [true, true]);
    let mut turn = retry(&run);
    assert_eq!(is_kept(turn.known(&["good", "bad"])), [true, false]);
    turn.end_well("bad", "better").await;
    drop(turn);
    assert_eq!(is_kept(retry(&run).known(&["good", "bad"])), [true, true]);
}

#[tokio::test]
async fn a_restart_forgets_all() {
    let run = Run::new();
    let mut turn = run.turn();
    turn.begin("a");
    turn.books.part(1, 7, false, &vec![b'x'; LONG]);
    turn.end_well("a", "").await;
    drop(turn);
    assert_eq!(run.turn_with(|wanted| wanted.restart = true).known(&["a"]), [None]);
    assert_eq!(run.outputs(), 0);
}

#[tokio::test]
async fn a_task_ends_once() {
    let run = Run::new();
    let mut turn = run.turn();
    turn.begin("a");
    turn.end_well("a", "first").await;
    turn.end_well("a", "second").await;
    turn.books.part(1, 7, false, b"late");
    drop(turn);
    assert_eq!(run.turn().known(&["a"]), [Some("first".to_owned())]);
}

#[tokio::test]
async fn what_cannot_be_kept_is_told_with_the_run_and_the_task() {
    let run = Run::new();
    let mut turn = run.turn();
    turn.begin("a");
    std::fs::remove_dir_all(run.0.path().join("x/outputs")).unwrap();
    turn.books.part(1, 7, false, &vec![b'x'; LONG]);
    let error = turn.books.ended(7, &ok(1, &["a"], "")).await.unwrap_err().to_string();
    let place = run.0.path().join("x/run.db");
    for part in ["task 1", "run x", Path::to_str(&place).unwrap(), "hint: "] {
        assert!(error.contains(part), "{part}: {error}");
    }
}
