//! Prints the results as they come, each whole: in the order of the input, or in that of their end.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::link::{Outcome, Task};
use super::progress::Progress;
use super::window::Window;
use crate::output::{self, Sink};

/// How many characters of an argument are shown in a message.
const SHOWN_CHARS_MAX: usize = 80;

/// How the results are printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// In the order of the input.
    pub(crate) keep_order: bool,
    /// With the argument and a tab in front of each line.
    pub(crate) tag: bool,
    /// Without a line for each task that failed.
    pub(crate) quiet: bool,
}

/// How many tasks ended, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// All that ended by themselves.
    pub(crate) done: u64,
    /// Those of them that failed.
    pub(crate) failed: u64,
}

/// Collects until there are no more results, and tells the tally.
///
/// Printing blocks when its reader is slow, so it has a thread of its own. Nobody joins that
/// thread: a stop must not wait for a reader that has gone to sleep.
pub(crate) fn start(
    results: mpsc::Receiver<(Task, Outcome)>,
    look: Look,
    window: Arc<Window>,
    progress: Progress,
) -> oneshot::Receiver<io::Result<Tally>> {
    let (ended, wait) = oneshot::channel();
    thread::spawn(move || {
        let collector = Collector {
            look,
            window,
            progress,
            sink: Sink::new(),
            held: BTreeMap::new(),
            next: 1,
            tally: Tally::default(),
        };
        let _ = ended.send(collector.run(results));
    });
    wait
}

struct Collector {
    look: Look,
    window: Arc<Window>,
    progress: Progress,
    sink: Sink,
    /// Results whose turn has not come; every key is greater than `next`.
    held: BTreeMap<u64, (Task, Outcome)>,
    /// The task whose turn it is.
    next: u64,
    tally: Tally,
}

impl Collector {
    fn run(mut self, mut results: mpsc::Receiver<(Task, Outcome)>) -> io::Result<Tally> {
        while let Some((task, outcome)) = self.wait(&mut results)? {
            self.count(&outcome);
            if self.look.keep_order && task.seq != self.next {
                self.window.hold(outcome.bytes());
                self.held.insert(task.seq, (task, outcome));
                continue;
            }
            self.print(&task, &outcome)?;
            self.next += 1;
            while let Some((task, outcome)) = self.held.remove(&self.next) {
                self.window.unhold(outcome.bytes());
                self.print(&task, &outcome)?;
                self.next += 1;
            }
        }
        // After a stop there may be gaps; what was done is shown all the same.
        for (task, outcome) in std::mem::take(&mut self.held).into_values() {
            self.print(&task, &outcome)?;
        }
        self.flush()?;
        Ok(self.tally)
    }

    /// The next result. What was printed is written out before a wait.
    fn wait(
        &mut self,
        results: &mut mpsc::Receiver<(Task, Outcome)>,
    ) -> io::Result<Option<(Task, Outcome)>> {
        match results.try_recv() {
            Ok(result) => Ok(Some(result)),
            Err(_) => {
                self.flush()?;
                Ok(results.blocking_recv())
            }
        }
    }

    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Ended(output) => {
                self.tally.done += 1;
                self.tally.failed += u64::from(!output.end.is_success());
            }
            Outcome::Failed(_) => {
                self.tally.done += 1;
                self.tally.failed += 1;
            }
            Outcome::Stopped => {}
        }
        self.progress.set(self.tally.done, self.tally.failed);
    }

    fn flush(&mut self) -> io::Result<()> {
        self.progress.aside(|| self.sink.flush())
    }

    fn print(&mut self, task: &Task, outcome: &Outcome) -> io::Result<()> {
        self.window.leave();
        let Self { look, sink, progress, .. } = self;
        let failure = match outcome {
            Outcome::Ended(output) => {
                let tag = look.tag.then_some(task.argument.as_slice());
                if !output.stdout.is_empty() {
                    progress.aside(|| each_line(&output.stdout, tag, |part| sink.data(part)))?;
                }
                if !output.stderr.is_empty() {
                    let mut text = Vec::with_capacity(output.stderr.len());
                    each_line(&output.stderr, tag, |part| {
                        text.extend(part);
                        Ok(())
                    })?;
                    progress.aside(|| sink.passed_on(&text))?;
                }
                (!output.end.is_success()).then(|| format!("ended with {}", output.end))
            }
            Outcome::Failed(error) => Some(error.to_string()),
            Outcome::Stopped => None,
        };
        if let Some(failure) = failure.filter(|_| !look.quiet) {
            sink.flush()?;
            let line = format!("task {} ({}): {failure}", task.seq, shown(&task.argument));
            progress.aside(|| output::talk(line));
        }
        Ok(())
    }
}

impl Outcome {
    /// How many bytes it holds in memory.
    fn bytes(&self) -> usize {
        match self {
            Self::Ended(output) => output.stdout.len() + output.stderr.len(),
            Self::Failed(_) | Self::Stopped => 0,
        }
    }
}

/// Passes text on, with the tag and a tab in front of each line where there is a tag.
fn each_line(
    text: &[u8],
    tag: Option<&[u8]>,
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let Some(tag) = tag else { return write(text) };
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        write(tag)?;
        write(b"\t")?;
        write(line)?;
    }
    Ok(())
}

/// An argument as people can read it, on one line and not too long.
pub(crate) fn shown(argument: &[u8]) -> String {
    let text = String::from_utf8_lossy(argument);
    let mut chars = text.chars();
    let mut shown: String =
        chars.by_ref().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    if chars.next().is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_gets_its_tag_and_nothing_else_changes() {
        let tagged = |text: &[u8]| {
            let mut all: Vec<u8> = Vec::new();
            each_line(text, Some(b"k"), |part| {
                all.extend(part);
                Ok(())
            })
            .unwrap();
            all
        };
        assert_eq!(tagged(b"a\n\nb"), b"k\ta\nk\t\nk\tb");
        assert_eq!(tagged(b""), b"");
    }

    #[test]
    fn arguments_are_shown_on_one_line() {
        assert_eq!(shown(b"a\nb"), "a\\nb");
        assert_eq!(shown(&[b'x'; 81]), format!("{}...", "x".repeat(80)));
    }
}
