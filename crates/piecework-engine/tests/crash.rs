//! The machine stops at any moment: the files as they stand after each commit and each folding,
//! and with what was written last torn anywhere, are opened again. What is found is what was
//! committed before, all of it and nothing else, and the manager can go on from there.
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
use std::time::Duration;
use tempfile::TempDir;

const DATABASE: usize = 0;
const LOG: usize = 1;
const JOURNAL: usize = 2;
const FILES: [&str; 4] = ["piecework.db", "piecework.db-wal", "journal-a", "journal-b"];

/// A sector: what a disk writes whole or not at all. What is not synced may be torn anywhere.
const SECTOR: usize = 512;

/// A tear at each so many bytes of what a commit wrote.
const TEAR: usize = 90;

/// Every so many torn images, the manager goes on from what it found.
const GOES_ON_EVERY: usize = 10;

/// The files of a data directory at one moment.
#[derive(Clone)]
struct Image([Vec<u8>; 4]);

impl Image {
    fn take(folder: &Path) -> Self {
        Self(FILES.map(|file| fs::read(folder.join(file)).unwrap_or_default()))
    }

    fn open(&self, folder: &TempDir) -> Disk {
        for (file, bytes) in FILES.iter().zip(&self.0) {
            fs::write(folder.path().join(file), bytes).unwrap();
        }
        open(folder)
    }

    /// Which bytes of a file were written since `earlier`.
    fn written_since(&self, earlier: &Self, file: usize) -> Range<usize> {
        let (is, was) = (&self.0[file], &earlier.0[file]);
        if is == was {
            return 0..0;
        }
        let changed = |at: &usize| is.get(*at) != was.get(*at);
        let mut all = 0..is.len();
        let first = all.find(changed).unwrap_or(was.len());
        first..all.rfind(changed).unwrap_or(first) + 1
    }

    /// A file as it is up to `at`, and from there on as it was.
    fn torn(&self, earlier: &Self, file: usize, at: usize) -> Self {
        let mut torn = self.clone();
        torn.0[file].truncate(at);
        torn.0[file].extend_from_slice(earlier.0[file].get(at..).unwrap_or_default());
        torn
    }

