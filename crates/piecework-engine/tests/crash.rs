//! The machine stops at any moment: the files as they stand after each commit, and with the last
//! transaction's part of the log torn at every 512 bytes, are opened again. What is found is what
//! was committed before, all of it and nothing else, and the manager can go on from there.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

use piecework_engine::{Disk, Engine, SyncPolicy, conformance};
use piecework_state::{Limits, Record, Replay};
use std::fs;
use std::ops::Range;
use std::path::Path;
use tempfile::TempDir;

const DATABASE: &str = "piecework.db";
const LOG: &str = "piecework.db-wal";

/// A sector: what a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Every so many torn images, the manager goes on from what it found.
const GOES_ON_EVERY: usize = 5;

/// The files of a data directory at one moment.
#[derive(Clone)]
struct Image {
    database: Vec<u8>,
    log: Vec<u8>,
}

impl Image {
    fn take(folder: &Path) -> Self {
        let read = |name| fs::read(folder.join(name)).unwrap();
        Self { database: read(DATABASE), log: read(LOG) }
    }

    fn open(&self, folder: &TempDir) -> Disk {
        fs::write(folder.path().join(DATABASE), &self.database).unwrap();
        fs::write(folder.path().join(LOG), &self.log).unwrap();
        Disk::open(folder.path(), SyncPolicy::Never).unwrap()
    }

    /// Which bytes of the log were written since `earlier`.
    fn written_since(&self, earlier: &Self) -> Range<usize> {
        let changed = |at: &usize| earlier.log.get(*at) != self.log.get(*at);
        let mut all = 0..self.log.len();
        all.find(changed).unwrap()..all.rfind(changed).unwrap() + 1
    }

    /// The log as it is up to `at`, and from there on as it was.
    fn torn(&self, earlier: &Self, at: usize) -> Self {
        let mut log = self.log[..at].to_vec();
        log.extend_from_slice(earlier.log.get(at..).unwrap_or_default());
        Self { database: self.database.clone(), log }
    }

    /// The log cut off.
    fn cut(&self, at: usize) -> Self {
        Self { database: self.database.clone(), log: self.log[..at].to_vec() }
    }
}

/// A folder in memory, where there is one: what is tried here is not the disk.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

/// What there is to find.
fn kept(engine: &mut Disk) -> Vec<Record> {
    let mut replay = Replay::default();
    engine.load(&mut |record| replay.add(record).unwrap()).unwrap();
    let state = replay.into_state(1, Limits::default());
    state.check();
    state.kept()
}

/// Each batch of the story with what is kept before and after it.
fn batches() -> Vec<(Vec<Record>, Vec<Record>, Vec<Record>)> {
    let mut replay = Replay::default();
    let mut kept = Vec::new();
    let mut all = Vec::new();
    for batch in conformance::story().flat_map(|(_, batches, _)| batches) {
        batch.iter().for_each(|record| replay.add(record.clone()).unwrap());
        let after = replay.clone().into_state(1, Limits::default()).kept();
        all.push((batch, kept, after.clone()));
        kept = after;
    }
    // The last chapter says the same a hundred times.
    all.truncate(all.len() - 190);
    all
}

/// An image is opened; what is found is `found`, and `next` can be committed after it.
fn survives(image: &Image, found: &[Record], next: &[Record], then: &[Record], when: &str) {
    let folder = folder();
    let mut engine = image.open(&folder);
    assert_eq!(kept(&mut engine), found, "{when}");
    engine.commit(next).unwrap();
    drop(engine);
    let mut engine = Disk::open(folder.path(), SyncPolicy::Never).unwrap();
    assert_eq!(kept(&mut engine), then, "{when}, going on");
}

/// Writes the log back into the database, as the engine does when the log is long; the next commit
/// begins the log anew.
fn write_back(folder: &Path) {
    let tables = rusqlite::Connection::open(folder.join(DATABASE)).unwrap();
    let left: i64 = tables
        .query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| {
            Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)
        })
        .unwrap();
    assert_eq!(left, 0, "all of the log was written back");
}

/// Goes through the story, and tears what each commit wrote.
fn crash_at_each_commit(write_back_every: usize) {
    let live = folder();
    let mut engine = Disk::open(live.path(), SyncPolicy::Never).unwrap();
    let mut torn = 0;
    for (at, (batch, before, after)) in batches().into_iter().enumerate() {
        if at % write_back_every == write_back_every - 1 {
            write_back(live.path());
        }
        let earlier = Image::take(live.path());
        engine.commit(&batch).unwrap();
        let image = Image::take(live.path());
        assert!(image.database == earlier.database, "a commit writes the log only");
        survives(&image, &after, &[], &after, &format!("batch {at}"));
        let written = image.written_since(&earlier);
        for tear in written.step_by(SECTOR) {
            let when = format!("batch {at} torn at byte {tear}");
            let image = image.torn(&earlier, tear);
            match torn % GOES_ON_EVERY {
                0 => survives(&image, &before, &batch, &after, &when),
                _ => assert_eq!(kept(&mut image.open(&folder())), before, "{when}"),
            }
            torn += 1;
        }
    }
    assert!(torn > 500, "only {torn} images were torn");
}

#[test]
fn nothing_committed_is_lost_wherever_the_log_is_torn() {
    crash_at_each_commit(usize::MAX);
}

#[test]
fn nothing_committed_is_lost_wherever_a_log_is_torn_that_began_anew() {
    crash_at_each_commit(5);
}

#[test]
fn a_log_that_is_cut_off_anywhere_ends_with_a_whole_batch() {
    let live = folder();
    let mut engine = Disk::open(live.path(), SyncPolicy::Never).unwrap();
    let mut states = vec![Vec::new()];
    for (batch, _, after) in batches().into_iter().take(30) {
        engine.commit(&batch).unwrap();
        states.push(after);
    }
    let image = Image::take(live.path());
    let (mut last, mut steps) = (0, 0);
    for at in (0..image.log.len()).step_by(7 * SECTOR + 100) {
        let folder = folder();
        // Before the tables are made there is a database without any.
        let found = kept(&mut image.cut(at).open(&folder));
        let state = states.iter().rposition(|state| *state == found).expect("between two batches");
        assert!(state >= last, "more of the log is not less of the story");
        steps += usize::from(state > last);
        last = state;
    }
    assert!(steps > 10, "{steps} states were seen");
}
