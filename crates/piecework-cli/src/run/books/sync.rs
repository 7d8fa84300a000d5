//! Sees to it that what was written is on the disk soon after: a machine that loses power loses no
//! more than the last moment.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};

/// Often enough to lose little, seldom enough to cost nothing that can be measured.
const INTERVAL: Duration = Duration::from_millis(100);

/// Syncs the tables' log a while after each write that follows a sync, in a thread of its own.
/// Nobody joins that thread: it ends with its syncer.
#[derive(Debug)]
pub(super) struct Syncer {
    log: PathBuf,
    written: SyncSender<()>,
    /// Why a sync failed, if one did.
    failed: Arc<OnceLock<io::Error>>,
}

impl Syncer {
    /// Starts the thread.
    ///
    /// # Errors
    /// If there can be no more threads.
    pub(super) fn start(log: PathBuf) -> anyhow::Result<Self> {
        // One word that waits is enough: it speaks for all writes before the sync.
        let (written, told) = mpsc::sync_channel(1);
        let failed = Arc::<OnceLock<_>>::default();
        let thread = thread::Builder::new().name("piecework-sync".to_owned());
        let (log_of_thread, failed_of_thread) = (log.clone(), failed.clone());
        thread
            .spawn(move || follow(&told, &log_of_thread, INTERVAL, &failed_of_thread))
            .context("cannot start a thread")?;
        Ok(Self { log, written, failed })
    }

    /// Something was written.
    ///
    /// # Errors
    /// If what was written before could not be synced: then nothing is sure any more.
    pub(super) fn written(&self) -> anyhow::Result<()> {
        if let Some(error) = self.failed.get() {
            bail!("cannot sync {}: {error}", self.log.display());
        }
        let _ = self.written.try_send(());
        Ok(())
    }

    /// Syncs at once.
    ///
    /// # Errors
    /// If that fails.
    pub(super) fn sync(&self) -> anyhow::Result<()> {
        sync(&self.log).with_context(|| format!("cannot sync {}", self.log.display()))
    }
}

/// Waits for a write, then for others that come soon, then syncs.
fn follow(told: &Receiver<()>, log: &Path, interval: Duration, failed: &OnceLock<io::Error>) {
    while told.recv().is_ok() {
        thread::sleep(interval); // rhythm: one sync for all that is written meanwhile
        if let Err(error) = sync(log) {
            let _ = failed.set(error);
            return;
        }
    }
}

/// Syncs the log. Any handle on a file will do, and a log that is not there was written back.
fn sync(log: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).open(log) {
        Ok(log) => log.sync_data(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_that_fails_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let failed = OnceLock::new();
        let (written, told) = mpsc::sync_channel(1);
        written.send(()).unwrap();
        // A folder cannot be opened for writing, so the sync must fail, once there is one.
        follow(&told, folder.path(), Duration::ZERO, &failed);
        assert!(failed.get().is_some());
    }

    #[test]
    fn a_log_that_was_written_back_needs_no_sync() {
        sync(Path::new("/no such folder/log")).unwrap();
    }
}
