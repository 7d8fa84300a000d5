//! The threads that slots run on.
//!
//! Whoever starts a command is held up until the system has loaded it. So slots are spread over as
//! many threads as there are cores: one starts a command while another does, and while the master
//! collects.

use std::num::NonZero;
use std::thread;

use anyhow::Context;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};

/// The slots of a process. Dropped, they are given up, and the commands that they run are killed.
#[derive(Debug)]
pub(crate) struct Slots {
    threads: JoinSet<anyhow::Result<()>>,
    /// Gone with the rest: the threads see it.
    _here: watch::Sender<()>,
}

impl Slots {
    /// Has each slot do its work, on one of the threads.
    pub(crate) fn start<W, F>(works: impl IntoIterator<Item = W>) -> Self
    where
        W: FnOnce() -> F + Send + 'static,
        F: Future<Output = anyhow::Result<()>> + 'static,
    {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let works: Vec<W> = works.into_iter().collect();
        let count = cores.min(works.len());
        let mut shares: Vec<Vec<W>> = (0..count).map(|_| Vec::new()).collect();
        for (at, work) in works.into_iter().enumerate() {
            if let Some(share) = shares.get_mut(at % count) {
                share.push(work);
            }
        }
        let (here, gone) = watch::channel(());
        let mut threads = JoinSet::new();
        for share in shares {
            let gone = gone.clone();
            threads.spawn_blocking(move || work(share, gone));
        }
        Self { threads, _here: here }
    }

    /// Waits until every slot has ended, or one fails.
    ///
    /// # Errors
    /// Of the first that fails.
    pub(crate) async fn join(&mut self) -> anyhow::Result<()> {
        join(&mut self.threads).await
    }

    /// The error of the first slot that fails; waits for ever if none does.
    pub(crate) async fn failure(&mut self) -> anyhow::Error {
        match self.join().await {
            Err(error) => error,
            Ok(()) => std::future::pending().await,
        }
    }
}

/// Works in the slots of one thread until all have ended, one fails, or they are given up.
fn work<W, F>(share: Vec<W>, mut gone: watch::Receiver<()>) -> anyhow::Result<()>
where
    W: FnOnce() -> F,
    F: Future<Output = anyhow::Result<()>> + 'static,
{
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot prepare a thread for commands")?;
    LocalSet::new().block_on(&runtime, async move {
        let mut slots = JoinSet::new();
        for work in share {
            slots.spawn_local(work());
        }
        tokio::select! {
            ended = join(&mut slots) => ended,
            _ = gone.changed() => Ok(()),
        }
    })
}

async fn join(set: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(ended) = set.join_next().await {
        ended.context("a slot panicked")??;
    }
    Ok(())
}
