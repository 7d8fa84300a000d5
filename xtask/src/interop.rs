//! `cargo xtask interop`: the built command against real Python interpreters, by pytest.

use std::path::PathBuf;

use crate::python;
use crate::step::{Outcome, cargo, command, run as step, target_dir};

pub(crate) fn run(pytest_arguments: &[&str]) -> Outcome {
    let python = python::environment()?;
    let program = build(Profile::Debug)?;
    let mut pytest = command(python);
    // pytest's notes on the last run would be litter in the tree.
    pytest.args(["-m", "pytest", "-p", "no:cacheprovider", "tests/interop"]);
    pytest.args(pytest_arguments).env("PIECEWORK_BIN", program);
    pytest.env("PYTHONDONTWRITEBYTECODE", "1");
    step("interop", pytest)
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
