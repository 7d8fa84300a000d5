//! Proves the payload policy: Python sends honest, malicious and mangled pickles, and compares.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr)]
use std::fmt::Write as _;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use piecework_wire::{Payload, Policy};

/// Versions of Python, from old to new, whose numpy is asked too: one before and one after numpy 2
/// gave its modules other names.
const NUMPY_VERSIONS: [&str; 2] = ["3.8", "3.13"];

/// Each interpreter, one after the other: what fails is told on stderr, with the pickle's bytes.
#[test]
fn what_python_would_import_is_seen_and_judged() {
    let failed: Vec<_> = pythons().into_iter().filter(|python| !prove(python)).collect();
    assert!(failed.is_empty(), "the proof failed under {failed:?}");
}

/// The same, where numpy can be had: its arrays pass, and what only looks like them does not.
#[test]
fn arrays_of_numpy_pass_and_forged_ones_do_not() {
    let pythons = pythons();
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
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy_proof.py");
    let mut child = Command::new(python)
        .arg(script)
        .env("PYTHONHASHSEED", "0") // sets are pickled in the same order each time
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", python.display()));
    let mut answers = child.stdin.take().unwrap();
    let mut pickles = BufReader::new(child.stdout.take().unwrap());
    let policy = Policy::data();
    while let Some(pickle) = read_part(&mut pickles) {
        let (told, lifted) = judge(&policy, &pickle);
        for part in [told.as_bytes(), &lifted] {
            let len = u32::try_from(part.len()).unwrap();
            answers.write_all(&len.to_be_bytes()).unwrap();
            answers.write_all(part).unwrap();
        }
    }
    child.wait().unwrap().success()
}

/// A verdict, whether all imports could be told, and the imports; then what a reader would get.
fn judge(policy: &Policy, pickle: &[u8]) -> (String, Vec<u8>) {
    let payload = match Payload::from_pickle(pickle) {
        Ok(payload) => payload,
        Err(error) => return (format!("unreadable: {error}\nunseen\n"), Vec::new()),
    };
    let mut told = match policy.check(&payload) {
        Ok(()) => "allowed\n".to_owned(),
        Err(refused) => format!("refused: {refused}\n"),
    };
    let mut imports = String::new();
    let seen = Policy::imports(&payload, |import| {
        let ((module, name), (found_module, found_name)) = (import.asked, import.found);
        writeln!(imports, "{module}\t{name}\t{found_module}\t{found_name}").unwrap();
    });
    told += if seen.is_ok() { "seen\n" } else { "unseen\n" };
    (told + &imports, payload.to_pickle())
}

fn read_part(from: &mut impl Read) -> Option<Vec<u8>> {
    let mut len = [0; 4];
    from.read_exact(&mut len).ok()?;
    let mut part = vec![0; usize::try_from(u32::from_be_bytes(len)).unwrap()];
    from.read_exact(&mut part).unwrap();
    Some(part)
}

/// `PIECEWORK_PYTHONS`, paths with `:` between them; else `python3` and all that pyenv has.
fn pythons() -> Vec<PathBuf> {
    if let Ok(listed) = std::env::var("PIECEWORK_PYTHONS") {
        return std::env::split_paths(&listed).collect();
    }
    let mut found = vec![PathBuf::from("python3")];
    let root = std::env::var("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|_| std::env::var("HOME").map(|home| Path::new(&home).join(".pyenv")));
    let versions = root.ok().and_then(|root| std::fs::read_dir(root.join("versions")).ok());
    for version in versions.into_iter().flatten() {
        let path = version.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("2.") {
            continue; // Python 2 has other messages
        }
        found.push(path.join("bin/python"));
    }
    found.sort();
    found
}
