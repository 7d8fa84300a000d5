//! Finds the Python interpreters of this machine and runs scripts under them.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs, io};

/// The oldest Python 3 that piecework speaks with; pyenv's older ones are left out.
pub const PYTHON_MINOR_MIN: u32 = 6;

/// What an interpreter is asked: its version, and the file it really is behind shims and links.
const QUESTION: &str = "import os, sys; \
    print('%d.%d' % sys.version_info[:2]); print(os.path.realpath(sys.executable))";

/// One Python interpreter of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    path: PathBuf,
    major: u32,
    minor: u32,
}

impl Python {
    /// Finds the interpreters to test with.
    ///
    /// The variable `PIECEWORK_PYTHONS` lists them, with `:` between; without it they are `python3`
    /// and pyenv's versions from [`PYTHON_MINOR_MIN`] on, each once.
    ///
    /// # Errors
    ///
    /// When a listed interpreter does not run or is too old (none is left out in silence), and when
    /// there is none at all.
    pub fn find_all() -> io::Result<Vec<Self>> {
        if let Some(list) = env::var_os("PIECEWORK_PYTHONS") {
            return Self::listed(&list);
        }
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for candidate in candidates() {
            // A shim of a version that is not installed, or a folder without a Python.
            let Ok((python, file)) = Self::ask(&candidate) else { continue };
            if python.is_spoken() && seen.insert(file) {
                found.push(python);
            }
        }
        if found.is_empty() {
            return Err(io::Error::other(format!(
                "no Python 3.{PYTHON_MINOR_MIN} or newer: neither `python3` nor a version of pyenv\n\
                 hint: install one, or list some in PIECEWORK_PYTHONS"
            )));
        }
        Ok(found)
    }

    /// The interpreter's program.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The version, such as `3.12`.
    #[must_use]
    pub fn version(&self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    /// Runs a program text to its end and returns its transcript.
    ///
    /// # Errors
    ///
    /// When the interpreter does not start. What the script itself ends with is in the transcript.
    pub fn run(&self, script: &str, arguments: &[&str]) -> io::Result<Output> {
        let mut command = Command::new(&self.path);
        command.arg("-c").arg(script).args(arguments).stdin(Stdio::null());
        command.output().map_err(|error| not_started(&self.path, &error))
    }

    fn listed(list: &OsStr) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        for path in env::split_paths(list).filter(|path| !path.as_os_str().is_empty()) {
            let (python, _) = Self::ask(&path)?;
            if !python.is_spoken() {
                return Err(io::Error::other(format!(
                    "PIECEWORK_PYTHONS names {}, which is Python {}: piecework speaks with 3.{} \
                     and newer",
                    path.display(),
                    python.version(),
                    PYTHON_MINOR_MIN
                )));
            }
            found.push(python);
        }
        if found.is_empty() {
            return Err(io::Error::other("PIECEWORK_PYTHONS is set and names no interpreter"));
        }
        Ok(found)
    }

    fn is_spoken(&self) -> bool {
        self.major == 3 && self.minor >= PYTHON_MINOR_MIN
    }

    /// Asks a program which Python it is; also returns the file behind it.
    fn ask(path: &Path) -> io::Result<(Self, String)> {
        let mut command = Command::new(path);
        command.args(["-c", QUESTION]).stdin(Stdio::null());
        let output = command.output().map_err(|error| not_started(path, &error))?;
        let answer = String::from_utf8_lossy(&output.stdout);
        let mut lines = answer.lines();
        let version = lines.next().and_then(|version| version.split_once('.'));
        let numbers = version.and_then(|(major, minor)| {
            Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
        });
        let (Some((major, minor)), Some(file)) = (numbers, lines.next()) else {
            return Err(io::Error::other(format!(
                "{} does not answer as a Python: {}{}",
                path.display(),
                answer,
                String::from_utf8_lossy(&output.stderr)
            )));
        };
        Ok((Self { path: path.to_owned(), major, minor }, file.to_owned()))
    }
}

fn not_started(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{} does not start: {error}", path.display()))
}

/// `python3`, then pyenv's versions by name.
fn candidates() -> Vec<PathBuf> {
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".pyenv"));
    let pyenv = env::var_os("PYENV_ROOT").map(PathBuf::from).or_else(home);
    let versions = pyenv.and_then(|pyenv| fs::read_dir(pyenv.join("versions")).ok());
    let mut found: Vec<_> =
        versions.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.sort();
    let programs = found.into_iter().map(|version| version.join("bin/python"));
    std::iter::once(PathBuf::from("python3")).chain(programs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_interpreter_found_is_there_once_and_runs() {
        let found = Python::find_all().unwrap();
        let mut files = HashSet::new();
        for python in found {
            let output = python.run("import sys; print(sys.argv[1:])", &["a b"]).unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "['a b']");
            assert!(files.insert(Python::ask(python.path()).unwrap().1), "{python:?} twice");
        }
    }

    #[test]
    fn a_listed_interpreter_that_is_missing_is_an_error_that_names_it() {
        let error = Python::listed(OsStr::new("/nowhere/python9")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/python9"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_listed_program_that_is_no_python_is_an_error_that_names_it() {
        let error = Python::listed(OsStr::new("/bin/echo")).unwrap_err();
        assert!(error.to_string().contains("/bin/echo"), "{error}");
    }

    #[test]
    fn an_empty_list_is_an_error() {
        assert!(Python::listed(OsStr::new("")).is_err());
    }
}
