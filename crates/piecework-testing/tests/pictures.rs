//! The pictures of the documentation can be drawn, and show what they are for.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::fs;
use std::time::Duration;

#[test]
fn pictures_show_progress_failures_and_the_summary() {
    let folder = tempfile::tempdir().unwrap();
    let files = piecework_testing::draw(folder.path(), Duration::ZERO).unwrap();
    let wanted = [
        ("map-progress.svg", &["alder.jpg: 160 x 120", "13 of 20 done, 1 failed", "█", "░"][..]),
        ("map-summary.svg", &["exit code 3", "not a JPEG file", "18 ok, 2 failed"]),
    ];
    assert_eq!(files.len(), wanted.len());
    for (file, (name, texts)) in files.iter().zip(wanted) {
        assert!(file.ends_with(name), "{}", file.display());
        let picture = fs::read_to_string(file).unwrap();
        for text in texts {
            assert!(picture.contains(text), "{text} in {picture}");
        }
    }
}
