//! `cargo xtask interop`: the built command against real Python interpreters, by pytest.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;

use crate::python;
use crate::step::{Outcome, cargo, command, run as step, target_dir};

/// Runs all of them, most side by side; or, where words are told to pytest, what those say.
pub(crate) fn run(pytest_arguments: &[&str]) -> Outcome {
    let python = python::environment()?;
    let program = build(Profile::Debug)?;
    let pytest = |arguments: &[&str]| {
        let mut pytest = command(&python);
        pytest.args(["-m", "pytest", "tests/interop"]).args(arguments);
        pytest.env("PIECEWORK_BIN", &program).env("PYTHONDONTWRITEBYTECODE", "1");
        pytest
    };
    if !pytest_arguments.is_empty() {
        return step("interop", pytest(pytest_arguments));
    }
    // Most of them wait most of the time, so there may be more of them than cores.
    let cores = available_parallelism().map_or(1, NonZero::get);
    let side_by_side = (cores + 1).to_string();
    let beside = ["-n", &side_by_side, "--dist=worksteal", "-m", "not alone"];
    step("interop, side by side", pytest(&beside))?;
    step("interop, one by one", pytest(&["-m", "alone"]))
}

/// How the command is built: to be tested, or to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

/// Builds the command and says where it lies.
pub(crate) fn build(profile: Profile) -> Outcome<PathBuf> {
    let (name, folder) = match profile {
        Profile::Debug => ("--profile=dev", "debug"),
        Profile::Release => ("--profile=release", "release"),
    };
    step("build the command", cargo(&["build", "--package=piecework-cli", name]))?;
    let file = format!("piecework{}", std::env::consts::EXE_SUFFIX);
    Ok(target_dir()?.join(folder).join(file))
}
