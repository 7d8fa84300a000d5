//! The disk engine: the suite that every engine must pass, and what only it promises.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

use piecework_engine::conformance::{self, exercise};
use piecework_engine::{Disk, Engine, EngineError, SyncPolicy};
use piecework_state::{
    Item, ItemId, Limits, Place, QueueId, QueueOptions, Record, Replay, Standing, Time,
};
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

fn open(folder: &Path) -> Disk {
    Disk::open(folder, SyncPolicy::Never).unwrap()
}

fn kept(engine: &mut Disk) -> Vec<Record> {
    let mut replay = Replay::default();
    engine.load(&mut |record| replay.add(record).unwrap()).unwrap();
    replay.into_state(1, Limits::default()).kept()
}

/// Keeps the whole story of the suite; says what it comes to.
fn tell_all(engine: &mut Disk) -> Vec<Record> {
    let mut last = Vec::new();
    for (_, batches, kept) in conformance::story() {
        batches.iter().for_each(|batch| engine.commit(batch).unwrap());
        last = kept;
    }
    last
}

#[test]
fn the_disk_keeps_the_promises_of_an_engine_however_it_syncs() {
    let interval = SyncPolicy::Interval(Duration::from_millis(1));
    for sync in [SyncPolicy::Always, interval, SyncPolicy::Never] {
        let folder = tempfile::tempdir().unwrap();
        exercise(|| Box::new(Disk::open(folder.path(), sync).unwrap()));
    }
}

#[test]
fn a_folder_has_one_manager_and_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let second = Disk::open(folder.path(), SyncPolicy::Never).unwrap_err();
    let holder = format!("process {}", std::process::id());
    assert!(second.to_string().contains(&holder), "{second}");
    drop(first);
    open(folder.path());
}

/// A busy manager gets there in days.
#[test]
fn numbers_of_any_size_are_kept_and_found() {
    let folder = tempfile::tempdir().unwrap();
    let (queue, id) = (QueueId(1), 1 << 40);
    let options = QueueOptions::default();
    let item = Item {
        id: ItemId(id),
        place: Place(id),
        payload: vec![7; 100].into(),
        stop: false,
        reply_to: None,
        put_at: Time::from_secs(1),
        attempts: 0,
        rare: None,
    };
    let items = [item].into_iter().collect();
    let put = Record::Put { queue, items, due: None, acked: Default::default() };
    let made = Record::Queue { queue, name: "task".into(), options };
    open(folder.path()).commit(&[made, put]).unwrap();
    for resident in [0, 1_000] {
        let mut engine = open(folder.path()).loading_at_most(resident);
        let kept = kept(&mut engine);
        let Some(Record::Item { item, .. }) = kept.last() else { panic!("{kept:?}") };
        assert_eq!((item.id.0, item.payload.here().is_some()), (id, resident > 0));
    }
}

/// A defect, so only where it is met at all is it known what it does.
#[test]
fn a_batch_that_makes_no_sense_ends_the_engine_and_the_next_leaves_out_no_more_than_that() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = open(folder.path()).folding_after(Duration::MAX);
    let before = tell_all(&mut engine);
    engine.fold().unwrap();
    let Record::Queue { queue, .. } = before[0] else { panic!() };
    let good = some_item(&before);
    let mut senseless = put(queue, 900_000..900_001);
    senseless.extend(put(queue, 900_000..900_001)); // is there already
    let acked = [(queue, ItemId(1_000_000)), (queue, good)].into_iter().collect();
    senseless.push(Record::Put { queue, items: Default::default(), due: None, acked });
    engine.commit(&senseless).unwrap();
    let failed = engine.fold().unwrap_err();
    assert!(failed.to_string().contains("items.id"), "{failed}");
    let refused = engine.commit(&[Record::Acked(queue, good)]).unwrap_err();
    assert!(matches!(refused, EngineError::Poisoned(_)), "{refused}");
    drop(engine);
    let ids = |kept: &[Record]| -> Vec<u64> {
        kept.iter().flat_map(Record::items).map(|item| item.id.0).collect()
    };
    let mut expected = ids(&before);
    expected.retain(|id| *id != good.0);
    expected.push(900_000);
    expected.sort_unstable();
    let mut left = ids(&kept(&mut open(folder.path())));
    left.sort_unstable();
    assert_eq!(left, expected);
}

