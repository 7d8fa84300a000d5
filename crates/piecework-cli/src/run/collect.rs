//! Brings the reports of a run together: counts them, records them, and hands them to the printer.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::{mpsc, oneshot};

use super::board::Board;
use super::books::{Books, Kept};
use super::feed::Fed;
use super::files::{self, Copied};
use super::halt::Ended;
use super::here::HERE;
use super::live::Live;
use super::order::Report;
use super::piece::Finished;
use super::print::{Printer, Streams};
use super::stop::{Stage, Stop};
use super::summary::Summary;
use super::window::Window;
use crate::plain::shown;
use crate::record::{Records, Written, went_well};
use crate::template::{Filling, Pattern, Template};

/// How much of the end of standard error the table of failures may show.
const STDERR_TAIL_BYTES: usize = 4 << 10;

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// What ended.
    pub(crate) ended: Ended,
    /// All of it in numbers.
    pub(crate) summary: Summary,
    /// The exit code of `--halt`, if that ended the run.
    pub(crate) halted: Option<u8>,
    /// How many tasks there were, if the input was read to its end.
    pub(crate) total: Option<u64>,
}

/// Collects reports.
#[derive(Debug)]
pub(crate) struct Collector {
    /// Who prints them.
    pub(crate) printer: Printer,
    /// How far ahead the feed may be.
    pub(crate) window: Arc<Window>,
    /// What runs.
    pub(crate) live: Arc<Live>,
    /// What each task's command was.
    pub(crate) template: Template,
    /// The files that come back.
    pub(crate) returns: Vec<Pattern>,
    /// What stays of the run.
    pub(crate) records: Option<Records>,
    /// Its books, if it has a name: what other machines did is written into them here.
    pub(crate) books: Option<Arc<Books>>,
    /// What is in the books already, in the order of the input.
    pub(crate) kept: mpsc::Receiver<Kept>,
    /// How it is told to stop then.
    pub(crate) stop: Stop,
    /// Tells, where the reports are not closed at the end of a stop, of how many orders there will
    /// be reports once it has begun.
    pub(crate) drained: Option<oneshot::Receiver<u64>>,
    /// Whether the manager is one that others use, too, and lives on.
    pub(crate) is_shared: bool,
    /// What has come so far.
    pub(crate) tally: Tally,
}

/// What was told of the orders that are left; waits for ever if nothing ever is.
async fn drained(told: &mut Option<oneshot::Receiver<u64>>) -> u64 {
    if let Some(waiting) = told {
        let tasks = waiting.await;
        *told = None;
        if let Ok(tasks) = tasks {
            return tasks;
        }
    }
    std::future::pending().await
}

impl Collector {
    /// Collects until every task that was fed has its last report or the reports are closed, and
    /// tells the tally.
    ///
    /// # Errors
    /// If the input could not be read to its end, or standard output takes no more.
    pub(crate) async fn run<B: Board>(
        mut self,
        mut reports: B,
        mut fed: oneshot::Receiver<Fed>,
    ) -> anyhow::Result<Tally> {
        let mut input = None;
        while !self.has_all(input.as_ref()) {
            // Kept until it is there: a request that is given up may have taken a report along.
            let mut next = pin!(reports.report());
            let report = loop {
                tokio::select! {
                    Ok(ended) = &mut fed, if input.is_none() => {
                        self.tally.total = Some(ended.tasks);
                        self.live.total(ended.tasks);
                        input = Some(ended);
                    }
                    report = &mut next => break report?,
                    Some(kept) = self.kept.recv() => self.kept(kept).await?,
                    () = self.stop.reached(Stage::Terminating), if self.is_shared => break None,
                    // The reader of the input may wait for a line that never comes.
                    tasks = drained(&mut self.drained) => {
                        input = Some(Fed { tasks, complete: Ok(()) });
                    }
                }
                if self.has_all(input.as_ref()) {
                    break None;
                }
            };
            match report {
                Some(report) => self.collect(Report::from_payload(&report)?).await?,
                None => break,
            }
        }
        self.tally.halted = self.live.halted();
        self.printer.close().await?;
        input.map_or(Ok(()), |fed| fed.complete).context("not all of the input was read")?;
        Ok(self.tally)
    }

