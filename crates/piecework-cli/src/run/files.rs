//! Files that travel with a task: to the machine that runs it, and back.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::template::{Filling, Pattern};

/// Bytes of the files of one task: they are held in memory on their way.
const FILES_BYTES_MAX: u64 = 512 << 20;

/// What `--wd` says for a folder that is made for each task.
pub(crate) const FOLDER_PER_TASK: &[u8] = b"...";

/// One file on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    /// Where it is, seen from the folder that commands run in.
    pub(crate) path: Vec<u8>,
    /// Who may do what with it.
    pub(crate) mode: u32,
    /// What is in it.
    pub(crate) bytes: Vec<u8>,
}

/// Which files are read for a task.
pub(crate) fn paths(patterns: &[Pattern], filling: &Filling<'_>) -> Vec<Vec<u8>> {
    patterns.iter().map(|pattern| pattern.filled(filling)).collect()
}

/// Reads the files that a command is to find.
///
/// # Errors
/// If one is not there, or they are too large together.
pub(crate) fn read_all(paths: &[Vec<u8>], folder: &Path) -> anyhow::Result<Vec<Copied>> {
    let mut left = FILES_BYTES_MAX;
    paths.iter().map(|path| read(path, folder, &mut left)).collect()
}

fn read(path: &[u8], folder: &Path, left: &mut u64) -> anyhow::Result<Copied> {
    let place = folder.join(OsStr::from_bytes(path));
    let failed = || format!("cannot read {}", place.display());
    let mut file = File::open(&place).with_context(failed)?;
    let metadata = file.metadata().with_context(failed)?;
    if !metadata.is_file() {
        bail!("{} is no file; hint: name each file of a folder, or pack it", place.display());
    }
    let mut bytes = Vec::new();
    file.by_ref().take(*left + 1).read_to_end(&mut bytes).with_context(failed)?;
    match left.checked_sub(bytes.len() as u64) {
        Some(rest) => *left = rest,
        None => bail!(
            "{} and the other files of its task have more than {FILES_BYTES_MAX} bytes; \
             hint: a folder that all machines share",
            place.display()
        ),
    }
    let mode = metadata.permissions().mode() & 0o7777;
    Ok(Copied { path: path.to_vec(), mode, bytes })
}

/// Writes files where they belong.
///
/// # Errors
/// If one cannot be written.
pub(crate) fn write_all(files: &[Copied], folder: &Path) -> anyhow::Result<()> {
    for file in files {
        let place = folder.join(OsStr::from_bytes(&file.path));
        let failed = || format!("cannot write {}", place.display());
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).with_context(failed)?;
        }
        fs::write(&place, &file.bytes).with_context(failed)?;
        fs::set_permissions(&place, Permissions::from_mode(file.mode)).with_context(failed)?;
    }
    Ok(())
}

/// The folder that a command runs in.
#[derive(Debug)]
pub(crate) enum Folder {
    /// Where the worker is, or where it is told to be.
    Given(PathBuf),
    /// One of its own, which goes when it is done.
    Own(TempDir),
}

impl Folder {
    /// Finds or makes it.
    ///
    /// # Errors
    /// If there is no room for temporary folders.
    pub(crate) fn of(dir: Option<&[u8]>) -> anyhow::Result<Self> {
        match dir {
            Some(FOLDER_PER_TASK) => Ok(Self::Own(
                tempfile::Builder::new()
                    .prefix("piecework-")
                    .tempdir()
                    .context("cannot make a folder for a task; hint: TMPDIR names where")?,
            )),
            Some(dir) => Ok(Self::Given(OsStr::from_bytes(dir).into())),
            None => Ok(Self::Given(PathBuf::new())),
        }
    }

    /// Its path; empty for where this process is.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Own(folder) => folder.path(),
        }
    }
}

/// Removes files that a task has brought or left, and the folders that are empty then. What cannot
/// be removed stays: somebody else's command may have needed it too.
pub(crate) fn clean(paths: &[Vec<u8>], folder: &Path) {
    for path in paths {
        let path = Path::new(OsStr::from_bytes(path));
        let _ = fs::remove_file(folder.join(path));
        if path.is_absolute() {
            continue;
        }
        for parent in path.ancestors().skip(1).take_while(|parent| !parent.as_os_str().is_empty()) {
            if fs::remove_dir(folder.join(parent)).is_err() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_arrive_as_they_left_and_go_without_a_trace() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir_all(from.path().join("a/b")).unwrap();
        fs::write(from.path().join("a/b/run"), b"\xff").unwrap();
        fs::set_permissions(from.path().join("a/b/run"), Permissions::from_mode(0o750)).unwrap();
        let paths = vec![b"a/b/run".to_vec()];
        let files = read_all(&paths, from.path()).unwrap();
        write_all(&files, to.path()).unwrap();
        assert_eq!(read_all(&paths, to.path()).unwrap(), files);
        assert_eq!(files[0].mode, 0o750);
        clean(&paths, to.path());
        assert_eq!(fs::read_dir(to.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        for wrong in ["sub", "missing"] {
            let error = read_all(&[wrong.into()], folder.path()).unwrap_err();
            assert!(format!("{error:#}").contains(wrong), "{error:#}");
        }
    }

    #[test]
    fn a_folder_per_task_goes_with_it() {
        let folder = Folder::of(Some(FOLDER_PER_TASK)).unwrap();
        let path = folder.path().to_owned();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
        assert_eq!(Folder::of(Some(b"/x")).unwrap().path(), Path::new("/x"));
    }
}
