//! Keeps two managers out of one data directory, and says who is in it.

use crate::EngineError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;

/// The file that is locked for as long as a manager uses the folder. The system lets go of it when
/// the process ends, however it ends; what it says is for people.
const LOCK: &str = "lock";

/// Who holds the lock is told in fewer bytes than this.
const HOLDER_MAX: u64 = 200;

/// The folder is this process's own until this is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(folder: &Path) -> Result<Self, EngineError> {
        let path = folder.join(LOCK);
        let failed = |error| EngineError::File { path: path.clone(), error };
        let options = &mut OpenOptions::new();
        // Not truncated before it is locked: it names the holder.
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // On Windows the file of another process cannot be read while it is locked.
                let _ = file.take(HOLDER_MAX).read_to_string(&mut holder);
                let holder = holder.lines().next().unwrap_or("another process").to_owned();
                return Err(EngineError::InUse { folder: folder.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let named = file
            .set_len(0)
            .and_then(|()| writeln!(file, "process {}", std::process::id()))
            .and_then(|()| file.flush());
        named.map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Makes the folder, readable for its owner only: payloads are nobody else's business.
pub(super) fn make_folder(folder: &Path) -> Result<(), EngineError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| EngineError::File { path: folder.to_owned(), error })
}

/// Makes sure that what was made in the folder is found there after a loss of power.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened, and needs not be.
#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
