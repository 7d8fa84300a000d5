//! Brings the journal into the tables, by a thread of its own: when one of its files is full, and
//! about once a second.
//!
//! What is being folded stays in its file until the tables have it and are safe, so at each moment
//! all that was kept is in the tables, or in the journal behind what the tables say is folded.

use super::journal::{Entry, Journal};
use super::space::Space;
use super::sync::{self, SyncPolicy};
use super::tables::Tables;
use crate::EngineError;
use bytes::Bytes;
use piecework_state::ItemId;
use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// No batch is in the journal alone for longer, but for the time that folding takes; unless another
/// time is set.
const PATIENCE: Duration = Duration::from_secs(1);

/// The journal with the thread that folds it. Dropped, it folds what there is, and ends.
#[derive(Debug)]
pub(super) struct Folder {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    journal: Journal,
    sync: SyncPolicy,
    /// The number of the next entry.
    next: u64,
    /// What is in the present file.
    fresh: Vec<Entry>,
    /// Since when.
    since: Instant,
    /// For how long it may be there alone.
    patience: Duration,
    /// What is being folded, and so is in the other file still.
    folding: Option<Arc<Folding>>,
    /// Why it cannot be, or why something could not be written.
    failed: Option<String>,
    stop: bool,
}

/// What goes into the tables at once.
#[derive(Debug)]
struct Folding {
    entries: Vec<Entry>,
    /// Whether the tables must be safe before it is over.
    synced: bool,
}

/// What the thread works with.
struct Bench {
    tables: Tables,
    /// The write-ahead log of the tables.
    log: PathBuf,
    space: Arc<Mutex<Space>>,
}

