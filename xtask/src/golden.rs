//! `cargo xtask golden`: captures the golden frames of the wire anew, once with each Python found.

use crate::python;
use crate::step::{Outcome, command, run as step};

const CAPTURE: &str = "crates/piecework-wire/tests/golden/capture.py";

pub(crate) fn run() -> Outcome {
    let interpreters = python::interpreters();
    if interpreters.is_empty() {
        return Err("no Python 3.6 or newer found: set PIECEWORK_PYTHONS, a list with `:`".into());
    }
    for python in interpreters {
        let mut capture = command(&python);
        capture.arg(CAPTURE);
        step(&format!("capture with {}", python.display()), capture)?;
    }
    Ok(())
}
