//! What runs right now, and where.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::collect::Tally;
use super::crew;
use super::notes::{Began, Note, Run};
use super::window::Window;
use crate::output::Progress;

/// The commands that run, by the number of their piece.
#[derive(Debug)]
pub(crate) struct Live {
    running: Mutex<HashMap<u64, String>>,
    window: Arc<Window>,
    progress: Progress,
    tally: Mutex<Tally>,
}

impl Live {
    /// Nothing runs.
    pub(crate) fn new(window: Arc<Window>, progress: Progress) -> Self {
        Self { running: Mutex::default(), window, progress, tally: Mutex::default() }
    }

    /// A command has started there. It may be the second time: a worker was lost.
    pub(crate) fn started(&self, seq: u64, host: &str) {
        let mut running = self.lock();
        running.insert(seq, host.to_owned());
        self.window.widen(running.len() as u64);
        self.show(&running);
    }

    /// A command has ended.
    pub(crate) fn ended(&self, seq: u64) {
        let mut running = self.lock();
        running.remove(&seq);
        self.show(&running);
    }

    /// How many commands run elsewhere.
    pub(crate) fn elsewhere(&self) -> usize {
        self.lock().values().filter(|host| *host != ":").count()
    }

    /// How many commands run on each machine.
    pub(crate) fn by_host(&self) -> BTreeMap<String, usize> {
        let mut hosts = BTreeMap::new();
        for host in self.lock().values() {
            *hosts.entry(host.clone()).or_default() += 1;
        }
        hosts
    }

    /// So many tasks have ended, and so many of them failed.
    pub(crate) fn count(&self, tally: Tally) {
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner) = tally;
        self.progress.set(tally.done, tally.failed);
    }

    /// How far the run is, for the manager's list of sessions.
    pub(crate) fn note(&self, began: &Began) -> String {
        let tally = *self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let running = self.lock().len() as u64;
        Note::Run(Run {
            id: began.id.clone(),
            host: crew::host(),
            command: began.command.clone(),
            done: tally.done,
            failed: tally.failed,
            running,
            total: None,
            seconds: began.at.elapsed().as_secs_f64(),
        })
        .text()
    }

    fn show(&self, _running: &HashMap<u64, String>) {}

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, String>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
