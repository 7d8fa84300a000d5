//! Output of tasks on its way into the books: a little of it in memory, the rest in a file that
//! stays.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

/// Output that is handed on while its command runs is held in memory up to so many bytes; what is
/// longer has a file, as a table is no place for gigabytes.
const IN_MEMORY_BYTES_MAX: usize = 64 << 10;

/// The folder of long outputs: a file for each, named by a number.
#[derive(Debug)]
pub(super) struct Outputs {
    folder: PathBuf,
    next: AtomicI64,
}

impl Outputs {
    /// Opens the folder, which is made if it is not there. Files that are not `kept` are removed:
    /// they are of tasks that did not end, or of which more is known by now.
    ///
    /// # Errors
    /// If the folder cannot be made or read.
    pub(super) fn open(folder: PathBuf, kept: &HashSet<i64>) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if number.is_some_and(|number| !kept.contains(&number)) {
                fs::remove_file(entry.path())?;
            }
        }
        let next = kept.iter().max().map_or(1, |last| last + 1);
        Ok(Self { folder, next: AtomicI64::new(next) })
    }

    /// Makes the file of one more output.
    fn create(&self) -> io::Result<Long> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let file = File::create_new(path(&self.folder, number))?;
        Ok(Long { number, file })
    }

    /// Sees to it that files that were made are found here after a loss of power.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

/// Where the output with this number is.
pub(super) fn path(folder: &Path, number: i64) -> PathBuf {
    folder.join(number.to_string())
}

/// An output that has a file.
#[derive(Debug)]
pub(super) struct Long {
    pub(super) number: i64,
    pub(super) file: File,
}

/// What one stream of a command that runs has written so far.
#[derive(Debug, Default)]
pub(super) struct Spool {
    begun: Vec<u8>,
    long: Option<Long>,
}

impl Spool {
    /// Adds a part.
    pub(super) fn add(&mut self, part: &[u8], outputs: &Outputs) -> io::Result<()> {
        if self.long.is_none() && self.begun.len() + part.len() <= IN_MEMORY_BYTES_MAX {
            self.begun.extend(part);
            return Ok(());
        }
        let long = match &mut self.long {
            Some(long) => long,
            none => none.insert(outputs.create()?),
        };
        long.file.write_all(&std::mem::take(&mut self.begun))?;
        long.file.write_all(part)
    }

    /// Adds what came with the end. Short output is in `rest` then, all of it; long output is in
    /// the file that is returned.
    pub(super) fn end(self, rest: &mut Vec<u8>) -> io::Result<Option<Long>> {
        let Self { mut begun, long } = self;
        match long {
            Some(mut long) => {
                long.file.write_all(&std::mem::take(rest))?;
                Ok(Some(long))
            }
            None => {
                begun.append(rest);
                *rest = begun;
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_output_stays_in_memory_and_long_output_gets_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let outputs = Outputs::open(folder.path().join("outputs"), &HashSet::new()).unwrap();
        let long = vec![b'x'; IN_MEMORY_BYTES_MAX];
        for (parts, expects_file) in [(&[b"a".as_slice()][..], false), (&[b"a", &long], true)] {
            let (mut spool, mut rest) = (Spool::default(), b"rest".to_vec());
            parts.iter().for_each(|part| spool.add(part, &outputs).unwrap());
            let all = [parts.concat(), rest.clone()].concat();
            match spool.end(&mut rest).unwrap() {
                Some(Long { number, .. }) => {
                    assert!(expects_file && rest.is_empty());
                    assert_eq!(fs::read(path(&outputs.folder, number)).unwrap(), all);
                }
                None => assert_eq!((expects_file, rest), (false, all)),
            }
        }
    }

    #[test]
    fn files_that_nobody_knows_go_and_their_numbers_are_free_again() {
        let folder = tempfile::tempdir().unwrap();
        let open = |kept: &[i64]| {
            Outputs::open(folder.path().to_owned(), &kept.iter().copied().collect()).unwrap()
        };
        let outputs = open(&[]);
        let numbers = [(); 3].map(|()| outputs.create().unwrap().number);
        assert_eq!(numbers, [1, 2, 3]);
        let outputs = open(&[2]);
        let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(left.collect::<Vec<_>>(), ["2"]);
        assert_eq!(outputs.create().unwrap().number, 3);
    }
}
