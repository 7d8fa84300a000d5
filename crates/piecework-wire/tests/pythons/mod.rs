//! Finds the Python interpreters of this machine, and answers what a script under one asks.
#![allow(clippy::unwrap_used, clippy::print_stderr, dead_code, reason = "each test takes its part")]
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// `PIECEWORK_PYTHONS`, paths with `:` between them; else `python3` and all that pyenv has.
pub(crate) fn found() -> Vec<PathBuf> {
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
            eprintln!("{}: passed over, Python 2 has other messages", path.display());
            continue;
        }
        found.push(path.join("bin/python"));
    }
    found.sort();
    found
}

/// Lets `prove` run under each interpreter found, as many at a time as there are cores, and fails
/// if one of them does. What failed is told on stderr, by the script.
pub(crate) fn each_proves(prove: impl Fn(&Path) -> bool + Sync) {
    let pythons = Mutex::new(found().into_iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let next = || pythons.lock().unwrap().next();
                while let Some(python) = next() {
                    if !prove(&python) {
                        failed.lock().unwrap().push(python);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "the proof failed under {failed:?}");
}

/// A script of this folder, to be run by an interpreter.
pub(crate) fn script(python: &Path, name: &str) -> Command {
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Runs the script and answers each message, which is a length of four bytes and as many more,
/// until there are no more. Returns whether the script is content.
pub(crate) fn converse(mut script: Command, mut answer: impl FnMut(Vec<u8>) -> Vec<u8>) -> bool {
    let mut child = script
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{script:?} does not start: {error}"));
    let mut answers = child.stdin.take().unwrap();
    let mut messages = BufReader::new(child.stdout.take().unwrap());
    while let Some(message) = read_part(&mut messages) {
        answers.write_all(&answer(message)).unwrap();
    }
    child.wait().unwrap().success()
}

fn read_part(from: &mut impl Read) -> Option<Vec<u8>> {
    let mut len = [0; 4];
    from.read_exact(&mut len).ok()?;
    let mut part = vec![0; usize::try_from(u32::from_be_bytes(len)).unwrap()];
    from.read_exact(&mut part).unwrap();
    Some(part)
}

/// Parts of an answer in the same form as messages.
pub(crate) fn parts(parts: &[&[u8]]) -> Vec<u8> {
    let framed = |part: &&[u8]| {
        let len = u32::try_from(part.len()).unwrap();
        [&len.to_be_bytes(), *part].concat()
    };
    parts.iter().flat_map(framed).collect()
}
