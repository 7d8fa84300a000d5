//! A database of each released schema, which must open for ever: `fixtures/v1` holds what the
//! conformance suite's story came to when version 1 was current.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use piecework_engine::{Disk, Engine, SyncPolicy};
use piecework_state::{Limits, Record, Replay, Standing};
use std::fs;
use std::path::Path;

const DATABASE: &str = "piecework.db";

/// Everything in `fixtures/VERSION`, as records' bytes.
const KEPT: &str = "kept";

fn fixture(version: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(version)
}

#[test]
fn a_database_of_version_1_opens_for_ever() {
    let fixture = fixture("v1");
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture.join(DATABASE), folder.path().join(DATABASE)).unwrap();
    let mut engine = Disk::open(folder.path(), SyncPolicy::Never).unwrap();
    let mut replay = Replay::default();
    engine.load().unwrap().into_iter().for_each(|record| replay.add(record).unwrap());
    let expected = Record::decode(fs::read(fixture.join(KEPT)).unwrap().into()).unwrap();
    let has = |of: fn(&Standing) -> bool| {
        let mut items = expected.iter().filter_map(|record| match record {
            Record::Item { item, standing, .. } => Some((item, standing)),
            _ => None,
        });
        items.any(|(item, standing)| of(standing) && (!item.history().is_empty() || item.stop))
    };
    assert!(has(|standing| matches!(standing, Standing::Delayed(_))), "no item is delayed");
    assert!(has(|standing| *standing == Standing::Dead), "no item is dead");
    assert!(has(|standing| *standing == Standing::Ready), "no item that failed is ready");
    assert_eq!(replay.into_state(1, Limits::default()).kept(), expected);
}

/// Writes the fixture of the schema that is current: once, when it is released.
#[test]
#[ignore = "writes a fixture"]
fn write_fixture() {
    let fixture = fixture("v1");
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Disk::open(folder.path(), SyncPolicy::Always).unwrap();
    let mut last = Vec::new();
    for (_, batches, kept) in piecework_engine::conformance::story() {
        batches.iter().for_each(|batch| engine.commit(batch).unwrap());
        last = kept;
    }
    drop(engine);
    fs::create_dir_all(&fixture).unwrap();
    fs::copy(folder.path().join(DATABASE), fixture.join(DATABASE)).unwrap();
    fs::write(fixture.join(KEPT), Record::encode(&last)).unwrap();
}
