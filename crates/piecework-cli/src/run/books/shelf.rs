//! The folder of a run that has a name, and the lock that keeps a second one out of it.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;

/// A name has to be one of a folder; file systems take 255 bytes.
const NAME_BYTES_MAX: usize = 200;

/// The file that is locked while the run lasts; what it says is for people. The lock is of the kind
/// that belongs to a process: the system lets go of it when the process ends, however it ends, even
/// where a command that was just being started has inherited the file and lives a moment longer.
const LOCK: &str = "lock";

/// Who holds the lock is told in fewer bytes than this.
const HOLDER_BYTES_MAX: u64 = 200;

/// The tables.
const TABLES: &str = "run.db";

/// The folder of long outputs.
const OUTPUTS: &str = "outputs";

/// The name of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunName(String);

impl FromStr for RunName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |sign: char| sign.is_alphanumeric() || "._-".contains(sign);
        if text.is_empty() || text.starts_with(['.', '-']) || !text.chars().all(is_plain) {
            return Err("a run is named by letters, digits, '.', '_' and '-', \
                 a letter or a digit first; hint: such as nightly-2"
                .to_owned());
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(format!("a name has at most {NAME_BYTES_MAX} bytes"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Where the books of one run are. Nobody else opens them while this lives.
#[derive(Debug)]
pub(super) struct Shelf {
    name: RunName,
    folder: PathBuf,
    _lock: File,
}

impl Shelf {
    /// Takes the folder of a run, which is made if it is not there; only its owner can look in.
    ///
    /// # Errors
    /// If it cannot be made, or the run is under way in another process.
    pub(super) fn take(runs: &Path, name: &RunName) -> anyhow::Result<Self> {
        let folder = runs.join(&name.0);
        let failed = || format!("cannot open the books of run {name} in {}", folder.display());
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).with_context(failed)?;
        let options = &mut OpenOptions::new();
        // Not truncated before it is locked: it names the holder.
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut lock = options.open(folder.join(LOCK)).with_context(failed)?;
        match fcntl_lock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::AGAIN | Errno::ACCESS) => bail!(
                "run {name} is under way in {}\n\
                 hint: wait for its end, or choose another name",
                holder(lock)
            ),
            Err(error) => return Err(error).with_context(failed),
        }
        lock.set_len(0)
            .and_then(|()| writeln!(lock, "process {}", std::process::id()))
            .with_context(failed)?;
        Ok(Self { name: name.clone(), folder, _lock: lock })
    }

    /// The run's name.
    pub(super) fn name(&self) -> &RunName {
        &self.name
    }

    /// Where the tables are.
    pub(super) fn tables(&self) -> PathBuf {
        self.folder.join(TABLES)
    }

    /// The write-ahead log of the tables, as SQLite names it.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join(format!("{TABLES}-wal"))
    }

    /// Where long outputs are.
    pub(super) fn outputs(&self) -> PathBuf {
        self.folder.join(OUTPUTS)
    }

    /// Throws everything away but the lock.
    ///
    /// # Errors
    /// If something cannot be removed.
    pub(super) fn clear(&self) -> anyhow::Result<()> {
        let shared = self.folder.join(format!("{TABLES}-shm"));
        let removed = [
            // The log before the tables: without them it would belong to those made next.
            fs::remove_file(self.log()),
            fs::remove_file(shared),
            fs::remove_file(self.tables()),
            fs::remove_dir_all(self.outputs()),
        ];
        for done in removed {
            match done {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    let (name, folder) = (&self.name, self.folder.display());
                    return Err(error).context(format!("cannot restart run {name} in {folder}"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Who says to be in the folder.
fn holder(lock: File) -> String {
    let mut text = String::new();
    let _ = lock.take(HOLDER_BYTES_MAX).read_to_string(&mut text);
    text.lines().next().unwrap_or("another process").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_of_a_folder() {
        for name in ["x", "Nightly-2.b_c", "2026", "größe"] {
            assert_eq!(name.parse::<RunName>().unwrap().to_string(), name);
        }
        for name in ["", ".", "..", ".x", "-x", "a/b", "a b", "a\n", &"x".repeat(201)] {
            assert!(name.parse::<RunName>().is_err(), "{name:?}");
        }
    }
}
