//! Brings the journal into the tables, by a thread of its own: when one of its files is full, and
//! about once a second.
//!
//! What is being folded stays in its file until the tables have it and are safe, so at each moment
//! all that was kept is in the tables, or in the journal behind what the tables say is folded.

use super::journal::{Entry, Journal};
use super::space::{self, Space};
use super::sync::SyncPolicy;
use super::tables::Tables;
use crate::EngineError;
use bytes::Bytes;
use piecework_state::ItemId;
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
    /// Why it could not be folded, or synced.
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
    space: Arc<Mutex<Space>>,
}

/// Dropped with the thread, however that ends.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().failed = Some("the thread that folds the journal panicked".to_owned());
            self.0.changed.notify_all();
        }
    }
}

impl Folder {
    /// Starts the thread, which folds into these tables.
    pub(super) fn start(
        journal: Journal,
        tables: Tables,
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
        let mut bench = Bench { tables, space: Arc::clone(space) };
        let of_thread = Ending(Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("piecework-fold".to_owned())
            .spawn(move || {
                let ending = of_thread;
                while ending.0.fold_next(&mut bench) {}
            })
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
        state.journal.append(&entry)?;
        if state.sync == SyncPolicy::Always
            && let Err(error) = state.journal.sync()
        {
            // It is written, and may or may not be there after a loss of power.
            state.failed = Some(error.to_string());
            return Err(error);
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

impl Drop for Folder {
    fn drop(&mut self) {
        self.stop();
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
            Err(error) => {
                tracing::error!(%error, "cannot bring the journal into the tables");
                state.failed = Some(error.to_string());
            }
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
        let room = &self.space;
        let give_up = || room.lock().unwrap_or_else(PoisonError::into_inner).give_up();
        // None of it is in the tables when it fails.
        space::or_after(give_up, || self.tables.fold(&folding.entries, folding.synced))
    }
}
