//! The packages of PyPI that piecework is compared with, in an environment of their own below the
//! target folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::python;
use crate::step::{Outcome, answers, command, run as step, say};

/// Something that Python people run tasks with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    /// What the load calls it.
    name: &'static str,
    /// What pip installs, current at the time of writing. Fixed, so that figures compare.
    pinned: &'static [&'static str],
}

/// Those with workers that run Python's functions.
pub(crate) const SYSTEMS: [Package; 3] = [
    Package { name: "joblib", pinned: &["joblib==1.6.0"] },
    Package { name: "dask", pinned: &["distributed==2026.8.0", "dask==2026.8.0"] },
    Package { name: "celery", pinned: &["celery[redis]==5.7.0", "redis==8.1.0"] },
];

/// A cluster for commands: server, worker and client in one wheel.
pub(crate) const HYPERQUEUE: Package =
    Package { name: "hyperqueue", pinned: &["hyperqueue==0.27.0"] };

/// The packages of a benchmark, and the Python that has them.
#[derive(Debug)]
pub(crate) struct Packages {
    python: PathBuf,
    /// Each, or why it is not there.
    all: Vec<(Package, Outcome)>,
}

impl Packages {
    /// Installs what is not there yet; what cannot be had is left out, and why is told. Where none
    /// are wanted, the Python is that of the tests.
    pub(crate) fn find(folder: &Path, wanted: &[Package]) -> Outcome<Self> {
        if wanted.is_empty() {
            return Ok(Self { python: python::environment()?, all: Vec::new() });
        }
        let folder = folder.join("python");
        let python = python::python_of(&folder);
        let mut question = command(&python);
        question.args(["-c", "import pip"]);
        if !answers(question) {
            python::make(&folder)?;
        }
        let find = |package: &Package| (*package, install(*package, &folder, &python));
        let all: Vec<_> = wanted.iter().map(find).collect();
        for (package, outcome) in &all {
            if let Err(error) = outcome {
                say(&format!("==> {} is left out: {error}", package.name));
            }
        }
        Ok(Self { python, all })
    }

    pub(crate) fn python(&self) -> &Path {
        &self.python
    }

    /// The names of those that are there.
    pub(crate) fn there(&self) -> impl Iterator<Item = &'static str> {
        let there = self.all.iter().filter(|(_, outcome)| outcome.is_ok());
        there.map(|(package, _)| package.name)
    }

    /// Each with its version, or with the reason why it is not here.
    pub(crate) fn versions(&self) -> impl Iterator<Item = (String, String)> {
        self.all.iter().map(|(package, outcome)| {
            let version = match outcome {
                Ok(()) => package.pinned.join(", "),
                Err(error) => format!("left out: {}", error.lines().next().unwrap_or_default()),
            };
            (package.name.to_owned(), version)
        })
    }
}

/// Installs a package unless that has been done; a wheel or nothing, for who has a compiler?
fn install(package: Package, folder: &Path, python: &Path) -> Outcome {
    let wanted = package.pinned.join("\n");
    let stamp = folder.join(format!("{}.txt", package.name));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let mut pip = python::pip_install(python);
    pip.arg("--only-binary=:all:").args(package.pinned);
    step(&format!("fetch {}", package.name), pip)?;
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
}
