//! A database of each released schema, which must open for ever: `fixtures/v1` holds what the
//! conformance suite's story came to when version 1 was current, and so on.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

use piecework_engine::{Disk, Engine, SyncPolicy};
use piecework_state::{Item, Limits, Order, QueueOptions, Record, Replay, Standing};
use std::fs;
use std::path::Path;

const DATABASE: &str = "piecework.db";

/// Everything in `fixtures/VERSION`, as records' bytes.
const KEPT: &str = "kept";

fn fixture(version: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(version)
}

/// Opens the database of a version; what is in it is what was kept then.
fn open(version: &str) -> Vec<Record> {
    let fixture = fixture(version);
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture.join(DATABASE), folder.path().join(DATABASE)).unwrap();
    let mut engine = Disk::open(folder.path(), SyncPolicy::Never).unwrap();
    let mut replay = Replay::default();
    engine.load(&mut |record| replay.add(record).unwrap()).unwrap();
    let expected = Record::decode(fs::read(fixture.join(KEPT)).unwrap().into()).unwrap();
    let state = replay.into_state(1, Limits::default());
    state.check();
    assert_eq!(state.kept(), expected);
    expected
}

/// Whether there is an item that stands so.
fn has(kept: &[Record], of: impl Fn(&Item, Standing) -> bool) -> bool {
    kept.iter().any(|record| match record {
        Record::Item { item, standing, .. } => of(item, *standing),
        _ => false,
    })
}

/// What a fixture of any version must have to be worth something.
fn has_all_standings(kept: &[Record]) {
    let was_tried = |item: &Item| !item.history().is_empty() || item.stop;
    let delayed = |standing| matches!(standing, Standing::Delayed(_));
    assert!(has(kept, |item, stands| delayed(stands) && was_tried(item)), "no item is delayed");
    assert!(has(kept, |item, stands| stands == Standing::Dead && was_tried(item)), "none is dead");
    assert!(has(kept, |item, stands| stands == Standing::Ready && was_tried(item)), "none failed");
}

#[test]
fn a_database_of_version_1_opens_for_ever() {
    has_all_standings(&open("v1"));
}

#[test]
fn a_database_of_version_2_opens_for_ever() {
    let kept = open("v2");
    has_all_standings(&kept);
    let named = |item: &Item| item.history().iter().any(|attempt| !attempt.name.is_empty());
    assert!(has(&kept, |item, _| named(item)), "no attempt has a name");
    let rare = |item: &Item| item.rare.clone().unwrap_or_default();
    assert!(has(&kept, |item, _| !rare(item).order.is_empty()), "no item is ordered by its value");
    let again = |item: &Item| item.ready_at() > item.put_at;
    assert!(has(&kept, |item, _| again(item)), "no item became ready again");
    let options = |of: fn(&QueueOptions) -> bool| {
        kept.iter().any(|record| matches!(record, Record::Queue { options, .. } if of(options)))
    };
    assert!(options(|options| options.order == Order::Priority), "no queue goes by priority");
    assert!(options(|options| options.expire.is_some()), "no queue's items expire");
    assert!(options(|options| options.maxbytes > 0), "no queue is bounded in bytes");
    assert!(kept.iter().any(|record| matches!(record, Record::Key { .. })), "no key is remembered");
}

/// Writes the fixture of the schema that is current: once, when it is released.
#[test]
#[ignore = "writes a fixture"]
fn write_fixture() {
    let fixture = fixture("v2");
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
