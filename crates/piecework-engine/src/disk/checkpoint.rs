//! Writes the log back into the database, beside the thread that folds.
//!
//! A log that has been written back whole begins anew with the next folding. A thread of its own
//! does most of that, but foldings go on meanwhile, so it never gets to the end; the little that is
//! left when it is done is written back within the next folding.

use super::schema;
use crate::EngineError;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, ErrorCode};
use std::ffi::c_int;
use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Pages of the log after which the thread is set to work: 8 MiB.
const PAGES_MANY: c_int = 2_000;

/// Pages that whoever folds may write back: a moment's work.
const PAGES_FEW: c_int = 250;

/// Pages of the log after which whoever folds writes back all of it, so that it has a bound:
/// 32 MiB. It comes to that where the disk is slower than those who put.
const PAGES_MAX: c_int = 8_000;

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Checkpointer {
    /// Dropped to end the thread.
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Pages of the present log that the thread has written back.
type Done = Arc<Mutex<c_int>>;

impl Checkpointer {
    /// Has the log of this connection written back from now on.
    pub(super) fn start(connection: &mut Connection, path: &Path) -> Result<Self, EngineError> {
        let own = schema::open_beside(path)?;
        let (ask, asked) = sync_channel(1);
        let done = Done::default();
        let thread = thread::Builder::new().name("piecework-log".to_owned()).spawn({
            let done = Arc::clone(&done);
            move || {
                while asked.recv().is_ok() {
                    // What keeps it from its work keeps others from theirs, who will say so.
                    let written = schema::write_back(&own).unwrap_or(0);
                    *done.lock().unwrap_or_else(PoisonError::into_inner) = written;
                }
            }
        });
        let thread = thread.map_err(|error| EngineError::File { path: path.to_owned(), error })?;
        let asks = ask.clone();
        connection
            .wal_hook(Some(move |log: &mut Wal, pages| after_commit(log, pages, &asks, &done)))?;
        Ok(Self { ask: Some(ask), thread: Some(thread) })
    }

    /// Ends the thread, and with it the hold on the connection.
    pub(super) fn stop(&mut self, connection: &mut Connection) {
        let none: Option<fn(&mut Wal, c_int) -> rusqlite::Result<()>> = None;
        // It cannot fail while the connection is there.
        let _ = connection.wal_hook(none);
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            // It panics nowhere.
            let _ = thread.join();
        }
    }
}

/// The log is `pages` long after a commit.
fn after_commit(
    log: &mut Wal,
    pages: c_int,
    ask: &SyncSender<()>,
    done: &Done,
) -> rusqlite::Result<()> {
    if pages < PAGES_MANY {
        return Ok(());
    }
    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
    if pages < PAGES_MAX && (*done == 0 || pages - *done > PAGES_FEW) {
        return match ask.try_send(()) {
            Ok(()) | Err(TrySendError::Full(())) => Ok(()),
            // The thread has ended, which it does not; the bound holds without it.
            Err(TrySendError::Disconnected(())) => Ok(()),
        };
    }
    *done = 0;
    match log.checkpoint() {
        // The commit is made; the log can wait for room, or for the thread.
        Err(error)
            if matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy)
            ) =>
        {
            Ok(())
        }
        done => done,
    }
}
