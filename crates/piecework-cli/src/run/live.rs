//! What runs right now, and where; and how much is done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::halt::Ended;
use super::here;
use super::notes::{Began, Note, Run};
use super::piece::Finished;
use super::window::Window;
use crate::output::Progress;

/// The commands that run, and what has ended.
#[derive(Debug)]
pub(crate) struct Live {
    state: Mutex<State>,
    window: Arc<Window>,
    progress: Progress,
}

#[derive(Debug, Default)]
struct State {
    /// The machine of each command that runs, by the number of its piece.
    running: HashMap<u64, String>,
    ended: Ended,
}

impl Live {
    /// Nothing runs.
    pub(crate) fn new(window: Arc<Window>, progress: Progress) -> Self {
        Self { state: Mutex::default(), window, progress }
    }

    /// A command has started there. If it is not the first time, its worker was lost.
    pub(crate) fn started(&self, seq: u64, host: &str) {
        let mut state = self.lock();
        if let Some(lost) = state.running.insert(seq, host.to_owned()) {
            self.progress.gave_up(&lost);
        }
        self.window.fit(state.running.len() as u64);
        self.progress.started(host);
    }

    /// A command has ended and its task will be tried again.
    pub(crate) fn gave_up(&self, seq: u64) {
        if let Some(host) = self.lock().running.remove(&seq) {
            self.progress.gave_up(&host);
        }
    }

    /// A task has ended; so many have by now.
    pub(crate) fn ended(&self, finished: &Finished, ended: Ended) {
        let mut state = self.lock();
        state.ended = ended;
        if let Some(host) = state.running.remove(&finished.seq) {
            self.progress.ended(&host, finished);
        }
    }

    /// How far the run is, for the manager's list of sessions.
    pub(crate) fn note(&self, began: &Began) -> String {
        let state = self.lock();
        Note::Run(Run {
            id: began.id.clone(),
            host: here::host(),
            command: began.command.clone(),
            done: state.ended.done,
            failed: state.ended.failed,
            running: state.running.len() as u64,
            total: None,
            seconds: began.at.elapsed().as_secs_f64(),
        })
        .text()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
