//! Prints results, each whole: in the order of the input, or in that of their end. Or line by line.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use anyhow::Context;

use super::held::Held;
use super::piece::Finished;
use super::window::Window;
use crate::output::Sink;
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
    /// Lines as they come, instead of each result whole.
    pub(crate) lines: bool,
    /// Without a line for each task that failed.
    pub(crate) quiet: bool,
}

/// Prints results.
#[derive(Debug)]
pub(crate) struct Printer {
    look: Look,
    window: Arc<Window>,
    sink: Sink,
    /// What has come of tasks that still run.
    running: HashMap<u64, Streams>,
    /// Results whose turn has not come; every key is `next` or greater.
    waiting: BTreeMap<u64, (Finished, Streams)>,
    /// The task whose turn it is.
    next: u64,
}

/// What one attempt of a task has written.
#[derive(Debug, Default)]
struct Streams {
    lease: u64,
    stdout: Held,
    stderr: Held,
}

impl Printer {
    /// Prints to standard output and standard error.
    pub(crate) fn new(look: Look, window: Arc<Window>, sink: Sink) -> Self {
        let (running, waiting) = (HashMap::new(), BTreeMap::new());
        Self { look, window, sink, running, waiting, next: 1 }
    }

    /// Some output of a task that still runs. What an attempt has left that was lost with its
    /// worker is forgotten, unless its lines have been printed.
    pub(crate) async fn part(
        &mut self,
        seq: u64,
        lease: u64,
        is_stderr: bool,
        bytes: Vec<u8>,
    ) -> anyhow::Result<()> {
        if self.look.lines && (!self.look.keep_order || seq == self.next) {
            let part = Held::short(bytes);
            return self.sink.held(part, is_stderr, None).await.context(CANNOT_WRITE);
        }
        let streams = self.running.entry(seq).or_default();
        if streams.lease != lease {
            *streams = Streams { lease, ..Streams::default() };
        }
        let stream = if is_stderr { &mut streams.stderr } else { &mut streams.stdout };
        stream.add(&bytes)
    }

    /// The end of a task; it is printed when its turn has come, and others with it.
    pub(crate) async fn finished(
        &mut self,
        lease: u64,
        mut finished: Finished,
    ) -> anyhow::Result<()> {
        let streams = self.running.remove(&finished.seq).filter(|streams| streams.lease == lease);
        let mut streams = streams.unwrap_or_default();
        if let Ok(output) = &mut finished.result {
            streams.stdout.end(std::mem::take(&mut output.stdout));
            streams.stderr.end(std::mem::take(&mut output.stderr));
        }
        if !self.look.keep_order {
            return self.print(finished, streams).await;
        }
        self.waiting.insert(finished.seq, (finished, streams));
        while let Some((finished, streams)) = self.waiting.remove(&self.next) {
            self.print(finished, streams).await?;
            self.next += 1;
            self.catch_up().await?;
        }
        Ok(())
    }

    /// Prints what is left, and waits until it is written.
    ///
    /// # Errors
    /// If standard output takes no more.
    pub(crate) async fn close(mut self) -> anyhow::Result<()> {
        // After a stop there may be gaps; what was done is shown all the same.
        for (finished, streams) in std::mem::take(&mut self.waiting).into_values() {
            self.print(finished, streams).await?;
        }
        self.sink.close().await.context(CANNOT_WRITE)
    }

    /// Line by line and in order: what the task whose turn it is now has written so far.
    async fn catch_up(&mut self) -> anyhow::Result<()> {
        if self.look.lines
            && let Some(Streams { stdout, stderr, .. }) = self.running.remove(&self.next)
        {
            self.sink.held(stdout, false, None).await.context(CANNOT_WRITE)?;
            self.sink.held(stderr, true, None).await.context(CANNOT_WRITE)?;
        }
        Ok(())
    }

    async fn print(&mut self, finished: Finished, streams: Streams) -> anyhow::Result<()> {
        let bytes = finished.bytes() + streams.stdout.bytes() + streams.stderr.bytes();
        self.print_parts(finished, streams).await.context(CANNOT_WRITE)?;
        self.window.printed(bytes);
        Ok(())
    }

    async fn print_parts(&mut self, finished: Finished, streams: Streams) -> io::Result<()> {
        let argument = finished.args.join(&b' ');
        let tag = || self.look.tag.then(|| argument.clone());
        if !streams.stdout.is_empty() {
            self.sink.held(streams.stdout, false, tag()).await?;
        }
        if !streams.stderr.is_empty() {
            self.sink.held(streams.stderr, true, tag()).await?;
        }
        let failure = match finished.result {
            Ok(output) if output.end.is_success() => return Ok(()),
            Ok(output) => format!("ended with {}", output.end),
            Err(why) => why,
        };
        if self.look.quiet {
            return Ok(());
        }
        self.sink.talk(format!("task {} ({}): {failure}", finished.seq, shown(&argument))).await
    }
}

impl Finished {
    /// Whether all went well.
    pub(crate) fn is_success(&self) -> bool {
        self.result.as_ref().is_ok_and(|output| output.end.is_success())
    }

    /// How many bytes it holds in memory.
    pub(crate) fn bytes(&self) -> usize {
        let output =
            self.result.as_ref().map_or(0, |output| output.stdout.len() + output.stderr.len());
        self.args.iter().map(Vec::len).sum::<usize>() + output
    }
}