impl Folder {
    /// Starts the thread, which folds into these tables.
    pub(super) fn start(
        journal: Journal,
        tables: Tables,
        log: &Path,
        space: &Arc<Mutex<Space>>,
        sync: SyncPolicy,
    ) -> Result<Self, EngineError> {
        let state = State {
            journal,
            sync,
            next: 1,
            fresh: Vec::new(),
            since: Instant::now(),
            patience: PATIENCE,
            folding: None,
            failed: None,
            stop: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let mut bench = Bench { tables, log: log.to_owned(), space: Arc::clone(space) };
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("piecework-fold".to_owned())
            .spawn(move || while of_thread.fold_next(&mut bench) {})
            .map_err(EngineError::Thread)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The number of the next entry.
    pub(super) fn next(&self) -> u64 {
        self.shared.lock().next
    }

    /// Whether an entry of so many bytes can be appended without waiting.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let state = self.shared.lock();
        state.journal.has_room(bytes) || state.folding.is_none()
    }

    /// Appends an entry to the journal; it is there when this returns, and synced if that is what
    /// was asked for. Waits while both files are full.
    pub(super) fn append(&self, entry: Entry) -> Result<(), EngineError> {
        let mut state = self.shared.lock();
        loop {
            state.sound()?;
            if state.journal.has_room(entry.len()) {
                break;
            }
            if state.folding.is_none() {
                state.turn(None);
                self.shared.changed.notify_all();
            } else {
                state = self.shared.wait(state);
            }
        }
        state.journal.append(&entry).map_err(write_failed)?;
        if state.sync == SyncPolicy::Always {
            state.journal.sync().map_err(write_failed)?;
        }
        state.next = entry.number + 1;
        if state.fresh.is_empty() {
            state.since = Instant::now();
            // The thread sleeps for as long as there is nothing.
            self.shared.changed.notify_all();
        }
        state.fresh.push(entry);
        Ok(())
    }

    /// Folds all there is, and then, if there is one, an entry that is too long for the journal.
    pub(super) fn fold(&self, long: Option<Entry>) -> Result<(), EngineError> {
        let mut state = self.shared.folded(self.shared.lock())?;
        if let Some(entry) = &long {
            state.next = entry.number + 1;
        } else if state.fresh.is_empty() {
            return Ok(());
        }
        state.turn(long);
        self.shared.changed.notify_all();
        self.shared.folded(state).map(drop)
    }

    /// Folds what is in the journal alone for so long, from now on.
    pub(super) fn set_patience(&self, patience: Duration) {
        self.shared.lock().patience = patience;
        self.shared.changed.notify_all();
    }

    /// The payload of an item that was put lately. `None` if the tables have it, or nobody.
    pub(super) fn payload(&self, item: ItemId) -> Option<Bytes> {
        let state = self.shared.lock();
        let folding = state.folding.as_deref().map_or(&[][..], |folding| &folding.entries);
        let lately = state.fresh.iter().rev().chain(folding.iter().rev());
        lately.map(|entry| entry.payload(item)).find_map(|payload| payload)
    }

    /// Bytes that are in the journal alone.
    pub(super) fn bytes(&self) -> u64 {
        let state = self.shared.lock();
        let folding = state.folding.as_deref().map_or(&[][..], |folding| &folding.entries);
        state.fresh.iter().chain(folding).map(|entry| entry.len() as u64).sum()
    }

    /// Folds all there is, and ends; false if something is left in the journal.
    pub(super) fn stop(&mut self) -> bool {
        let Some(thread) = self.thread.take() else { return false };
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        // It panics nowhere; and if it did, what is in the journal would be folded next time.
        let ended = thread.join().is_ok();
        let state = self.shared.lock();
        ended && state.failed.is_none() && state.fresh.is_empty() && state.folding.is_none()
    }
}

impl Shared {
    /// Waits until there is something to fold, and folds it; false at the end.
    fn fold_next(&self, bench: &mut Bench) -> bool {
        let mut state = self.lock();
        let folding = loop {
            if let Some(folding) = &state.folding {
                break Arc::clone(folding);
            }
            let left = state.patience.saturating_sub(state.since.elapsed());
            match (state.fresh.is_empty(), state.stop) {
                (true, true) => return false,
                (true, false) => state = self.wait(state),
                (false, false) if !left.is_zero() => {
                    let waited = self.changed.wait_timeout(state, left);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                (false, _) => state.turn(None),
            }
        };
        drop(state);
        let folded = bench.fold(&folding);
        let mut state = self.lock();
        match folded {
            Ok(()) => state.folding = None,
            Err(error) => state.failed = Some(error.to_string()),
        }
        self.changed.notify_all();
        state.failed.is_none()
    }

    /// Waits until nothing is being folded.
    fn folded<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
    ) -> Result<MutexGuard<'a, State>, EngineError> {
        loop {
            state.sound()?;
            if state.folding.is_none() {
                return Ok(state);
            }
            state = self.wait(state);
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Nothing has failed so far.
    fn sound(&self) -> Result<(), EngineError> {
        match &self.failed {
            Some(why) => Err(EngineError::Poisoned(why.clone())),
            None => Ok(()),
        }
    }

    /// What is in the present file is to be folded, and then an entry that is in none. The journal
    /// goes on in the other file.
    fn turn(&mut self, more: Option<Entry>) {
        let mut entries = std::mem::take(&mut self.fresh);
        let used = !entries.is_empty();
        if used {
            self.journal.turn();
        }
        entries.extend(more);
        let synced = match self.sync {
            SyncPolicy::Always => true,
            // Before the file is written over; what is in none is synced when its time comes.
            SyncPolicy::Interval(_) => used,
            SyncPolicy::Never => false,
        };
        self.folding = Some(Arc::new(Folding { entries, synced }));
    }
}

impl Bench {
    fn fold(&mut self, folding: &Folding) -> Result<(), EngineError> {
        let mut folded = self.tables.fold(&folding.entries);
        // None of it is in the tables, and what is kept back may do.
        if folded.as_ref().is_err_and(is_full) && self.give_up_room() {
            folded = self.tables.fold(&folding.entries);
        }
        folded?;
        if folding.synced {
            sync::sync(&self.log)?;
        }
        Ok(())
    }

    fn give_up_room(&self) -> bool {
        self.space.lock().unwrap_or_else(PoisonError::into_inner).give_up()
    }
}

fn write_failed(error: std::io::Error) -> EngineError {
    EngineError::File { path: "journal".into(), error }
}

/// Whether there was no room.
pub(super) fn is_full(error: &EngineError) -> bool {
    match error {
        EngineError::Database(error) => error.sqlite_error_code() == Some(ErrorCode::DiskFull),
        EngineError::File { error, .. } => error.kind() == std::io::ErrorKind::StorageFull,
        _ => false,
    }
}
