//! What looks after a database from outside, while a manager uses it: back-up and check.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

use piecework_engine::conformance;
use piecework_engine::{Checked, DATABASE, Disk, Engine, EngineError, SyncPolicy, backup, check};
use piecework_state::{
    Item, ItemId, Limits, Place, QueueId, QueueOptions, Record, Replay, Standing, Time,
};
use std::cell::Cell;
use std::fs;
use std::path::Path;

const QUEUE: QueueId = QueueId(1);

/// A manager's folder, and the engine that has it.
fn site() -> (tempfile::TempDir, Disk) {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Disk::open(folder.path(), SyncPolicy::Never).unwrap();
    let options = QueueOptions::default();
    let made = Record::Queue { queue: QUEUE, name: "task".into(), options };
    engine.commit(&[made]).unwrap();
    (folder, engine)
}

/// A batch that puts one item of this many bytes.
fn put(id: u64, bytes: usize, standing: Standing) -> [Record; 1] {
    let item = Item {
        id: ItemId(id),
        place: Place(id),
        payload: vec![7; bytes].into(),
        stop: false,
        put_at: Time::from_secs(1),
        attempts: 0,
        reply_to: None,
        rare: None,
    };
    [Record::Item { queue: QUEUE, item, standing }]
}

/// What a manager would start with.
fn kept(folder: &Path) -> Vec<Record> {
    let mut engine = Disk::open(folder, SyncPolicy::Never).unwrap();
    let mut replay = Replay::default();
    engine.load(&mut |record| replay.add(record).unwrap()).unwrap();
    replay.into_state(1, Limits::default()).kept()
}

fn checked(folder: &Path) -> Checked {
    check(&folder.join(DATABASE)).unwrap()
}

/// Commits go on between the steps of the copying, which must neither see them nor begin anew.
#[test]
fn a_back_up_holds_what_was_there_when_it_began() {
    let (folder, mut engine) = site();
    let items = 2..502;
    for id in items.clone() {
        engine.commit(&put(id, 5_000, Standing::Ready)).unwrap();
        if id == 450 {
            engine.fold().unwrap(); // and the others are in the journal
        }
    }
    let restored = tempfile::tempdir().unwrap();
    let (engine, next) = (Cell::new(Some(engine)), Cell::new(items.end));
    let commit_more = || {
        let mut of_manager = engine.take().unwrap();
        of_manager.commit(&put(next.get(), 5_000, Standing::Ready)).unwrap();
        of_manager.commit(&[Record::Acked(QUEUE, ItemId(next.get() - 500))]).unwrap();
        next.set(next.get() + 1);
        engine.set(Some(of_manager));
        true
    };
    assert!(backup(folder.path(), &restored.path().join(DATABASE), commit_more).unwrap());
    assert!(next.get() > items.end + 2, "the copy was made in several steps");
    let header = fs::read(restored.path().join(DATABASE)).unwrap();
    assert_eq!(header[18..20], [1, 1], "the copy has no log to be written to or read from");
    let files = fs::read_dir(restored.path()).unwrap().count();
    assert_eq!(files, 1, "the copy needs no other file");
    assert_eq!(checked(restored.path()).problems, [""; 0]);
    let ids: Vec<_> = kept(restored.path())
        .iter()
        .filter_map(|record| match record {
            Record::Item { item, .. } => Some(item.id.0),
            _ => None,
        })
        .collect();
    assert_eq!(ids, items.collect::<Vec<_>>());
}

#[test]
fn a_back_up_that_is_told_to_stop_does() {
    let (folder, _engine) = site();
    let to = tempfile::tempdir().unwrap();
    assert!(!backup(folder.path(), &to.path().join("copy"), || false).unwrap());
}

#[test]
fn a_check_counts_what_is_there_while_a_manager_runs() {
    let (folder, mut engine) = site();
    engine.commit(&put(2, 100, Standing::Ready)).unwrap();
    engine.commit(&put(3, 10_000, Standing::Dead)).unwrap();
    engine.commit(&put(4, 1, Standing::Delayed(Time::from_secs(9)))).unwrap();
    let checked = checked(folder.path());
    assert_eq!(checked.problems, [""; 0]);
    assert!(checked.log_bytes > 10_000 && !checked.is_earlier, "{checked:?}");
    let [count] = &checked.queues[..] else { panic!("{checked:?}") };
    assert_eq!((count.ready, count.delayed, count.dead, count.bytes), (1, 1, 1, 10_101));
    assert_eq!(count.name, "task");
}

#[test]
fn a_check_finds_nothing_wrong_with_what_an_engine_has_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Disk::open(folder.path(), SyncPolicy::Never).unwrap();
    for (step, batches, _) in conformance::story() {
        batches.iter().for_each(|batch| engine.commit(batch).unwrap());
        assert_eq!(checked(folder.path()).problems, [""; 0], "after '{step}'");
    }
}

#[test]
fn a_check_finds_rows_that_make_no_sense() {
    let (folder, engine) = site();
    drop(engine);
    let tables = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
    let wrong = "INSERT INTO payloads VALUES (77, x'00');
        INSERT INTO items SELECT 5, 99, 5, 'ready', NULL, 0, 1, 0, x'00', NULL, NULL";
    tables.execute_batch(wrong).unwrap();
    let problems = checked(folder.path()).problems;
    let expected = ["queue 99, which no earlier one has made", "1 rows of table payloads"];
    assert!(
        problems.len() == 2 && problems.iter().zip(expected).all(|(is, of)| is.contains(of)),
        "{problems:?}"
    );
}

