//! Brings the reports of a run together: counts them, and hands them to the printer.

use std::pin::pin;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::oneshot;

use super::board::Board;
use super::feed::Fed;
use super::live::Live;
use super::order::Report;
use super::piece::Finished;
use super::print::Printer;
use super::window::Window;

/// How many tasks ended, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// All that ended by themselves.
    pub(crate) done: u64,
    /// Those of them that failed.
    pub(crate) failed: u64,
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
    /// What has come so far.
    pub(crate) tally: Tally,
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
                    Ok(ended) = &mut fed, if input.is_none() => input = Some(ended),
                    report = &mut next => break report?,
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
        self.printer.close().await?;
        input.map_or(Ok(()), |fed| fed.complete).context("not all of the input was read")?;
        Ok(self.tally)
    }

    /// Whether all of the input has been read and is done.
    fn has_all(&self, input: Option<&Fed>) -> bool {
        input.is_some_and(|fed| self.tally.done >= fed.tasks)
    }

    async fn collect(&mut self, report: Report) -> anyhow::Result<()> {
        match report {
            Report::Started { seq, host } => {
                self.live.started(seq, &host);
                Ok(())
            }
            Report::Part { seq, lease, is_stderr, bytes } => {
                self.printer.part(seq, lease, is_stderr, bytes).await
            }
            Report::Finished { lease, finished } => self.finished(lease, finished).await,
        }
    }

    async fn finished(&mut self, lease: u64, finished: Finished) -> anyhow::Result<()> {
        self.live.ended(finished.seq);
        self.window.finished(finished.bytes());
        self.tally.done += 1;
        self.tally.failed += u64::from(!finished.is_success());
        self.live.count(self.tally);
        self.printer.finished(lease, finished).await
    }
}
