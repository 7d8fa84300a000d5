//! Puts, and puts with their acks, per second, by size of batch and by when they are synced.
//!
//! `cargo bench -p piecework-engine`: each line is the best of three rounds in one thread, in a
//! folder of the system's own for temporary files (`TMPDIR` chooses another disk). Then: how long
//! a million live items take to open.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use piecework_engine::{Disk, Engine, SyncPolicy};
use piecework_state::{Item, ItemId, Loading, Place, QueueId, QueueOptions, Record, State, Time};
use std::time::{Duration, Instant};

const QUEUE: QueueId = QueueId(1);

/// How long a round lasts.
const ROUND: Duration = Duration::from_millis(500);

/// Live items whose opening is measured.
const LIVE: u64 = 1_000_000;

fn main() {
    let policies = [
        ("always", SyncPolicy::Always),
        ("interval:100ms", SyncPolicy::default()),
        ("never", SyncPolicy::Never),
    ];
    println!("{:>16} {:>6} {:>12} {:>18}", "sync", "batch", "puts/s", "puts with acks/s");
    for (name, sync) in policies {
        for batch in [1, 16, 64, 1_000] {
            let puts = best(sync, batch, false);
            let cycles = best(sync, batch, true);
            println!("{name:>16} {batch:>6} {puts:>12.0} {cycles:>18.0}");
        }
    }
    open_many();
}

/// The best rate of three rounds.
fn best(sync: SyncPolicy, batch: u64, acks: bool) -> f64 {
    (0..3).map(|_| round(sync, batch, acks)).fold(0.0, f64::max)
}

/// Items per second in batches of so many; with `acks`, each is acked in the batch after its own.
fn round(sync: SyncPolicy, batch: u64, acks: bool) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Disk::open(folder.path(), sync).unwrap();
    engine.commit(&[queue()]).unwrap();
    let (mut next, began) = (2, Instant::now());
    while began.elapsed() < ROUND {
        let mut records: Vec<_> = (next..next + batch).map(put).collect();
        if acks && next > batch {
            let earlier = (next - batch..next).map(ItemId);
            records.extend(earlier.filter(|id| id.0 > 1).map(|id| Record::Acked(QUEUE, id)));
        }
        engine.commit(&records).unwrap();
        next += batch;
    }
    (next - 2) as f64 / began.elapsed().as_secs_f64()
}

fn open_many() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Disk::open(folder.path(), SyncPolicy::Never).unwrap();
    engine.commit(&[queue()]).unwrap();
    for first in (2..LIVE + 2).step_by(10_000) {
        engine.commit(&(first..first + 10_000).map(put).collect::<Vec<_>>()).unwrap();
    }
    drop(engine);
    let began = Instant::now();
    let mut engine = Disk::open(folder.path(), SyncPolicy::Never).unwrap();
    let mut loading = Loading::new(1, Default::default());
    engine.load(&mut |record| loading.add(record).unwrap()).unwrap();
    let state: State = loading.finish();
    let took = began.elapsed();
    let bytes: u64 =
        folder.path().read_dir().unwrap().map(|f| f.unwrap().metadata().unwrap().len()).sum();
    let ready = state.queue_stats(Time::default()).first().unwrap().ready;
    println!("{ready} live items: loaded in {took:.2?}, {} MB", bytes >> 20);
}

fn queue() -> Record {
    Record::Queue { queue: QUEUE, name: "task".into(), options: QueueOptions::default() }
}

/// An item of 100 bytes.
fn put(id: u64) -> Record {
    let item = Item {
        id: ItemId(id),
        place: Place(id),
        payload: vec![7; 100].into(),
        stop: false,
        put_at: Time::from_secs(1_700_000_000),
        attempts: 0,
        rare: None,
        reply_to: None,
    };
    let items = [item].into_iter().collect();
    Record::Put { queue: QUEUE, items, due: None, acked: Default::default() }
}
