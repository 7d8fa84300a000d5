//! Prints the results as they come, each whole: in the order of the input, or in that of their end.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::oneshot;

use super::feed::Fed;
use super::message::Finished;
use super::queues::Session;
use super::window::Window;
use crate::output::{Progress, Sink};
use crate::plain::shown;

/// What went wrong when a write did.
const CANNOT_WRITE: &str = "cannot write to standard output";

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
    /// Results whose turn has not come; every key is `next` or greater.
    held: BTreeMap<u64, Finished>,
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

    /// Collects until every task that was fed has its result or the results are closed, and tells
    /// the tally.
    ///
    /// # Errors
    /// If the input could not be read to its end, or standard output takes no more.
    pub(crate) async fn run(
        mut self,
        mut results: Session,
        mut fed: oneshot::Receiver<Fed>,
    ) -> anyhow::Result<Tally> {
        let mut input = None;
        while input.as_ref().is_none_or(|fed: &Fed| self.tally.done < fed.tasks) {
            tokio::select! {
                Ok(ended) = &mut fed, if input.is_none() => input = Some(ended),
                result = results.result() => match result? {
                    Some(finished) => self.collect(finished).await?,
                    None => break,
                },
            }
        }
        // After a stop there may be gaps; what was done is shown all the same.
        for finished in std::mem::take(&mut self.held).into_values() {
            self.print(finished).await?;
        }
        self.sink.close().await.context(CANNOT_WRITE)?;
        input.map_or(Ok(()), |fed| fed.complete)?;
        Ok(self.tally)
    }

    /// Counts a result, and prints all whose turn has come.
    async fn collect(&mut self, finished: Finished) -> anyhow::Result<()> {
        self.window.finished(finished.bytes());
        self.tally.done += 1;
        self.tally.failed += u64::from(!finished.is_success());
        self.progress.set(self.tally.done, self.tally.failed);
        if !self.look.keep_order {
            return self.print(finished).await;
        }
        self.held.insert(finished.piece.seq, finished);
        while let Some(finished) = self.held.remove(&self.next) {
            self.print(finished).await?;
            self.next += 1;
        }
        Ok(())
    }

    async fn print(&mut self, finished: Finished) -> anyhow::Result<()> {
        let bytes = finished.bytes();
        self.print_parts(finished).await.context(CANNOT_WRITE)?;
        self.window.printed(bytes);
        Ok(())
    }

    async fn print_parts(&mut self, Finished { piece, result }: Finished) -> io::Result<()> {
        let failure = match result {
            Ok(output) => {
                let tag = self.look.tag.then_some(piece.argument.as_slice());
                if !output.stdout.is_empty() {
                    self.sink.data(tagged(output.stdout, tag)).await?;
                }
                if !output.stderr.is_empty() {
                    self.sink.passed_on(tagged(output.stderr, tag)).await?;
                }
                (!output.end.is_success()).then(|| format!("ended with {}", output.end))
            }
            Err(error) => Some(error),
        };
        match failure {
            Some(failure) if !self.look.quiet => {
                let line = format!("task {} ({}): {failure}", piece.seq, shown(&piece.argument));
                self.sink.talk(line).await
            }
            _ => Ok(()),
        }
    }
}

impl Finished {
    fn is_success(&self) -> bool {
        self.result.as_ref().is_ok_and(|output| output.end.is_success())
    }

    /// How many bytes it holds in memory.
    fn bytes(&self) -> usize {
        let output =
            self.result.as_ref().map_or(0, |output| output.stdout.len() + output.stderr.len());
        self.piece.argument.len() + output
    }
}

/// Puts the tag and a tab in front of each line, where there is a tag.
fn tagged(text: Vec<u8>, tag: Option<&[u8]>) -> Vec<u8> {
    let Some(tag) = tag else { return text };
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines.flat_map(|line| [tag, b"\t", line]).flatten().copied().collect()
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
}
