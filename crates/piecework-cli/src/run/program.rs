//! Looks a program up before anything runs, so that one that is missing is one error.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Why a program cannot be run, with the exit code that shells have for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// There is none of this name.
    Missing,
    /// There is one, but it is not an executable file.
    NotExecutable(PathBuf),
}

impl Unusable {
    /// Returns the exit code of shells.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Missing => 127,
            Self::NotExecutable(_) => 126,
        }
    }

    /// Says what is wrong with the program and what to do.
    pub(crate) fn message(&self, program: &OsStr) -> String {
        let program = program.display();
        match self {
            Self::Missing => format!(
                "there is no program {program}\nhint: is it installed, and on PATH? a word of the \
                 shell needs quotes around the whole command: '{program} ...'"
            ),
            Self::NotExecutable(path) => {
                let path = path.display();
                format!("{path} is not an executable file\nhint: chmod +x {path}")
            }
        }
    }
}

/// Looks a program up as the system will: a name on `PATH`, anything with a slash as it stands.
pub(crate) fn look_up(program: &OsStr) -> Result<(), Unusable> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    look_up_on(program, &path)
}

fn look_up_on(program: &OsStr, path: &OsStr) -> Result<(), Unusable> {
    if program.as_encoded_bytes().contains(&b'/') {
        return check(Path::new(program));
    }
    let mut verdict = Unusable::Missing;
    for directory in std::env::split_paths(path) {
        match check(&directory.join(program)) {
            Ok(()) => return Ok(()),
            Err(Unusable::Missing) => {}
            Err(found) => verdict = found,
        }
    }
    Err(verdict)
}

fn check(file: &Path) -> Result<(), Unusable> {
    match file.metadata() {
        Err(_) => Err(Unusable::Missing),
        Ok(known) if known.is_file() && known.permissions().mode() & 0o111 != 0 => Ok(()),
        Ok(_) => Err(Unusable::NotExecutable(file.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_as_the_system_finds_it() {
        let directory = tempfile::tempdir().unwrap();
        let plain = directory.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        let on = |program: &str, path: &Path| look_up_on(program.as_ref(), path.as_os_str());
        assert_eq!(on("sh", Path::new("/nowhere:/bin")), Ok(()));
        assert_eq!(on("/bin/sh", Path::new("")), Ok(()));
        assert_eq!(on("no-such-program", Path::new("/bin")), Err(Unusable::Missing));
        assert_eq!(on("plain", directory.path()), Err(Unusable::NotExecutable(plain)));
        assert_eq!(Unusable::Missing.exit_code(), 127);
    }
}
