//! Proves the payload policy: Python sends honest, malicious and mangled pickles, and compares.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr)]
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use piecework_wire::Policy;

mod judge;
mod pythons;

/// Versions of Python, from old to new, whose numpy is asked too: one before and one after numpy 2
/// gave its modules other names.
const NUMPY_VERSIONS: [&str; 2] = ["3.8", "3.13"];

/// Each interpreter, one after the other: what fails is told on stderr, with the pickle's bytes.
#[test]
fn what_python_would_import_is_seen_and_judged() {
    let failed: Vec<_> = pythons::found().into_iter().filter(|python| !prove(python)).collect();
    assert!(failed.is_empty(), "the proof failed under {failed:?}");
}

/// The same, where numpy can be had: its arrays pass, and what only looks like them does not.
#[test]
fn arrays_of_numpy_pass_and_forged_ones_do_not() {
    let pythons = pythons::found();
    let mut proven = Vec::new();
    for version in NUMPY_VERSIONS {
        let named = |python: &&PathBuf| python.to_string_lossy().contains(&format!("/{version}."));
        let Some(python) = pythons.iter().find(named) else {
            eprintln!("Python {version} is not here: numpy is not tried there");
            continue;
        };
        match with_numpy(python, version) {
            Some(python) => {
                assert!(prove(&python), "the proof failed under {}", python.display());
                proven.push(version);
            }
            None => eprintln!("Python {version}: numpy cannot be installed, so it is not tried"),
        }
    }
    eprintln!("proven with numpy: {proven:?}");
}

/// A virtual environment with numpy, made where cargo keeps what tests make.
fn with_numpy(python: &Path, version: &str) -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("numpy-{version}"));
    let inside = place.join("bin/python");
    let imports_numpy = || {
        let mut command = Command::new(&inside);
        command.args(["-c", "import numpy, cloudpickle"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !imports_numpy() {
        let run = |command: &mut Command| command.status().is_ok_and(|status| status.success());
        run(Command::new(python).args(["-m", "venv"]).arg(&place));
        let pip = ["-m", "pip", "install", "--quiet", "numpy", "cloudpickle"];
        run(Command::new(&inside).args(pip));
    }
    imports_numpy().then_some(inside)
}

fn prove(python: &Path) -> bool {
    let mut script = pythons::script(python, "policy_proof.py");
    script.env("PYTHONHASHSEED", "0"); // sets are pickled in the same order each time
    script.env("TZ", "UTC");
    let policy = Policy::data();
    pythons::converse(script, |pickle| {
        let (told, lifted) = judge::judge(&policy, &pickle);
        pythons::parts(&[told.as_bytes(), &lifted])
    })
}
