//! Replays what the fuzzer once found, and what real interpreters said, through all checks.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]
use std::fs;
use std::path::{Path, PathBuf};

mod checks;

/// Every input that once failed a check, `fuzzed/TARGET/NAME`, and is mended.
#[test]
fn what_once_failed_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzzed");
    for (target, check) in checks::ALL {
        for input in files(&folder.join(target)) {
            eprintln!("{}", input.display());
            check(&fs::read(input).unwrap());
        }
    }
}

/// The checks hold for honest bytes, and so would not hide behind refusals.
#[test]
fn golden_frames_hold() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut count = 0;
    for version in fs::read_dir(golden).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(text) = fs::read_to_string(version.join("session.json")) else { continue };
        let session: serde_json::Value = serde_json::from_str(&text).unwrap();
        for message in session["messages"].as_array().unwrap() {
            let body = hex::decode(message[2].as_str().unwrap()).unwrap();
            checks::ALL.iter().for_each(|(_, check)| check(&body));
            count += 1;
        }
    }
    assert!(count > 100, "only {count} frames");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}
