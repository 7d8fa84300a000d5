//! When what was committed is safe from a loss of power, and the thread that sees to it.

use crate::EngineError;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// When commits are synced to the disk.
///
/// A manager that is killed loses nothing under any of them; what differs is what a machine loses
/// that loses power. The database is whole in any case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SyncPolicy {
    /// Before the commit returns: nothing is lost.
    Always,
    /// This long after it, at most: nothing older is lost.
    Interval(Duration),
    /// When the log is written back, or the system likes.
    Never,
}

impl SyncPolicy {
    /// Often enough to lose little, seldom enough to cost nothing that can be measured.
    pub const INTERVAL_DEFAULT: Duration = Duration::from_millis(100);
}

impl Default for SyncPolicy {
    fn default() -> Self {
        Self::Interval(Self::INTERVAL_DEFAULT)
    }
}

/// A thread that syncs files a while after each commit that follows a sync, and once more when it
/// is dropped.
#[derive(Debug)]
pub struct Syncer {
    files: Vec<PathBuf>,
    shared: Arc<(Mutex<Shared>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Whether something was committed since the last sync began.
    written: bool,
    /// Whether the thread is to end.
    stop: bool,
    /// Why a sync failed, if one did.
    failed: Option<String>,
}

impl Syncer {
    /// Starts the thread, which syncs these files no later than `interval` after a commit; each of
    /// them that is there.
    ///
    /// # Errors
    ///
    /// If there can be no more threads.
    pub fn start(files: Vec<PathBuf>, interval: Duration) -> Result<Self, EngineError> {
        let shared = Arc::new((Mutex::default(), Condvar::new()));
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("piecework-sync".to_owned())
            .spawn({
                let files = files.clone();
                move || run(&files, interval, &of_thread)
            })
            .map_err(EngineError::Thread)?;
        Ok(Self { files, shared, thread: Some(thread) })
    }

    /// Something was committed.
    ///
    /// # Errors
    ///
    /// If what was committed before could not be synced: then nothing is sure any more.
    pub fn written(&self) -> Result<(), EngineError> {
        let (shared, changed) = &*self.shared;
        let mut shared = lock(shared);
        if let Some(why) = &shared.failed {
            return Err(EngineError::Poisoned(why.clone()));
        }
        if !shared.written {
            shared.written = true;
            changed.notify_one();
        }
        Ok(())
    }

    /// Syncs at once, without the thread.
    ///
    /// # Errors
    ///
    /// If that fails.
    pub fn sync(&self) -> Result<(), EngineError> {
        if let Some(why) = &lock(&self.shared.0).failed {
            return Err(EngineError::Poisoned(why.clone())); // the system tells of it but once
        }
        sync_all(&self.files)
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        let (shared, changed) = &*self.shared;
        lock(shared).stop = true;
        changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It panics nowhere; and if it did, there would be nothing left to do.
            let _ = thread.join();
        }
    }
}

/// Waits for a commit, then for the interval or the end, then syncs.
fn run(files: &[PathBuf], interval: Duration, (shared, changed): &(Mutex<Shared>, Condvar)) {
    let lost = "nobody panics while they hold the lock";
    let mut guard = lock(shared);
    loop {
        guard = changed.wait_while(guard, |s| !s.written && !s.stop).expect(lost);
        if guard.written && !guard.stop {
            let waited = changed.wait_timeout_while(guard, interval, |shared| !shared.stop);
            guard = waited.expect(lost).0;
        }
        let stop = guard.stop;
        if std::mem::take(&mut guard.written) {
            drop(guard);
            let synced = sync_all(files);
            guard = lock(shared);
            if let Err(error) = synced {
                guard.failed = Some(format!("cannot sync {error}"));
                return;
            }
        }
        if stop {
            return;
        }
    }
}

fn sync_all(files: &[PathBuf]) -> Result<(), EngineError> {
    files.iter().try_for_each(|file| sync(file))
}

/// Syncs a file. Any handle on it will do, and a log that is not there was written back.
fn sync(file: &Path) -> Result<(), EngineError> {
    let synced = match OpenOptions::new().write(true).open(file) {
        Ok(file) => file.sync_data(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    synced.map_err(|error| EngineError::File { path: file.to_owned(), error })
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().expect("nobody panics while they hold the lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_follows_a_commit_and_its_failure_is_told() {
        let folder = tempfile::tempdir().unwrap();
        // A folder cannot be opened for writing, so the sync must fail, once there is one.
        let syncer =
            Syncer::start(vec![folder.path().to_owned()], Duration::from_millis(1)).unwrap();
        let why = loop {
            match syncer.written() {
                Ok(()) => thread::yield_now(),
                Err(error) => break error.to_string(),
            }
        };
        assert!(matches!(syncer.sync(), Err(EngineError::Poisoned(_))));
        assert!(why.contains("cannot sync"), "{why}");
    }

    #[test]
    fn a_log_that_was_written_back_needs_no_sync() {
        sync(Path::new("/no such folder/log")).unwrap();
    }

    #[test]
    fn what_was_committed_is_synced_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let syncer = Syncer::start(vec![folder.path().to_owned()], Duration::MAX).unwrap();
        syncer.written().unwrap();
        let shared = Arc::clone(&syncer.shared);
        drop(syncer);
        assert!(lock(&shared.0).failed.is_some(), "a sync was tried");
    }
}
