//! What runs right now, and where.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::window::Window;
use crate::output::Progress;

/// The commands that run, by the number of their piece.
#[derive(Debug)]
pub(crate) struct Live {
    running: Mutex<HashMap<u64, String>>,
    window: Arc<Window>,
    progress: Progress,
}

impl Live {
    /// Nothing runs.
    pub(crate) fn new(window: Arc<Window>, progress: Progress) -> Self {
        Self { running: Mutex::default(), window, progress }
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

    fn show(&self, _running: &HashMap<u64, String>) {
        let _ = &self.progress;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, String>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
