//! Room on the disk: enough is kept back that what is there can be taken and settled when no more
//! fits in.
//!
//! Half of what is kept back is a file, which is given up when a commit fails for want of room; the
//! other half is a margin below which puts are refused before that happens.

use crate::EngineError;
use rusqlite::ErrorCode;
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The file that keeps room.
const RESERVE: &str = "reserve";

/// Bytes that are kept back at most: what settling a few million items writes.
const KEPT_BACK_MAX: u64 = 32 << 20;

/// Free bytes beyond which nobody need count: the log at its longest, written back, and as much
/// again as is kept back.
const AMPLE: u64 = 256 << 20;

/// The part of a small disk that is kept back.
const KEPT_BACK_SHARE: u64 = 8;

/// Bytes of payload after which it is looked again how much room there is, or half of what there
/// was; before, the room that there was is less by what was put, and no more.
const LOOK_AGAIN_BYTES: u64 = 2 << 20;

/// The same for time: others fill the disk, too, and what is acked makes room.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What a payload takes once it is folded: its place in the log, its place in the database, and
/// once more as much for what stands around it.
const TIMES: u64 = 3;

/// How much room there is.
#[derive(Debug)]
pub(super) struct Space {
    folder: PathBuf,
    /// Bytes that are kept back, in the file and as a margin.
    kept_back: u64,
    /// Whether the file is there.
    reserved: bool,
    /// Whether there was little room when it was last looked for, and whether there was none.
    little: bool,
    full: bool,
    looked: Instant,
    /// Bytes of payload that may be written before it is looked again.
    unlooked: u64,
}

/// Room within files that are there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Within {
    /// Pages of the database that hold nothing.
    pub(super) database: u64,
    /// The log, which begins anew.
    pub(super) log: u64,
}

impl Space {
    /// Room on the disk that the folder is on. Some is kept back once it is asked for.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let disk = statvfs(folder)?;
        let kept_back = KEPT_BACK_MAX.min(disk.f_blocks * disk.f_frsize / KEPT_BACK_SHARE);
        Ok(Self {
            folder: folder.to_owned(),
            kept_back,
            // A manager that was killed has left it.
            reserved: folder.join(RESERVE).exists(),
            little: false,
            full: false,
            looked: Instant::now(),
            unlooked: 0,
        })
    }

    /// So many bytes of payload are about to be written.
    pub(super) fn spend(&mut self, bytes: u64) {
        self.unlooked = self.unlooked.saturating_sub(bytes);
    }

    /// Where it is time to look how much room there is: whether that takes a closer look, at what
    /// is within the files.
    pub(super) fn look(&mut self) -> Option<bool> {
        if self.unlooked > 0 && self.looked.elapsed() < LOOK_AGAIN {
            return None;
        }
        self.looked = Instant::now();
        // A disk that does not say how full it is shows that when a commit fails.
        self.little = self.free().ok()? < AMPLE;
        Some(self.little)
    }

    /// How many bytes of payload there is room for, beside so many that have their place in the
    /// tables yet to come.
    pub(super) fn room(&mut self, journal: u64, within: Within) -> Option<u64> {
        let free = self.free().ok()?;
        // Once full, it takes more to be so no longer: else it would go back and forth.
        let still_full = self.full && free + within.database <= self.kept_back;
        // A batch goes through the log into the database, so the lesser of them counts.
        let for_batches = free + within.database.min(within.log);
        let taken = self.kept_back / 2 + journal * TIMES;
        let room = if still_full { 0 } else { for_batches.saturating_sub(taken) / TIMES };
        self.full = room == 0 || !self.reserve();
        self.unlooked = LOOK_AGAIN_BYTES.min(room / 2);
        Some(if self.full { 0 } else { room })
    }

    /// Whether it takes a closer look to know how much room there is.
    pub(super) fn is_little(&self) -> bool {
        self.little
    }

    /// Free bytes of the disk.
    fn free(&self) -> io::Result<u64> {
        let disk = statvfs(&self.folder)?;
        Ok(disk.f_bavail * disk.f_frsize)
    }

    /// A commit has failed for want of room: gives up the file. False if that was done before.
    pub(super) fn give_up(&mut self) -> bool {
        self.full = true;
        let had = std::mem::take(&mut self.reserved);
        had && fs::remove_file(self.folder.join(RESERVE)).is_ok()
    }

    /// Makes the file, if it is not there; false if there is no room for it.
    fn reserve(&mut self) -> bool {
        if self.reserved {
            return true;
        }
        let path = self.folder.join(RESERVE);
        let made = OpenOptions::new().create(true).write(true).truncate(false).open(&path);
        let made = made.and_then(|file| {
            // Where room cannot be set aside like this, the margin has to do.
            fallocate(file, FallocateFlags::empty(), 0, self.kept_back / 2).map_err(io::Error::from)
        });
        self.reserved = match made {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::StorageFull => false,
            Err(_) => true,
        };
        if !self.reserved {
            let _ = fs::remove_file(&path);
        }
        self.reserved
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        // It is of use to a manager that runs, and to nobody else.
        let _ = fs::remove_file(self.folder.join(RESERVE));
    }
}

/// Tries again where there was no room, if giving up what is kept back makes some.
pub(super) fn or_after<T>(
    give_up: impl FnOnce() -> bool,
    mut attempt: impl FnMut() -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    let done = attempt();
    if done.as_ref().is_err_and(is_full) && give_up() { attempt() } else { done }
}

/// Whether there was no room.
fn is_full(error: &EngineError) -> bool {
    match error {
        EngineError::Database(error) => error.sqlite_error_code() == Some(ErrorCode::DiskFull),
        EngineError::File { error, .. } => error.kind() == io::ErrorKind::StorageFull,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(space: &mut Space) -> Option<u64> {
        space.look().and_then(|_| space.room(0, Within::default()))
    }

    #[test]
    fn room_is_kept_back_given_up_and_kept_back_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(RESERVE);
        let mut space = Space::of(folder.path()).unwrap();
        assert!(room(&mut space).unwrap() > 0);
        assert_eq!(room(&mut space), None, "there is no news");
        assert_eq!(fs::metadata(&file).unwrap().len(), space.kept_back / 2);
        assert!(space.give_up() && !file.exists());
        assert!(!space.give_up(), "there is nothing more to give up");
        space.spend(LOOK_AGAIN_BYTES);
        assert!(room(&mut space).unwrap() > 0 && file.exists());
        drop(space);
        assert!(!file.exists());
    }

    #[test]
    fn a_disk_that_was_full_must_have_more_room_than_one_that_was_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut space = Space::of(folder.path()).unwrap();
        space.kept_back = space.free().unwrap() / 2 * 3;
        assert!(room(&mut space).unwrap() > 0, "half of what is kept back is there");
        space.full = true;
        space.spend(LOOK_AGAIN_BYTES);
        assert_eq!(room(&mut space), Some(0));
    }
}
