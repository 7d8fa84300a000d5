//! What a run comes to: one line at its end, and a table of its first failures.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::output::amounts::{count, counted, rate, time};
use crate::plain::shown;
use crate::record::went_well;
use crate::run::piece::Finished;

/// How many failures the table shows: they are mostly alike, and these fit on a screen.
const FAILURES_MAX: usize = 10;

/// How many lines of standard error each shows: the last say what went wrong.
const STDERR_LINES_MAX: usize = 3;

/// How much of a command the summary line shows.
const COMMAND_CHARS_MAX: usize = 40;

/// A table narrower than this would show nothing.
const WIDTH_MIN: usize = 40;

const RED: &str = "\x1b[31m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// What a run comes to.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    ok: u64,
    failed: u64,
    /// Of those that failed.
    timed_out: u64,
    /// Tasks that needed more than one try.
    retried: u64,
    /// Attempts whose worker was lost.
    lost: u64,
    /// Tasks that ended in an earlier turn of the run.
    kept: u64,
    longest: Option<Longest>,
    /// The first that failed, by number: at most [`FAILURES_MAX`].
    failures: BTreeMap<u64, Failure>,
}

#[derive(Debug)]
struct Longest {
    took: Duration,
    seq: u64,
    command: String,
}

#[derive(Debug)]
struct Failure {
    end: String,
    took: Option<Duration>,
    command: String,
    /// The last lines of standard error, or why the command could not be run.
    said: Vec<String>,
}

impl Summary {
    /// One of the tasks that are counted ended in an earlier turn of the run.
    pub(crate) fn was_kept(&mut self) {
        self.kept += 1;
    }

    /// Counts a task. `stderr` is the end of what it wrote to standard error.
    pub(crate) fn add(&mut self, finished: &Finished, command: &[u8], stderr: &[u8]) {
        self.retried += u64::from(finished.tries > 1);
        self.lost += u64::from(finished.lost);
        if let Ok(output) = &finished.result {
            let took = output.duration;
            self.timed_out += u64::from(output.timed_out && !went_well(finished));
            if self.longest.as_ref().is_none_or(|longest| longest.took < took) {
                self.longest = Some(Longest { took, seq: finished.seq, command: shown(command) });
            }
        }
        if went_well(finished) {
            self.ok += 1;
            return;
        }
        self.failed += 1;
        let is_early = self.failures.last_key_value().is_none_or(|(last, _)| finished.seq < *last);
        if is_early || self.failures.len() < FAILURES_MAX {
            self.failures.insert(finished.seq, Failure::of(finished, command, stderr));
        }
        if self.failures.len() > FAILURES_MAX {
            self.failures.pop_last();
        }
    }

    /// Returns how many tasks failed.
    pub(crate) fn failed(&self) -> u64 {
        self.failed
    }

    /// Returns how many tasks ended.
    pub(crate) fn tasks(&self) -> u64 {
        self.ok + self.failed
    }

    /// Says it all in one line: `1,000 tasks in 12.3 s: 997 ok, 3 failed (1 timed out), 2 retried;
    /// longest 3.2 s (task 17: wc x); 81/s`.
    pub(crate) fn line(&self, wall: Duration) -> String {
        let mut line = counted(self.tasks(), "task");
        line += &format!(" in {}: {} ok", time(wall), count(self.ok));
        if self.failed > 0 {
            line += &format!(", {} failed", count(self.failed));
        }
        if self.timed_out > 0 {
            line += &format!(" ({} timed out)", count(self.timed_out));
        }
        if self.kept > 0 {
            line += &format!(", {} of them before", count(self.kept));
        }
        if self.retried > 0 {
            line += &format!(", {} retried", count(self.retried));
        }
        if self.lost > 0 {
            line += &format!(", {} lost with a worker", counted(self.lost, "attempt"));
        }
        if let Some(Longest { took, seq, command }) = &self.longest {
            let command = cut(command, COMMAND_CHARS_MAX);
            line += &format!("; longest {} (task {seq}: {command})", time(*took));
            let per_second = (self.tasks() - self.kept) as f64 / wall.as_secs_f64().max(1e-6);
            line += &format!("; {}", rate(per_second));
        }
        line
    }

