//! Where a program is, looked up once for all commands that name it.
//!
//! Otherwise each child tries the folders of `PATH` one by one: with ten of them that is some 40 us
//! of processor time, a twentieth of all that starting `true` costs.

use std::collections::HashMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Access, access};

/// Programs that are remembered; a command line that names more than this many names them from its
/// arguments, and each once.
const REMEMBERED_MAX: usize = 100;

static FOUND: Mutex<Option<Found>> = Mutex::new(None);

/// What was found in the folders of one `PATH`.
#[derive(Debug)]
struct Found {
    path: OsString,
    programs: HashMap<OsString, PathBuf>,
}

/// The file that a program's name means, if that is the same for all commands: not for a path, nor
/// where `PATH` names a folder that depends on the one that a command works in.
pub(super) fn find(program: &OsStr) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    let found = match &mut *found {
        Some(found) if found.path == path => found,
        other => other.insert(Found { path, programs: HashMap::new() }),
    };
    if let Some(file) = found.programs.get(program) {
        return Some(file.clone());
    }
    let file = search(program, &found.path)?;
    if found.programs.len() < REMEMBERED_MAX {
        found.programs.insert(program.to_owned(), file.clone());
    }
    Some(file)
}

/// Forgets where a program was: it is there no more.
pub(super) fn forget(program: &OsStr) {
    if let Some(found) = &mut *FOUND.lock().unwrap_or_else(PoisonError::into_inner) {
        found.programs.remove(program);
    }
}

/// As `execvp` does it: the first folder in which there is a file of that name that may be run.
fn search(program: &OsStr, path: &OsStr) -> Option<PathBuf> {
    if program.is_empty() || program.as_bytes().contains(&b'/') {
        return None;
    }
    for folder in env::split_paths(path) {
        if !folder.is_absolute() {
            return None;
        }
        let file = folder.join(program);
        if is_program(&file) {
            return Some(file);
        }
    }
    None
}

fn is_program(file: &Path) -> bool {
    file.is_file() && access(file, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_file_that_may_be_run_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|name| folder.path().join(name));
        fs::create_dir_all(a.join("tool")).unwrap(); // a folder is no program
        for (folder, mode) in [(&b, 0o644), (&c, 0o755)] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("tool"), "").unwrap();
            fs::set_permissions(folder.join("tool"), fs::Permissions::from_mode(mode)).unwrap();
        }
        let tool = OsStr::new("tool");
        let path = |folders: &[&Path]| env::join_paths(folders).unwrap();
        assert_eq!(search(tool, &path(&[&a, &b, &c])), Some(c.join("tool")));
        assert_eq!(search(tool, &path(&[&a, &b])), None);
        assert_eq!(search(OsStr::new("c/tool"), &path(&[folder.path()])), None);
        assert_eq!(search(tool, &path(&[Path::new("bin"), &c])), None, "depends on the folder");
    }
}