/// Makes the queues that the story begins with; gives back the first.
fn make_queues(engine: &mut Disk) -> QueueId {
    let (_, batches, _) = conformance::story().next().unwrap();
    batches.iter().for_each(|batch| engine.commit(batch).unwrap());
    let Record::Queue { queue, .. } = batches[0][0] else { panic!() };
    queue
}

fn some_item(kept: &[Record]) -> ItemId {
    let item = kept.iter().find_map(|record| match record {
        Record::Item { item, .. } => Some(item.id),
        _ => None,
    });
    item.unwrap()
}

#[test]
fn tables_of_a_later_version_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let tables = rusqlite::Connection::open(folder.path().join("piecework.db")).unwrap();
    tables.pragma_update(None, "user_version", 99).unwrap();
    drop(tables);
    let refused = Disk::open(folder.path(), SyncPolicy::Never).unwrap_err();
    assert!(matches!(refused, EngineError::Later { found: 99, known: 4, .. }), "{refused}");
}

#[test]
fn what_is_no_database_of_ours_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("piecework.db");
    fs::write(&path, "no database, but longer than a page's header: ".repeat(20)).unwrap();
    let refused = Disk::open(folder.path(), SyncPolicy::Never).unwrap_err();
    assert!(matches!(refused, EngineError::Damaged { .. }), "{refused}");
    fs::remove_file(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(other);
    let refused = Disk::open(folder.path(), SyncPolicy::Never).unwrap_err();
    assert!(matches!(refused, EngineError::Damaged { .. }), "{refused}");
}

#[test]
fn an_item_that_is_gone_leaves_no_row_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = open(folder.path());
    let left = tell_all(&mut engine);
    let acked: Vec<_> = left
        .iter()
        .filter_map(|record| match record {
            Record::Item { queue, item, .. } => Some(Record::Acked(*queue, item.id)),
            _ => None,
        })
        .collect();
    assert!(acked.len() > 5, "{acked:?}");
    engine.commit(&acked).unwrap();
    drop(engine);
    let tables = rusqlite::Connection::open(folder.path().join("piecework.db")).unwrap();
    for table in ["items", "payloads", "attempts"] {
        let count = format!("SELECT count(*) FROM {table}");
        let rows: i64 = tables.query_row(&count, (), |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "rows of {table}");
    }
}

#[test]
fn the_file_grows_with_what_lives_and_not_with_what_passed_through() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = open(folder.path());
    let queue = make_queues(&mut engine);
    for first in (1_000..21_000).step_by(100) {
        let ids = first..first + 100;
        engine.commit(&put(queue, ids.clone())).unwrap();
        let acked: Vec<_> = ids.map(|id| Record::Acked(queue, ItemId(id))).collect();
        engine.commit(&acked).unwrap();
    }
    drop(engine);
    let bytes = fs::metadata(folder.path().join("piecework.db")).unwrap().len();
    assert!(
        bytes < 300_000,
        "{bytes} bytes after 20,000 items of 1,000 bytes, none of which lives"
    );
}

#[test]
fn what_was_put_lately_is_found_before_it_is_in_the_tables_and_after() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = open(folder.path()).folding_after(Duration::MAX);
    let queue = make_queues(&mut engine);
    // More than both files of the journal hold, in batches of which one is too long for them.
    for first in (1_000..4_000).step_by(500) {
        let (short, long) = (first..first + 100, first + 100..first + 500);
        engine.commit(&put(queue, short)).unwrap();
        engine.commit(&put(queue, long)).unwrap();
        assert_eq!(engine.payload(ItemId(first)).unwrap().len(), 1_000);
    }
    engine.commit(&put(queue, 4_000..4_001)).unwrap();
    for id in 1_000..4_001 {
        assert_eq!(engine.payload(ItemId(id)).unwrap().len(), 1_000, "item {id}");
    }
    let missing = engine.payload(ItemId(4_001)).unwrap_err();
    assert!(matches!(missing, EngineError::NoPayload(4_001)), "{missing}");
}