    /// Shows the first failures in a table that is so many characters wide; `None` if there are
    /// none. No line ends with a newline but those within.
    pub(crate) fn table(&self, width: usize, is_coloured: bool) -> Option<String> {
        if self.failures.is_empty() {
            return None;
        }
        let width = width.max(WIDTH_MIN);
        let head = ["task", "end", "time", "command"].map(str::to_owned);
        let rows = self.failures.iter().map(|(seq, failure)| failure.row(*seq));
        let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
        let said = std::iter::once(&[][..]).chain(self.failures.values().map(|it| &it.said[..]));
        let widths = widths(&rows);
        let [tasks, ..] = widths;
        let mut lines = vec![];
        for (at, (row, said)) in rows.iter().zip(said).enumerate() {
            let colour = if at == 0 { DIM } else { RED };
            lines.push(painted(&cut(&aligned(row, widths), width), colour, is_coloured));
            lines.extend(said.iter().map(|said| cut(&format!("{:tasks$}  | {said}", ""), width)));
        }
        let more = self.failed - self.failures.len() as u64;
        if more > 0 {
            lines.push(format!("and {} more that failed", count(more)));
        }
        Some(lines.join("\n"))
    }
}

impl Failure {
    fn of(finished: &Finished, command: &[u8], stderr: &[u8]) -> Self {
        let command = shown(command);
        match &finished.result {
            Ok(output) => {
                let end =
                    if output.timed_out { "timed out".into() } else { output.end.to_string() };
                Self { end, took: Some(output.duration), command, said: last_lines(stderr) }
            }
            Err(error) => {
                let said = last_lines(error.as_bytes());
                Self { end: "not run".to_owned(), took: None, command, said }
            }
        }
    }

    fn row(&self, seq: u64) -> [String; 4] {
        let took = self.took.map_or("-".to_owned(), time);
        [seq.to_string(), self.end.clone(), took, self.command.clone()]
    }
}

/// How wide each column must be.
fn widths<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> [usize; COLUMNS] {
    let widths = |row: &[String; COLUMNS]| row.each_ref().map(|cell| cell.chars().count());
    rows.iter().map(widths).fold([0; COLUMNS], |widest, row| {
        let mut row = row.into_iter();
        widest.map(|width| width.max(row.next().unwrap_or_default()))
    })
}

/// A row as a line. Numbers stand at the right of their column.
fn aligned(
    [task, end, took, command]: &[String; 4],
    [tasks, ends, times, _]: [usize; 4],
) -> String {
    format!("{task:>tasks$}  {end:<ends$}  {took:>times$}  {command}")
}

/// The last lines that hold anything.
fn last_lines(text: &[u8]) -> Vec<String> {
    let lines = text.rsplit(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let lines = lines.filter(|line| !line.is_empty()).take(STDERR_LINES_MAX).map(shown);
    let mut lines: Vec<_> = lines.collect();
    lines.reverse();
    lines
}

/// The beginning of a text that is too long.
fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    text.chars().take(chars_max.saturating_sub(3)).chain("...".chars()).collect()
}