#[test]
fn a_check_finds_pages_that_were_overwritten() {
    let (folder, mut engine) = site();
    (2..200).for_each(|id| engine.commit(&put(id, 500, Standing::Ready)).unwrap());
    drop(engine);
    let path = folder.path().join(DATABASE);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 5_000].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    assert_ne!(checked(folder.path()).problems, [""; 0]);
    fs::write(&path, [0xA5; 5_000]).unwrap();
    let refused = check(&path).unwrap_err();
    assert!(matches!(refused, EngineError::Damaged { .. }), "{refused}");
}

#[test]
fn a_check_counts_what_the_journal_says_of_what_is_in_the_tables() {
    let (folder, engine) = site();
    let mut engine = engine.folding_after(std::time::Duration::MAX);
    (2..6).for_each(|id| engine.commit(&put(id, 10, Standing::Ready)).unwrap());
    engine.fold().unwrap();
    engine.commit(&[Record::Acked(QUEUE, ItemId(2))]).unwrap();
    let count = |folder| checked(folder).queues[0].ready;
    assert_eq!(count(folder.path()), 3);
    engine.commit(&[Record::Purged { queue: QUEUE, spared: vec![ItemId(4)] }]).unwrap();
    assert_eq!(count(folder.path()), 1);
    let (key, until) = ("once".into(), Time::from_secs(9));
    engine.commit(&[Record::Key { queue: QUEUE, key, until }]).unwrap();
    engine.commit(&put(7, 10, Standing::Ready)).unwrap();
    let checked = checked(folder.path());
    assert_eq!((checked.queues[0].ready, checked.queues[0].bytes), (2, 20));
    assert!(checked.journal_bytes > 100 && checked.problems.is_empty(), "{checked:?}");
}

#[test]
fn a_check_finds_a_gap_in_the_journal() {
    let (folder, engine) = site();
    let mut engine = engine.folding_after(std::time::Duration::MAX);
    (2..6).for_each(|id| engine.commit(&put(id, 500, Standing::Ready)).unwrap());
    let killed = tempfile::tempdir().unwrap();
    let keep = |file| fs::copy(folder.path().join(file), killed.path().join(file)).unwrap();
    // As they are before they are folded; the batches in the middle are damaged.
    let _ = [DATABASE, "piecework.db-wal", "journal-a", "journal-b"].map(keep);
    for file in ["journal-a", "journal-b"] {
        let mut bytes = fs::read(killed.path().join(file)).unwrap();
        bytes[1_000] ^= 1;
        fs::write(killed.path().join(file), bytes).unwrap();
    }
    // The other file is begun.
    engine.fold().unwrap();
    let written = |file| fs::read(folder.path().join(file)).unwrap()[1_000] != 0;
    let other = if written("journal-a") { "journal-b" } else { "journal-a" };
    engine.commit(&put(7, 500, Standing::Ready)).unwrap();
    keep(other);
    let problems = checked(killed.path()).problems;
    assert!(problems.len() == 1 && problems[0].contains("batches of the journal"), "{problems:?}");
}

/// Nothing is kept in the pages that are free, so only a look at each page finds this.
#[test]
fn a_check_finds_a_free_page_that_was_overwritten() {
    let (folder, mut engine) = site();
    (2..200).for_each(|id| engine.commit(&put(id, 500, Standing::Ready)).unwrap());
    engine.fold().unwrap();
    (2..200).for_each(|id| engine.commit(&[Record::Acked(QUEUE, ItemId(id))]).unwrap());
    drop(engine);
    assert!(checked(folder.path()).bytes_free > 50_000);
    let path = folder.path().join(DATABASE);
    let mut bytes = fs::read(&path).unwrap();
    let first_free = u32::from_be_bytes(bytes[32..36].try_into().unwrap()) as usize;
    bytes[(first_free - 1) * 4_096..][..4_096].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let problems = checked(folder.path()).problems;
    assert!(problems[0].contains("freelist"), "{problems:?}");
}

#[test]
fn tables_of_an_earlier_version_are_checked_and_not_read() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1");
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture.join(DATABASE), folder.path().join(DATABASE)).unwrap();
    let checked = checked(folder.path());
    assert!(checked.is_earlier && checked.version == 1 && checked.queues.is_empty());
    assert_eq!(checked.problems, [""; 0]);
}

/// A manager would make its tables in it, and start without a word of what was lost.
#[test]
fn a_check_says_of_an_empty_file_that_it_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(DATABASE), "").unwrap();
    let problems = checked(folder.path()).problems;
    assert!(problems.len() == 1 && problems[0].starts_with("it is empty"), "{problems:?}");
}

#[test]
fn where_there_is_no_database_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let missing = check(&folder.path().join(DATABASE)).unwrap_err();
    assert!(matches!(missing, EngineError::Missing { .. }), "{missing}");
    let missing = backup(folder.path(), &folder.path().join("copy"), || true).unwrap_err();
    assert!(matches!(missing, EngineError::Missing { .. }), "{missing}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