    /// Files as they were: what was written to them was not synced.
    fn with(&self, earlier: &Self, files: Range<usize>) -> Self {
        let mut mixed = self.clone();
        mixed.0[files.clone()].clone_from_slice(&earlier.0[files]);
        mixed
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

/// An engine that folds when it is told to, and at its end.
fn open(folder: &TempDir) -> Disk {
    Disk::open(folder.path(), SyncPolicy::Never).unwrap().folding_after(Duration::MAX)
}

/// What there is to find.
fn kept(engine: &mut Disk) -> Vec<Record> {
    let mut replay = Replay::default();
    engine.load(&mut |record| replay.add(record).unwrap()).unwrap();
    let state = replay.into_state(1, Limits::default());
    state.check();
    state.kept()
}

/// A batch of the story with what is kept before and after it.
struct Step {
    batch: Vec<Record>,
    before: Vec<Record>,
    after: Vec<Record>,
}

fn steps() -> Vec<Step> {
    let mut replay = Replay::default();
    let mut kept = Vec::new();
    let mut all = Vec::new();
    for batch in conformance::story().flat_map(|(_, batches, _)| batches) {
        batch.iter().for_each(|record| replay.add(record.clone()).unwrap());
        let after = replay.clone().into_state(1, Limits::default()).kept();
        all.push(Step { batch, before: kept, after: after.clone() });
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
    let image = Image::take(folder.path());
    drop(engine);
    assert_eq!(kept(&mut open(&folder)), then, "{when}, going on");
    assert_eq!(kept(&mut image.open(&self::folder())), then, "{when}, going on and killed");
}

fn finds(image: &Image, found: &[Record], when: &str) {
    assert_eq!(kept(&mut image.open(&folder())), found, "{when}");
}

#[test]
fn nothing_committed_is_lost_wherever_the_journal_is_torn() {
    let live = folder();
    let mut engine = open(&live);
    let mut torn = 0;
    for (at, Step { batch, before, after }) in steps().into_iter().enumerate() {
        if at % 7 == 6 {
            engine.fold().unwrap();
        }
        let earlier = Image::take(live.path());
        engine.commit(&batch).unwrap();
        let image = Image::take(live.path());
        assert!(image.0[..JOURNAL] == earlier.0[..JOURNAL], "a commit writes the journal only");
        survives(&image, &after, &[], &after, &format!("batch {at}"));
        for file in JOURNAL..FILES.len() {
            for tear in image.written_since(&earlier, file).step_by(TEAR) {
                let when = format!("batch {at} torn at byte {tear}");
                let image = image.torn(&earlier, file, tear);
                match torn % GOES_ON_EVERY {
                    0 => survives(&image, &before, &batch, &after, &when),
                    _ => finds(&image, &before, &when),
                }
                torn += 1;
            }
        }
    }
    assert!(torn > 150, "only {torn} images were torn");
}

/// Writes the log back into the database, as the engine does when the log is long; the next folding
/// begins the log anew.
fn write_back(folder: &Path) {
    let tables = rusqlite::Connection::open(folder.join(FILES[DATABASE])).unwrap();
    let left: i64 = tables
        .query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| {
            Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)
        })
        .unwrap();
    assert_eq!(left, 0, "all of the log was written back");
}

/// Goes through the story, and tears what each folding wrote. What is committed is in the journal
/// still, so it is all there, also what was committed meanwhile.
fn fold_and_crash(write_back_every: usize) {
    let live = folder();
    let mut engine = open(&live);
    let (mut before_fold, mut torn) = (Image::take(live.path()), 0);
    for (at, Step { batch, after, .. }) in steps().into_iter().enumerate() {
        engine.commit(&batch).unwrap();
        let image = Image::take(live.path());
        let when = format!("batch {at} after a folding that was not synced");
        finds(&image.with(&before_fold, DATABASE..JOURNAL), &after, &when);
        if at % 3 != 2 {
            continue;
        }
        if at % write_back_every == write_back_every - 1 {
            write_back(live.path());
        }
        before_fold = Image::take(live.path());
        engine.fold().unwrap();
        let image = Image::take(live.path());
        assert!(image.0[JOURNAL..] == before_fold.0[JOURNAL..], "folding leaves the journal alone");
        for tear in image.written_since(&before_fold, LOG).step_by(SECTOR) {
            let when = format!("folding after batch {at} torn at byte {tear}");
            finds(&image.torn(&before_fold, LOG, tear), &after, &when);
            torn += 1;
        }
    }
    assert!(torn > 300, "only {torn} images were torn");
}

#[test]
fn nothing_committed_is_lost_wherever_a_folding_is_torn() {
    fold_and_crash(usize::MAX);
}

#[test]
fn nothing_committed_is_lost_wherever_a_folding_is_torn_whose_log_began_anew() {
    fold_and_crash(6);
}

#[test]
fn nothing_committed_is_lost_wherever_a_start_is_torn() {
    let live = folder();
    let mut engine = open(&live);
    for (at, Step { batch, after, .. }) in steps().into_iter().enumerate() {
        engine.commit(&batch).unwrap();
        if at % 20 != 19 {
            continue;
        }
        let killed = Image::take(live.path());
        let again = folder();
        let _engine = killed.open(&again);
        let started = Image::take(again.path());
        // The journal is begun anew after the tables have what was in it.
        let early = started.with(&killed, JOURNAL..FILES.len());
        finds(&early, &after, "before the journal is begun anew");
        for tear in early.written_since(&killed, LOG).step_by(SECTOR) {
            let when = format!("start after batch {at} torn at byte {tear}");
            finds(&early.torn(&killed, LOG, tear), &after, &when);
        }
    }
}

#[test]
fn a_journal_that_is_cut_off_anywhere_ends_with_a_whole_batch() {
    let live = folder();
    let mut engine = open(&live);
    let mut states = vec![Vec::new()];
    let empty = Image::take(live.path());
    for Step { batch, after, .. } in steps().into_iter().take(30) {
        engine.commit(&batch).unwrap();
        states.push(after);
    }
    let image = Image::take(live.path());
    let (mut last, mut seen) = (0, 0);
    for at in (0..image.written_since(&empty, JOURNAL).end + TEAR).step_by(TEAR) {
        let mut cut = image.clone();
        cut.0[JOURNAL].truncate(at);
        let found = kept(&mut cut.open(&folder()));
        let state = states.iter().rposition(|state| *state == found).expect("between two batches");
        assert!(state >= last, "more of the journal is not less of the story");
        seen += usize::from(state > last);
        last = state;
    }
    assert!(seen > 10 && last == states.len() - 1, "{seen} states were seen, the last is {last}");
}
