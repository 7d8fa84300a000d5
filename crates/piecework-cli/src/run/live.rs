//! What runs right now, and where; and how much is done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::halt::{Ended, Halt, When};
use piecework::command::End;

use super::here;
use super::notes::{Began, Note, Run};
use super::piece::Finished;
use super::stop::{Stage, Stop};
use super::window::Window;
use crate::output::Progress;

/// The commands that run, and what has ended.
#[derive(Debug)]
pub(crate) struct Live {
    state: Mutex<State>,
    window: Arc<Window>,
    progress: Progress,
    halt: Halt,
    stop: Stop,
}

#[derive(Debug, Default)]
struct State {
    /// The machine of each command that runs, and which attempt it is, by the number of its piece.
    running: HashMap<u64, (String, u64)>,
    ended: Ended,
    /// What `--halt` has been told of, which may be more: it must not wait for reports to arrive.
    judged: Ended,
    total: Option<u64>,
    /// The exit code, if it has ended the run.
    halted: Option<u8>,
}

impl Live {
    /// Nothing runs.
    pub(crate) fn new(window: Arc<Window>, progress: Progress, halt: Halt, stop: Stop) -> Self {
        Self { state: Mutex::default(), window, progress, halt, stop }
    }

    /// A task has ended for good: a slot of this machine tells so before it takes the next one.
    pub(crate) fn settled(&self, went_well: bool, end: Option<End>) {
        let mut state = self.lock();
        state.judged.done += 1;
        state.judged.failed += u64::from(!went_well);
        self.judge(&mut state, end);
    }

    /// There are so many tasks.
    pub(crate) fn total(&self, tasks: u64) {
        let mut state = self.lock();
        state.total = Some(tasks);
        self.judge(&mut state, None);
    }

    /// The exit code of `--halt`, if it has ended the run.
    pub(crate) fn halted(&self) -> Option<u8> {
        self.lock().halted
    }

    fn judge(&self, state: &mut State, end: Option<End>) {
        let State { judged, total, halted, .. } = state;
        if halted.is_none()
            && let Some(when) = self.halt.judge(*judged, *total)
        {
            *halted = Some(self.halt.code_halted(*judged, *total, end));
            self.stop.go(match when {
                When::Soon => Stage::Draining,
                When::Now => Stage::Terminating,
            });
        }
    }

    /// A command has started there. If it is not the first time, its worker was lost, or is about
    /// to say that it gave it up.
    pub(crate) fn started(&self, seq: u64, host: &str, attempt: u64) {
        let mut state = self.lock();
        if let Some((lost, _)) = state.running.insert(seq, (host.to_owned(), attempt)) {
            self.progress.gave_up(&lost);
        }
        self.window.fit(state.running.len() as u64);
        self.progress.started(host);
    }

    /// A command has ended and its task will be tried again, or is already.
    pub(crate) fn gave_up(&self, seq: u64, attempt: u64) {
        let mut state = self.lock();
        if state.running.get(&seq).is_some_and(|(_, runs)| *runs == attempt)
            && let Some((host, _)) = state.running.remove(&seq)
        {
            self.progress.gave_up(&host);
        }
    }

    /// A task has ended; so many have by now.
    pub(crate) fn ended(&self, finished: &Finished, ended: Ended) {
        let mut state = self.lock();
        state.ended = ended;
        if let Some((host, _)) = state.running.remove(&finished.seq) {
            self.progress.ended(&host, finished);
        }
    }

    /// What the books keep of a task counts as ended, too.
    pub(crate) fn kept(&self, went_well: bool, ended: Ended) {
        self.lock().ended = ended;
        self.progress.kept(!went_well);
    }

    /// Whether a slot of this machine runs this task.
    pub(crate) fn is_here(&self, seq: u64) -> bool {
        self.lock().running.get(&seq).is_some_and(|(host, _)| host == here::HERE)
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
            total: state.total,
            seconds: began.at.elapsed().as_secs_f64(),
        })
        .text()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::here::HERE;

    #[tokio::test]
    async fn a_try_that_is_given_up_leaves_the_next_one_alone() {
        let stop = Stop::on_signals(|_| ()).unwrap();
        let progress = Progress::start(None, None);
        let live = Live::new(Arc::new(Window::new(2)), progress, Halt::default(), stop);
        live.started(1, HERE, 10);
        live.started(1, HERE, 11); // by another slot, before the first has said that it gave it up
        live.gave_up(1, 10);
        assert!(live.is_here(1));
        live.gave_up(1, 11);
        assert!(!live.is_here(1));
    }
}
