//! Prints the results as they come, each whole: in the order of the input, or in that of their end.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::link::{Outcome, Task};
use super::window::Window;
use crate::output::{Progress, Sink};

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

/// Collects and prints results.
#[derive(Debug)]
pub(crate) struct Collector {
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
    /// Prepares to collect.
    pub(crate) fn new(look: Look, window: Arc<Window>, progress: Progress) -> Self {
        let sink = Sink::open(progress.clone());
        let (held, tally) = (BTreeMap::new(), Tally::default());
        Self { look, window, progress, sink, held, next: 1, tally }
    }

    /// Collects until there are no more results, and tells the tally.
    ///
    /// # Errors
    /// If standard output takes no more.
    pub(crate) async fn run(
        mut self,
        mut results: mpsc::Receiver<(Task, Outcome)>,
    ) -> io::Result<Tally> {
        while let Some((task, outcome)) = results.recv().await {
            self.count(&outcome);
            if self.look.keep_order && task.seq != self.next {
                self.window.hold(outcome.bytes());
                self.held.insert(task.seq, (task, outcome));
                continue;
            }
            self.print(task, outcome).await?;
            self.next += 1;
            while let Some((task, outcome)) = self.held.remove(&self.next) {
                self.window.unhold(outcome.bytes());
                self.print(task, outcome).await?;
                self.next += 1;
            }
        }
        // After a stop there may be gaps; what was done is shown all the same.
        for (task, outcome) in std::mem::take(&mut self.held).into_values() {
            self.print(task, outcome).await?;
        }
        self.sink.close().await?;
        Ok(self.tally)
    }

    fn count(&mut self, outcome: &Outcome) {
        let failed = match outcome {
            Outcome::Ended(output) => !output.end.is_success(),
            Outcome::Failed(_) => true,
            Outcome::Stopped => return,
        };
        self.tally.done += 1;
        self.tally.failed += u64::from(failed);
        self.progress.set(self.tally.done, self.tally.failed);
    }

    async fn print(&mut self, task: Task, outcome: Outcome) -> io::Result<()> {
        self.window.leave();
        let failure = match outcome {
            Outcome::Ended(output) => {
                let tag = self.look.tag.then_some(task.argument.as_slice());
                if !output.stdout.is_empty() {
                    self.sink.data(tagged(output.stdout, tag)).await?;
                }
                if !output.stderr.is_empty() {
                    self.sink.passed_on(tagged(output.stderr, tag)).await?;
                }
                (!output.end.is_success()).then(|| format!("ended with {}", output.end))
            }
            Outcome::Failed(error) => Some(error.to_string()),
            Outcome::Stopped => None,
        };
        match failure {
            Some(failure) if !self.look.quiet => {
                let line = format!("task {} ({}): {failure}", task.seq, shown(&task.argument));
                self.sink.talk(line).await
            }
            _ => Ok(()),
        }
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

/// Puts the tag and a tab in front of each line, where there is a tag.
fn tagged(text: Vec<u8>, tag: Option<&[u8]>) -> Vec<u8> {
    let Some(tag) = tag else { return text };
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines.flat_map(|line| [tag, b"\t", line]).flatten().copied().collect()
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
        let with_k = |text: &[u8]| tagged(text.to_vec(), Some(b"k"));
        assert_eq!(with_k(b"a\n\nb"), b"k\ta\nk\t\nk\tb");
        assert_eq!(with_k(b""), b"");
        assert_eq!(tagged(b"a\n\nb".to_vec(), None), b"a\n\nb");
    }

    #[test]
    fn arguments_are_shown_on_one_line() {
        assert_eq!(shown(b"a\nb"), "a\\nb");
        assert_eq!(shown(&[b'x'; 81]), format!("{}...", "x".repeat(80)));
    }
}
