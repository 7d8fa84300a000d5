//! Prints results, each whole: in the order of the input, or in that of their end. Or line by line.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use anyhow::Context;

use super::held::Held;
use super::piece::Finished;
use super::turns::Turns;
use super::window::Window;
use crate::output::Sink;
use crate::plain::shown;
use crate::template::{Filling, Pattern};

/// What went wrong when a write did.
const CANNOT_WRITE: &str = "cannot write to standard output";

/// How the results are printed.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// In the order of the input.
    pub(crate) keep_order: bool,
    /// With this and a tab in front of each line.
    pub(crate) tag: Option<Tag>,
    /// Lines as they come, instead of each result whole.
    pub(crate) lines: bool,
    /// Not at all: they are kept elsewhere.
    pub(crate) silent: bool,
    /// Without a line for each task that failed.
    pub(crate) quiet: bool,
}

/// What is put in front of each line.
#[derive(Clone, Debug)]
pub(crate) enum Tag {
    /// The arguments.
    Arguments,
    /// Something with places.
    Pattern(Pattern),
}

/// Prints results.
#[derive(Debug)]
pub(crate) struct Printer {
    look: Look,
    window: Arc<Window>,
    turns: Arc<Turns>,
    sink: Sink,
    /// What has come of tasks that still run.
    running: HashMap<u64, Streams>,
    /// Results whose turn has not come.
    waiting: BTreeMap<u64, (Finished, Streams)>,
}

/// What one attempt of a task has written.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    lease: u64,
    /// On standard output.
    pub(crate) stdout: Held,
    /// On standard error.
    pub(crate) stderr: Held,
}

impl Streams {
    /// Those of an attempt that has ended.
    pub(crate) fn of(stdout: Held, stderr: Held) -> Self {
        Self { stdout, stderr, ..Self::default() }
    }

    /// How much of them is in memory.
    pub(crate) fn in_memory(&self) -> usize {
        self.stdout.in_memory() + self.stderr.in_memory()
    }

    /// How many temporary files they hold.
    pub(crate) fn files(&self) -> usize {
        usize::from(self.stdout.is_file()) + usize::from(self.stderr.is_file())
    }
}

impl Look {
    /// The tag of a task.
    pub(crate) fn tag(&self, seq: u64, args: &[Vec<u8>], slot: usize) -> Option<Vec<u8>> {
        Some(match self.tag.as_ref()? {
            Tag::Arguments => args.join(&b' '),
            Tag::Pattern(pattern) => pattern.filled(&Filling { args, seq, slot }),
        })
    }
}

impl Printer {
    /// Prints to standard output and standard error.
    pub(crate) fn new(look: Look, window: Arc<Window>, turns: Arc<Turns>, sink: Sink) -> Self {
        Self { look, window, turns, sink, running: HashMap::new(), waiting: BTreeMap::new() }
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
        if self.prints_now(seq) {
            let tag = self.turns.tag(seq);
            return self.sink.held(Held::short(bytes), is_stderr, tag).await.context(CANNOT_WRITE);
        }
        let streams = self.running.entry(seq).or_default();
        if streams.lease != lease {
            *streams = Streams { lease, ..Streams::default() };
        }
        let stream = if is_stderr { &mut streams.stderr } else { &mut streams.stdout };
        stream.add(&bytes)
    }

    /// Takes all that the last attempt of a task has written and that is not printed yet.
    pub(crate) fn streams(&mut self, lease: u64, finished: &mut Finished) -> Streams {
        let streams = self.running.remove(&finished.seq).filter(|streams| streams.lease == lease);
        let mut streams = streams.unwrap_or_default();
        if let Ok(output) = &mut finished.result {
            streams.stdout.end(std::mem::take(&mut output.stdout));
            streams.stderr.end(std::mem::take(&mut output.stderr));
        }
        streams
    }

    /// The end of a task; it is printed when its turn has come, and others with it.
    pub(crate) async fn finished(
        &mut self,
        finished: Finished,
        streams: Streams,
    ) -> anyhow::Result<()> {
        if !self.look.keep_order {
            return self.print(finished, streams).await;
        }
        self.waiting.insert(finished.seq, (finished, streams));
        while let Some(next) = self.turns.next()
            && let Some((finished, streams)) = self.waiting.remove(&next)
        {
            self.print(finished, streams).await?;
            self.turns.printed();
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

    /// Whether lines of this task are printed as they come.
    fn prints_now(&self, seq: u64) -> bool {
        let is_turn = || !self.look.keep_order || self.turns.next() == Some(seq);
        self.look.lines && !self.look.silent && is_turn()
    }

    /// Line by line and in order: what the task whose turn it is now has written so far.
    async fn catch_up(&mut self) -> anyhow::Result<()> {
        let Some(next) = self.turns.next().filter(|next| self.prints_now(*next)) else {
            return Ok(());
        };
        if let Some(Streams { stdout, stderr, .. }) = self.running.remove(&next) {
            let tag = self.turns.tag(next);
            self.sink.held(stdout, false, tag.clone()).await.context(CANNOT_WRITE)?;
            self.sink.held(stderr, true, tag).await.context(CANNOT_WRITE)?;
        }
        Ok(())
    }

    async fn print(&mut self, finished: Finished, streams: Streams) -> anyhow::Result<()> {
        let bytes = finished.bytes() + streams.in_memory();
        let files = streams.files();
        self.turns.ended(finished.seq);
        self.print_parts(finished, streams).await.context(CANNOT_WRITE)?;
        self.window.printed(bytes, files);
        Ok(())
    }

    async fn print_parts(&mut self, finished: Finished, streams: Streams) -> io::Result<()> {
        let Finished { seq, ref args, slot, .. } = finished;
        if !self.look.silent {
            let tag = self.look.tag(seq, args, slot);
            if !streams.stdout.is_empty() {
                self.sink.held(streams.stdout, false, tag.clone()).await?;
            }
            if !streams.stderr.is_empty() {
                self.sink.held(streams.stderr, true, tag).await?;
            }
        }
        let failure = match &finished.result {
            Ok(output) if output.timed_out => format!("timed out after {:.1?}", output.duration),
            Ok(output) if output.end.is_success() => return Ok(()),
            Ok(output) => format!("ended with {}", output.end),
            Err(why) => why.clone(),
        };
        if self.look.quiet {
            return Ok(());
        }
        self.sink.talk(format!("task {seq} ({}): {failure}", shown(&args.join(&b' ')))).await
    }
}

impl Finished {
    /// How many bytes it holds in memory.
    pub(crate) fn bytes(&self) -> usize {
        let output =
            self.result.as_ref().map_or(0, |output| output.stdout.len() + output.stderr.len());
        self.args.iter().map(Vec::len).sum::<usize>() + output
    }
}
