//! Python for the tasks: a recent interpreter of this machine, and an environment made from it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::step::{Outcome, answers, command, root, run as step, target_dir};

/// The oldest Python 3 that the test runner itself works with; the tests run older ones too.
const RUNNER_MINOR_MIN: u32 = 9;
/// The newest Python 3 that is looked for under its own name, where `python3` is too old.
const RUNNER_MINOR_MAX: u32 = 15;
/// What the interop tests need, each with its version.
const REQUIREMENTS: &str = "tests/interop/requirements.txt";

/// The first Python of this machine that can run the test runner.
pub(crate) fn recent() -> Outcome<String> {
    let plain = ["python3".to_owned(), "python".to_owned()];
    let named = (RUNNER_MINOR_MIN..=RUNNER_MINOR_MAX).rev().map(|minor| format!("python3.{minor}"));
    let wanted = format!("import sys; sys.exit(sys.version_info < (3, {RUNNER_MINOR_MIN}))");
    let found = plain.into_iter().chain(named).find(|name| {
        let mut question = command(name);
        question.args(["-c", &wanted]);
        answers(question)
    });
    found.ok_or_else(|| {
        format!("no Python 3.{RUNNER_MINOR_MIN} or newer on PATH: install one as `python3`")
    })
}

/// The Python of an environment that has what [`REQUIREMENTS`] names, made anew when that changed.
pub(crate) fn environment() -> Outcome<PathBuf> {
    let list = root().join(REQUIREMENTS);
    let wanted = fs::read_to_string(&list).map_err(|error| format!("{REQUIREMENTS}: {error}"))?;
    let folder = target_dir()?.join("interop-venv");
    let python = python_of(&folder);
    let stamp = folder.join("requirements.txt");
    let mut question = command(&python);
    question.args(["-c", "import pytest"]);
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) && answers(question) {
        return Ok(python);
    }
    make(&folder)?;
    let mut install = pip_install(&python);
    install.arg("-r").arg(&list);
    step("install what the interop tests need", install).map_err(|error| {
        format!("{error}\n  pip needs the network, or PIP_INDEX_URL or PIP_FIND_LINKS set")
    })?;
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(python)
}

/// The Python of the environment at `folder`.
pub(crate) fn python_of(folder: &Path) -> PathBuf {
    folder.join(if cfg!(windows) { "Scripts" } else { "bin" }).join("python")
}

/// Installs into a Python's environment what is added to this command.
pub(crate) fn pip_install(python: &Path) -> Command {
    let mut pip = command(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip
}

/// Makes an empty environment at `folder`, in place of an older one.
pub(crate) fn make(folder: &Path) -> Outcome {
    let base = recent()?;
    let mut question = command(&base);
    question.args(["-c", "import venv, ensurepip"]);
    if !answers(question) {
        return Err(format!(
            "`{base}` comes without its venv module\n  Debian and Ubuntu: apt-get install \
             python3-venv\n  elsewhere: a Python from python.org, pyenv or uv has it"
        ));
    }
    let mut venv = command(&base);
    venv.args(["-m", "venv", "--clear"]).arg(folder);
    step("make the Python environment", venv)
}

/// The interpreters the tests are run under: `PIECEWORK_PYTHONS`, else `python3` and pyenv's.
pub(crate) fn interpreters() -> Vec<PathBuf> {
    if let Some(list) = env::var_os("PIECEWORK_PYTHONS") {
        return env::split_paths(&list).collect();
    }
    let pyenv = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".pyenv")));
    let versions = pyenv.and_then(|pyenv| fs::read_dir(pyenv.join("versions")).ok());
    let versions = versions.into_iter().flatten().flatten().map(|version| version.path());
    let mut found: Vec<_> = versions.map(|version| version.join("bin/python")).collect();
    found.sort();
    found.insert(0, PathBuf::from("python3"));
    found.retain(|python| {
        let mut question = command(python);
        question.args(["-c", "import sys; sys.exit(sys.version_info < (3, 6))"]);
        answers(question)
    });
    found
}