fn painted(text: &str, colour: &str, is_coloured: bool) -> String {
    if is_coloured { format!("{colour}{text}{PLAIN}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::{ended, ok};
    use piecework::command::End;

    fn took(mut finished: Finished, millis: u64) -> Finished {
        finished.result.as_mut().unwrap().duration = Duration::from_millis(millis);
        finished
    }

    #[test]
    fn the_line_has_what_there_is_to_say() {
        let mut summary = Summary::default();
        for seq in 1..=997 {
            let longest = if seq == 17 { 3210 } else { 10 };
            summary.add(&took(ok(seq, &["x"], ""), longest), b"wc x", b"");
        }
        let wall = Duration::from_secs_f64(12.3);
        assert_eq!(
            summary.line(wall),
            "997 tasks in 12.3 s: 997 ok; longest 3.2 s (task 17: wc x); 81/s"
        );
        let mut timed_out = took(ended(998, End::Signal(15)), 5000);
        timed_out.result.as_mut().unwrap().timed_out = true;
        summary.add(&timed_out, format!("sleep\n{}", "9".repeat(60)).as_bytes(), b"");
        summary.add(&Finished { tries: 3, ..took(ended(999, End::Code(1)), 1) }, b"false", b"");
        let lost = Finished { tries: 2, lost: 4, result: Err("no".into()), ..ok(1000, &[], "") };
        summary.add(&lost, b"no", b"");
        assert_eq!(
            summary.line(wall),
            "1,000 tasks in 12.3 s: 997 ok, 3 failed (1 timed out), 2 retried, 4 attempts lost with \
             a worker; longest 5.0 s (task 998: sleep\\n999999999999999999999999999999...); 81/s"
        );
        assert_eq!((summary.tasks(), summary.failed()), (1000, 3));
    }

    #[test]
    fn a_run_of_nothing_is_said_too() {
        let summary = Summary::default();
        assert_eq!(summary.line(Duration::from_millis(3)), "0 tasks in 3 ms: 0 ok");
        assert_eq!(summary.table(80, false), None);
    }

    #[test]
    fn the_table_shows_how_each_ended_and_what_it_said() {
        let mut summary = Summary::default();
        summary.add(&took(ended(17, End::Code(2)), 3200), b"wc x", b"1\n2\n\n3\nno \x1b[1mx\r\n");
        summary.add(&took(ended(9, End::Signal(9)), 65_000), b"sort\tbig", b"");
        summary.add(
            &Finished { result: Err("cannot run y".into()), ..ok(120, &[], "") },
            b"y",
            b"",
        );
        summary.add(&ok(3, &[], ""), b"fine", b"warning");
        let expected = [
            "task  end                  time  command",
            "   9  signal SIGKILL  1 min 5 s  sort\\tbig",
            "  17  exit code 2         3.2 s  wc x",
            "      | 2",
            "      | 3",
            "      | no \\u{1b}[1mx",
            " 120  not run                 -  y",
            "      | cannot run y",
        ];
        assert_eq!(summary.table(80, false).unwrap(), expected.join("\n"));
    }

    #[test]
    fn the_table_is_as_wide_as_the_terminal() {
        let mut summary = Summary::default();
        let long = "é".repeat(200);
        summary.add(&ended(1, End::Code(1)), long.as_bytes(), long.as_bytes());
        let table = summary.table(60, false).unwrap();
        assert_eq!(table.lines().map(|line| line.chars().count()).max(), Some(60));
        let narrow = summary.table(0, false).unwrap();
        assert!(narrow.lines().all(|line| line.chars().count() <= WIDTH_MIN), "{narrow}");
    }

    #[test]
    fn colours_come_only_when_asked_for() {
        let mut summary = Summary::default();
        summary.add(&ended(1, End::Code(1)), b"x", b"");
        assert!(!summary.table(80, false).unwrap().contains('\x1b'));
        let coloured = summary.table(80, true).unwrap();
        assert!(coloured.lines().all(|line| line.ends_with(PLAIN)), "{coloured}");
    }

    #[test]
    fn only_the_first_failures_are_kept() {
        let mut summary = Summary::default();
        for seq in (1..=1012).rev() {
            summary.add(&ended(seq, End::Code(1)), b"x", b"");
            assert!(summary.failures.len() <= FAILURES_MAX);
        }
        assert!(summary.failures.keys().copied().eq(1..=10));
        assert!(summary.table(80, false).unwrap().ends_with("\nand 1,002 more that failed"));
    }
}