#[test]
fn what_is_committed_comes_into_the_tables_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = open(folder.path()).folding_after(Duration::from_millis(1));
    let queue = make_queues(&mut engine);
    engine.commit(&put(queue, 1_000..1_001)).unwrap();
    let tables = rusqlite::Connection::open(folder.path().join("piecework.db")).unwrap();
    let rows = "SELECT count(*) FROM items WHERE id = 1000";
    let count = || tables.query_row(rows, (), |row| row.get::<_, i64>(0)).unwrap();
    while count() == 0 {
        std::thread::yield_now();
    }
}

/// Each batch has its place in the journal, and there are more of them than both files hold.
#[test]
fn what_fills_the_journal_over_and_over_is_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = open(folder.path()).folding_after(Duration::MAX);
    let queue = make_queues(&mut engine);
    let ids = 1_000..7_000_u64;
    for first in ids.clone().step_by(20) {
        engine.commit(&put(queue, first..first + 20)).unwrap();
        let acked = (first..first + 20).filter(|id| id % 3 == 0);
        engine
            .commit(&acked.map(|id| Record::Acked(queue, ItemId(id))).collect::<Vec<_>>())
            .unwrap();
    }
    let killed = tempfile::tempdir().unwrap();
    engine.fold().unwrap();
    engine.commit(&put(queue, 7_000..7_001)).unwrap();
    for file in ["piecework.db", "piecework.db-wal", "journal-a", "journal-b"] {
        fs::copy(folder.path().join(file), killed.path().join(file)).unwrap();
    }
    let left = kept(&mut open(killed.path()));
    let left = left.iter().flat_map(Record::items).map(|item| item.id.0);
    let expected = ids.filter(|id| id % 3 != 0).chain([7_000]);
    assert_eq!(left.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn a_batch_is_kept_at_once_where_nothing_is_synced_and_it_is_short() {
    for (sync, quick) in
        [(SyncPolicy::Always, false), (SyncPolicy::default(), true), (SyncPolicy::Never, true)]
    {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = Disk::open(folder.path(), sync).unwrap();
        assert_eq!(engine.is_quick(1_000), quick, "{sync:?}");
        assert!(!engine.is_quick(1_000_000), "{sync:?}");
    }
}

#[test]
fn nothing_is_left_of_the_journal_once_the_manager_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = open(folder.path());
    tell_all(&mut engine);
    assert!(folder.path().join("journal-a").exists());
    drop(engine);
    let left = fs::read_dir(folder.path()).unwrap();
    let mut left: Vec<_> = left.map(|file| file.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["lock", "piecework.db"]);
}

#[test]
fn a_journal_of_another_database_is_none() {
    let [ours, theirs] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    drop(open(ours.path()));
    let mut engine = open(theirs.path()).folding_after(Duration::MAX);
    tell_all(&mut engine);
    for file in ["journal-a", "journal-b"] {
        fs::copy(theirs.path().join(file), ours.path().join(file)).unwrap();
    }
    assert_eq!(kept(&mut open(ours.path())), []);
}

/// A batch of puts of 1,000 bytes each.
fn put(queue: QueueId, ids: Range<u64>) -> Vec<Record> {
    let item = |id| Item {
        id: ItemId(id),
        place: Place(id),
        payload: vec![7; 1_000].into(),
        stop: false,
        put_at: Time::from_secs(1),
        attempts: 0,
        rare: None,
        reply_to: None,
    };
    let standing = Standing::Ready;
    ids.map(|id| Record::Item { queue, item: item(id), standing }).collect()
}
