//! What masters and workers say of themselves in the manager's list of sessions, as JSON: what
//! `piecework runs` shows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::plain::shown;

/// How often it is said anew.
pub(crate) const PERIOD: Duration = Duration::from_secs(1);

/// The longest command that is said; a note has a thousand bytes.
const COMMAND_CHARS_MAX: usize = 200;

/// How many of its tasks a worker names.
const DOING_MAX: usize = 16;

/// A note.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Note {
    /// Of a master.
    Run(Run),
    /// Of a worker.
    Worker(Worker),
}

/// How far a run is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Run {
    /// Its id.
    pub(crate) id: String,
    /// The machine of its master.
    pub(crate) host: String,
    /// The command, shortened.
    pub(crate) command: String,
    /// Tasks that have ended.
    pub(crate) done: u64,
    /// Those that failed.
    pub(crate) failed: u64,
    /// Tasks that run.
    pub(crate) running: u64,
    /// All tasks, once the input has been read.
    pub(crate) total: Option<u64>,
    /// Since it began.
    pub(crate) seconds: f64,
}

/// What a worker does.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Worker {
    /// Its machine.
    pub(crate) host: String,
    /// Its process.
    pub(crate) pid: u32,
    /// How many commands it runs at a time.
    pub(crate) slots: usize,
    /// How many it runs now.
    pub(crate) busy: usize,
    /// Some of them: the run, and the number of the task.
    pub(crate) doing: Vec<(String, u64)>,
}

impl Note {
    /// Reads what a session says; `None` if it is no such note.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Writes it.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers are JSON")
    }
}

/// Shortens a command for a note.
pub(crate) fn command(words: &[Vec<u8>]) -> String {
    shown(&words.join(&b' ')).chars().take(COMMAND_CHARS_MAX).collect()
}

/// What the slots of a worker do, by slot.
#[derive(Debug)]
pub(crate) struct Doing {
    slots: Mutex<BTreeMap<usize, (String, u64)>>,
}

/// A task that a slot does, until this is dropped.
#[derive(Debug)]
pub(crate) struct Busy<'a> {
    doing: &'a Doing,
    slot: usize,
}

impl Doing {
    /// Nothing yet.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { slots: Mutex::default() })
    }

    /// This slot does that task of that run.
    pub(crate) fn begin(&self, slot: usize, run: &str, seq: u64) -> Busy<'_> {
        self.lock().insert(slot, (run.to_owned(), seq));
        Busy { doing: self, slot }
    }

    /// Writes the note of a worker.
    pub(crate) fn note(&self, host: &str, slots: usize) -> Note {
        let doing = self.lock();
        Note::Worker(Worker {
            host: host.to_owned(),
            pid: std::process::id(),
            slots,
            busy: doing.len(),
            doing: doing.values().take(DOING_MAX).cloned().collect(),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<usize, (String, u64)>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.doing.lock().remove(&self.slot);
    }
}

/// When a run began, and what it is.
#[derive(Clone, Debug)]
pub(crate) struct Began {
    pub(crate) at: Instant,
    pub(crate) id: String,
    pub(crate) command: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_they_were_written_and_fit() {
        let doing = Doing::new();
        let busy: Vec<_> = (1..=300).map(|slot| doing.begin(slot, "12345-deadbeef", 1)).collect();
        let note = doing.note("a-machine-of-some-name.example.org", 1_000);
        assert_eq!(Note::read(&note.text()), Some(note.clone()));
        assert!(note.text().len() < 1_000, "{}", note.text());
        drop(busy);
        let Note::Worker(idle) = doing.note("here", 2) else { panic!("a worker's note") };
        assert_eq!((idle.busy, idle.doing), (0, vec![]));
        let run = Run { command: command(&[vec![b'"'; 1_000]]), ..Run::default() };
        assert!(Note::Run(run).text().len() < 1_000);
        assert_eq!(Note::read("hello"), None);
    }
}
