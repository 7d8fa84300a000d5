//! A database of each released schema, which must open for ever: `fixtures/v1` holds what the
//! conformance suite's story came to when version 1 was current, and so on. Since version 3 there
//! is a journal, and half of the story is in it, as a manager leaves it that is killed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

use piecework_engine::{Disk, Engine, SyncPolicy};
use piecework_state::{Item, Limits, Order, QueueOptions, Record, Replay, Standing};
use std::fs;
use std::path::Path;
use std::time::Duration;

const DATABASE: &str = "piecework.db";
const JOURNAL: &str = "journal-b";

/// Everything in `fixtures/VERSION`, as records' bytes.
const KEPT: &str = "kept";

fn fixture(version: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(version)
}

/// Opens the database of a version; what is in it is what was kept then.
fn open(version: &str) -> Vec<Record> {
    let fixture = fixture(version);
    let folder = tempfile::tempdir().unwrap();
    for file in [DATABASE, JOURNAL] {
        if fixture.join(file).exists() {
            fs::copy(fixture.join(file), folder.path().join(file)).unwrap();
        }
    }
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
    has_all(&open("v2"));
}

#[test]
fn a_database_of_version_3_opens_for_ever_with_its_journal() {
    has_all(&open("v3"));
    has_rows_and_a_journal("v3", "items");
}

#[test]
fn a_database_of_version_4_opens_for_ever_with_its_objects() {
    let kept = open("v4");
    has_all(&kept);
    ["items", "objects", "entries"].iter().for_each(|table| has_rows_and_a_journal("v4", table));
    let kinds = kept.iter().filter(|record| matches!(record, Record::Object { .. })).count();
    let rows = |record: &Record| match record {
        Record::Rows { rows, .. } => rows.len(),
        _ => 0,
    };
    let rows: usize = kept.iter().map(rows).sum();
    assert!(kinds >= 5 && rows >= 10, "{kinds} objects, {rows} rows");
}

fn has_rows_and_a_journal(version: &str, table: &str) {
    let copy = tempfile::NamedTempFile::new().unwrap();
    fs::copy(fixture(version).join(DATABASE), copy.path()).unwrap();
    let tables = rusqlite::Connection::open(copy.path()).unwrap();
    let count = format!("SELECT count(*) FROM {table}");
    let rows: u32 = tables.query_row(&count, (), |row| row.get(0)).unwrap();
    let journal = fs::metadata(fixture(version).join(JOURNAL)).unwrap().len();
    assert!(rows > 0 && journal > 1_000, "{rows} {table} in the tables, {journal} bytes beside");
}

/// What a fixture must have since version 2.
fn has_all(kept: &[Record]) {
    has_all_standings(kept);
    let named = |item: &Item| item.history().iter().any(|attempt| !attempt.name.is_empty());
    assert!(has(kept, |item, _| named(item)), "no attempt has a name");
    let rare = |item: &Item| item.rare.clone().unwrap_or_default();
    assert!(has(kept, |item, _| !rare(item).order.is_empty()), "no item is ordered by its value");
    let again = |item: &Item| item.ready_at() > item.put_at;
    assert!(has(kept, |item, _| again(item)), "no item became ready again");
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
    let fixture = fixture("v4");
    let folder = tempfile::tempdir().unwrap();
    let engine = Disk::open(folder.path(), SyncPolicy::Always).unwrap();
    let mut engine = engine.folding_after(Duration::MAX);
    let story: Vec<_> = piecework_engine::conformance::story().collect();
    for (at, (_, batches, _)) in story.iter().enumerate() {
        batches.iter().for_each(|batch| engine.commit(batch).unwrap());
        if at == story.len() / 2 {
            engine.fold().unwrap();
        }
    }
    let file = |name| folder.path().join(name);
    let tables = rusqlite::Connection::open(file(DATABASE)).unwrap();
    tables.query_row("PRAGMA wal_checkpoint(FULL)", (), |_| Ok(())).unwrap();
    fs::create_dir_all(&fixture).unwrap();
    fs::copy(file(DATABASE), fixture.join(DATABASE)).unwrap();
    let mut journal = fs::read(file(JOURNAL)).unwrap();
    let end = journal.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    journal.truncate(end);
    fs::write(fixture.join(JOURNAL), journal).unwrap();
    fs::write(fixture.join(KEPT), Record::encode(&story.last().unwrap().2)).unwrap();
}
