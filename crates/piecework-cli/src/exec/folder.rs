//! The temporary folder of one `piecework exec`: what its Pythons load first, and a socket.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

use anyhow::Context;

/// Python's `site` imports the first; the others are imported by it.
const FILES: [(&str, &str); 3] = [
    ("sitecustomize.py", include_str!("sitecustomize.py")),
    ("piecework_takeover.py", include_str!("piecework_takeover.py")),
    ("piecework_queues.py", include_str!("piecework_queues.py")),
];

const SOCKET: &str = "control";

/// A Unix socket's path has room for 108 bytes with its closing zero on Linux, 104 elsewhere.
const SOCKET_PATH_BYTES_MAX: usize = 103;

/// Earlier runs that were killed leave their folder; so many with our process id are stepped over.
const NAMES_TRIED_MAX: u32 = 100;

/// A folder that only this user can enter. Removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder and writes the Python files into it.
    pub(crate) fn create() -> anyhow::Result<Self> {
        let folder = Self { path: make(&env::temp_dir()).or_else(|_| make(Path::new("/tmp")))? };
        for (name, text) in FILES {
            let path = folder.path.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(folder)
    }

    /// Where the programs reach us.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join(SOCKET)
    }

    /// The `PYTHONPATH` for the programs: this folder, then what they would have had.
    pub(crate) fn python_path(&self) -> OsString {
        let mut path = self.path.clone().into_os_string();
        if let Some(theirs) = env::var_os("PYTHONPATH").filter(|theirs| !theirs.is_empty()) {
            path.push(":");
            path.push(theirs);
        }
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A Python that still writes its bytecode may be in the way; the folder is temporary.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Makes a new folder of mode 0700 in `base`, where a socket's path still fits.
fn make(base: &Path) -> anyhow::Result<PathBuf> {
    for number in 0..NAMES_TRIED_MAX {
        let path = base.join(format!("piecework-exec-{}-{number}", process::id()));
        let socket = path.join(SOCKET);
        anyhow::ensure!(
            socket.as_os_str().as_bytes().len() <= SOCKET_PATH_BYTES_MAX,
            "{} is too long a path for a socket; set TMPDIR to a shorter folder",
            socket.display()
        );
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                made.with_context(|| format!("cannot make the folder {}", path.display()))?;
                return Ok(path);
            }
        }
    }
    anyhow::bail!("{} is full of folders named piecework-exec; remove them", base.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn is_private_and_goes_away() {
        let folder = Folder::create().unwrap();
        let path = folder.path.clone();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(path.join("sitecustomize.py").is_file());
        assert!(folder.python_path().as_bytes().starts_with(path.as_os_str().as_bytes()));
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn refuses_a_base_that_leaves_no_room_for_the_socket() {
        let long = env::temp_dir().join("x".repeat(SOCKET_PATH_BYTES_MAX));
        assert!(make(&long).unwrap_err().to_string().contains("TMPDIR"));
    }
}