    /// Whether all of the input has been read and is done.
    fn has_all(&self, input: Option<&Fed>) -> bool {
        input.is_some_and(|fed| self.tally.ended.done >= fed.tasks)
    }

    async fn collect(&mut self, report: Report) -> anyhow::Result<()> {
        match report {
            Report::Started { seq, host } => {
                self.live.started(seq, &host, 0); // of another machine: all are told of by reports
                Ok(())
            }
            Report::Part { seq, lease, is_stderr, bytes } => {
                if let Some(books) = &self.books
                    && !self.live.is_here(seq)
                {
                    books.part(seq, lease, is_stderr, &bytes);
                }
                self.printer.part(seq, lease, is_stderr, bytes).await
            }
            Report::Finished { lease, finished, files } => {
                self.take_in(&finished, files)?;
                if let Some(books) = &self.books {
                    books.ended(lease, &finished).await?; // of what ran here the slot has told them
                }
                self.finished(lease, finished).await
            }
        }
    }

    /// Writes the files that came back; only those that were asked for.
    fn take_in(&self, finished: &Finished, files: Vec<Copied>) -> anyhow::Result<()> {
        let Finished { seq, args, slot, .. } = finished;
        let asked = files::paths(&self.returns, &Filling { args, seq: *seq, slot: *slot });
        let (asked, others): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| asked.contains(&file.path));
        for file in others {
            let path = shown(&file.path);
            tracing::warn!("task {seq} sent back {path}, which nobody asked for: left out");
        }
        files::write_all(&asked, Path::new("")).context("a file that came back")
    }

    async fn finished(&mut self, lease: u64, mut finished: Finished) -> anyhow::Result<()> {
        let bytes = finished.bytes();
        let mut streams = self.printer.streams(lease, &mut finished);
        self.window.finished(finished.sent, bytes, streams.files());
        self.record(&finished, &mut streams)?;
        self.count(&finished);
        self.printer.finished(finished, streams).await
    }

    /// A task that ended in an earlier turn of the run: all but the work is as if it ended now.
    async fn kept(&mut self, kept: Kept) -> anyhow::Result<()> {
        let Kept { finished, mut streams } = kept;
        let bytes = finished.bytes() + streams.in_memory();
        self.window.finished(0, bytes, streams.files());
        self.record(&finished, &mut streams)?;
        let (ended, went_well) = (&mut self.tally.ended, went_well(&finished));
        ended.done += 1;
        ended.failed += u64::from(!went_well);
        self.tally.summary.was_kept();
        self.live.kept(went_well, *ended);
        self.printer.finished(finished, streams).await
    }

    /// Records a task, and counts it in the summary.
    fn record(&mut self, finished: &Finished, streams: &mut Streams) -> anyhow::Result<()> {
        let Finished { seq, ref args, slot, .. } = *finished;
        let command = self.template.line(&Filling { args, seq, slot });
        if let Some(records) = &mut self.records {
            let mut written = Written { stdout: &mut streams.stdout, stderr: &mut streams.stderr };
            records.finished(finished, &command, &mut written)?;
        }
        let tail = streams.stderr.tail(STDERR_TAIL_BYTES);
        self.tally.summary.add(finished, &command, tail);
        Ok(())
    }

    /// Counts a task that has ended.
    fn count(&mut self, finished: &Finished) {
        let ended = &mut self.tally.ended;
        ended.done += 1;
        ended.failed += u64::from(!went_well(finished));
        if finished.host != HERE {
            let end = finished.result.as_ref().ok().map(|output| output.end);
            self.live.settled(went_well(finished), end);
        }
        self.live.ended(finished, *ended);
    }
}
