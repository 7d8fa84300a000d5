//! Room on the disk: enough is kept back that what is there can be taken and settled when no more
//! fits in.
//!
//! Half of what is kept back is a file, which is given up when a commit fails for want of room; the
//! other half is a margin below which puts are refused before that happens.

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The file that keeps room.
const RESERVE: &str = "reserve";

/// Bytes that are kept back at most: what settling a few million items writes.
const KEPT_BACK_MAX: u64 = 32 << 20;

/// The part of a small disk that is kept back.
const KEPT_BACK_SHARE: u64 = 8;

/// How long what was seen last is believed. Nobody fills what is kept back in that time.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How much room there is.
#[derive(Debug)]
pub(super) struct Space {
    folder: PathBuf,
    /// Bytes that are kept back, in the file and as a margin.
    kept_back: u64,
    /// Whether the file is there.
    reserved: bool,
    low: bool,
    looked: Instant,
}

impl Space {
    /// Keeps room back in the folder, if there is any.
    pub(super) fn keep_back(folder: &Path) -> io::Result<Self> {
        let disk = statvfs(folder)?;
        let kept_back = KEPT_BACK_MAX.min(disk.f_blocks * disk.f_frsize / KEPT_BACK_SHARE);
        let folder = folder.to_owned();
        let mut space =
            Self { folder, kept_back, reserved: false, low: false, looked: Instant::now() };
        space.reserve();
        space.low = !space.reserved;
        Ok(space)
    }

    /// Whether there is so little room that nothing more should be put. `unused` is what is free
    /// within the database.
    pub(super) fn is_low(&mut self, unused: impl FnOnce() -> u64) -> bool {
        if self.looked.elapsed() < LOOK_AGAIN {
            return self.low;
        }
        self.looked = Instant::now();
        // A disk that does not say how full it is shows that when a commit fails.
        let Ok(disk) = statvfs(&self.folder) else { return self.low };
        let room = disk.f_bavail * disk.f_frsize + unused();
        // Once low, it takes more to be so no longer: else it would go back and forth.
        let needed = if self.low { self.kept_back } else { self.kept_back / 2 };
        self.low = room < needed;
        if !self.low && !self.reserved {
            self.reserve();
        }
        self.low
    }

    /// A commit has failed for want of room: gives up the file. False if that was done before.
    pub(super) fn give_up(&mut self) -> bool {
        self.low = true;
        let had = std::mem::take(&mut self.reserved);
        had && fs::remove_file(self.folder.join(RESERVE)).is_ok()
    }

    fn reserve(&mut self) {
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
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        // It is of use to a manager that runs, and to nobody else.
        let _ = fs::remove_file(self.folder.join(RESERVE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_now(space: &mut Space, unused: u64) -> bool {
        space.looked = Instant::now() - LOOK_AGAIN;
        space.is_low(|| unused)
    }

    #[test]
    fn room_is_kept_back_given_up_and_kept_back_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(RESERVE);
        let mut space = Space::keep_back(folder.path()).unwrap();
        assert!(!look_now(&mut space, 0));
        assert_eq!(fs::metadata(&file).unwrap().len(), space.kept_back / 2);
        assert!(space.give_up() && !file.exists());
        assert!(space.is_low(|| 0), "what was seen is believed for a moment");
        assert!(!space.give_up(), "there is nothing more to give up");
        assert!(!look_now(&mut space, u64::MAX / 2) && file.exists());
        drop(space);
        assert!(!file.exists());
    }

    #[test]
    fn a_disk_that_is_low_must_have_more_room_than_one_that_was_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut space = Space::keep_back(folder.path()).unwrap();
        let disk = statvfs(folder.path()).unwrap();
        let free = disk.f_bavail * disk.f_frsize;
        space.kept_back = free + free / 2;
        assert!(!look_now(&mut space, 0), "half of what is kept back is there");
        space.low = true;
        assert!(look_now(&mut space, 0));
        assert!(!look_now(&mut space, free), "what is free within the database counts");
    }
}
