//! Where the manager of a life keeps its decisions: a simulated disk that forgets what was not
//! synced, or the real engine in a folder.

use super::plan::{Store, Sync};
use bytes::Bytes;
use piecework_engine::{Disk, Engine, SyncPolicy};
use piecework_state::{Body, ItemId, Limits, Record, Replay, State, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What is not synced for longer than this is synced by then, as with `--sync interval:100ms`.
pub(super) const INTERVAL: Duration = Duration::from_millis(100);

/// The journal of the real engine is folded each so many batches.
const FOLDED_EVERY: usize = 7;

/// A disk that outlives the managers that use it.
#[derive(Debug)]
pub(super) struct Storage {
    batches: Vec<Batch>,
    /// This many batches are safe from a loss of power.
    synced: usize,
    sync: Option<Sync>,
    real: Option<Real>,
    /// The payloads of the items that live, for those that the manager does not hold.
    payloads: BTreeMap<ItemId, Bytes>,
    /// What the batches come to; so far, so that it need not be read anew each time.
    replay: Replay,
}

#[derive(Debug)]
struct Batch {
    bytes: Vec<u8>,
    at: Time,
}

/// The engine of managers that lose nothing, and its folder.
#[derive(Debug)]
struct Real {
    engine: Option<Disk>,
    folder: tempfile::TempDir,
}

/// An item of which a crash has forgotten something.
#[derive(Debug)]
pub(super) struct Forgotten {
    pub(super) payload: Bytes,
    /// Whether its put is forgotten as well.
    pub(super) put: bool,
}

impl Storage {
    pub(super) fn new(store: Store) -> Self {
        let (sync, real) = match store {
            Store::Simulated(sync) => (Some(sync), None),
            Store::Real => (None, Some(Real::new())),
        };
        let (batches, payloads, replay) = Default::default();
        Self { batches, synced: 0, sync, real, payloads, replay }
    }

    /// Writes a batch, whole.
    pub(super) fn commit(&mut self, now: Time, batch: &[Record]) {
        if let Some(engine) = self.real.as_mut().and_then(|real| real.engine.as_mut()) {
            engine.commit(batch).expect("the disk engine keeps a batch");
            if self.batches.len().is_multiple_of(FOLDED_EVERY) {
                engine.fold().expect("the disk engine folds its journal");
            }
        }
        if batch.is_empty() {
            return;
        }
        let bytes = Record::encode(batch);
        self.add(&bytes);
        self.batches.push(Batch { bytes, at: now });
        if self.sync == Some(Sync::Always) {
            self.synced = self.batches.len();
        }
    }

    /// Syncs what has been there for long.
    pub(super) fn sync(&mut self, now: Time) {
        if self.sync == Some(Sync::Interval) {
            let old = |batch: &Batch| now.since(batch.at) >= INTERVAL;
            self.synced = self.synced.max(self.batches.partition_point(old));
        }
    }

    /// The manager's process is gone.
    pub(super) fn close(&mut self) {
        if let Some(real) = &mut self.real {
            match self.batches.len().is_multiple_of(2) {
                true => real.engine = None,
                false => real.kill(),
            }
        }
    }

    /// The machine loses power: of what was not synced a beginning is left, `keep` says how long.
    /// Gives back the items that the rest spoke of.
    pub(super) fn lose_power(
        &mut self,
        now: Time,
        keep: impl FnOnce(usize) -> usize,
    ) -> Vec<Forgotten> {
        self.sync(now);
        let left = self.synced + keep(self.batches.len() - self.synced);
        let put = |batches: &[Batch]| -> BTreeMap<ItemId, Bytes> {
            batches.iter().flat_map(|batch| decode(&batch.bytes)).flat_map(items_put).collect()
        };
        let (kept, lost) = self.batches.split_at(left);
        let (kept_puts, lost_puts) = (put(kept), put(lost));
        let lost: Vec<Record> = lost.iter().flat_map(|batch| decode(&batch.bytes)).collect();
        let purged = lost.iter().any(|record| matches!(record, Record::Purged { .. }));
        let mut spoken_of: BTreeSet<ItemId> = lost.into_iter().flat_map(items_in).collect();
        if purged {
            spoken_of.extend(kept_puts.keys());
        }
        // An item that was handed back has a number of its own, and the payload that was put.
        let kept_payloads: BTreeSet<_> = kept_puts.values().collect();
        let forgotten = spoken_of.iter().filter_map(|item| {
            let payload = kept_puts.get(item).or_else(|| lost_puts.get(item))?.clone();
            Some(Forgotten { put: !kept_payloads.contains(&payload), payload })
        });
        let forgotten = forgotten.collect();
        self.batches.truncate(left);
        (self.replay, self.payloads) = Default::default();
        let batches = std::mem::take(&mut self.batches);
        batches.iter().for_each(|batch| self.add(&batch.bytes));
        self.batches = batches;
        forgotten
    }

    /// The state that a manager that starts now begins with.
    pub(super) fn load(&mut self, first_handle: u64, limits: Limits) -> State {
        match &mut self.real {
            Some(real) => real.load(limits.resident).into_state(first_handle, limits),
            // As it was decided, or as it stands: an engine may give back either.
            None if self.batches.len().is_multiple_of(2) => {
                self.replay.clone().into_state(first_handle, limits)
            }
            None => self.standing(first_handle, limits.resident).into_state(first_handle, limits),
        }
    }

    /// The payload of an item that lives, or is put in this very batch.
    pub(super) fn payload(&mut self, batch: &[Record], item: ItemId) -> Bytes {
        let put = batch.iter().cloned().flat_map(items_put).find(|(put, _)| *put == item);
        if let Some((_, payload)) = put {
            return payload;
        }
        let known = self.payloads.get(&item).cloned();
        let known = known.unwrap_or_else(|| panic!("item {item} is fetched, and is gone"));
        if let Some(engine) = self.real.as_mut().and_then(|real| real.engine.as_mut()) {
            let read = engine.payload(item).expect("the disk engine has what lives");
            assert_eq!(read, known, "what the disk engine has of item {item}");
        }
        known
    }

    /// What a manager has is what is kept, but for the bytes that it has let go of.
    pub(super) fn compare(&self, state: &State) {
        let mut kept = [self.kept(), state.kept()];
        for record in kept.iter_mut().flatten() {
            if let Record::Item { item, .. } = record {
                item.payload = Body::Away(item.payload.len());
            }
        }
        let [kept, is] = kept;
        assert_eq!(kept, is, "what is kept, and what is");
    }

    fn add(&mut self, batch: &[u8]) {
        for record in decode(batch) {
            match &record {
                Record::Put { items, acked, .. } => {
                    acked.iter().for_each(|(_, item)| drop(self.payloads.remove(item)));
                    let payloads = items.iter().map(|item| (item.id, here(&item.payload)));
                    self.payloads.extend(payloads);
                }
                Record::Acked(_, item) => drop(self.payloads.remove(item)),
                _ => {}
            }
            self.replay.add(record).expect("each record follows from those before it");
        }
    }

    /// What is left of all records, with those payloads that there is room for; numbers begin
    /// where no manager has come to.
    fn standing(&self, numbers: u64, resident_max: u64) -> Replay {
        let (mut replay, mut resident) = (Replay::default(), 0);
        replay.add(Record::Numbered(numbers)).expect("numbers follow from nothing");
        for mut record in self.kept() {
            if let Record::Item { item, .. } = &mut record {
                resident += item.payload.len();
                if resident > resident_max && !item.stop {
                    item.payload = Body::Away(item.payload.len());
                }
            }
            replay.add(record).expect("queues come before their items");
        }
        replay
    }

    /// All that is kept, as a state has it.
    pub(super) fn kept(&self) -> Vec<Record> {
        self.replay.clone().into_state(1, Limits::default()).kept()
    }
}

impl Real {
    fn new() -> Self {
        Self { engine: None, folder: folder() }
    }

    /// The manager was killed: from here on there are its files as they stood then. Nothing is
    /// folded but when it is told to, so nobody writes them meanwhile.
    fn kill(&mut self) {
        let killed = folder();
        for file in std::fs::read_dir(self.folder.path()).expect("the folder can be read") {
            let file = file.expect("the folder can be read");
            let copied = std::fs::copy(file.path(), killed.path().join(file.file_name()));
            copied.expect("a file can be copied");
        }
        self.engine = None;
        self.folder = killed;
    }

    fn load(&mut self, resident_max: u64) -> Replay {
        self.engine = None;
        let opened = Disk::open(self.folder.path(), SyncPolicy::Never);
        let opened = opened.expect("the disk engine opens its folder");
        let opened = opened.loading_at_most(resident_max).folding_after(Duration::MAX);
        let engine = self.engine.insert(opened);
        let mut replay = Replay::default();
        let mut take = |record| {
            replay.add(record).expect("what the disk engine gives back fits together");
        };
        engine.load(&mut take).expect("the disk engine reads what it has kept");
        replay
    }
}

fn folder() -> tempfile::TempDir {
    // Nothing is synced here, but the folder may be on a slow disk all the same.
    let memory = std::path::Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a temporary folder can be made")
}

fn decode(bytes: &[u8]) -> Vec<Record> {
    Record::decode(bytes.to_vec().into()).expect("what was encoded can be decoded")
}

fn here(payload: &Body) -> Bytes {
    payload.here().expect("what is put is put with its bytes").clone()
}

/// The items that a record puts.
fn items_put(record: Record) -> Vec<(ItemId, Bytes)> {
    match record {
        Record::Put { items, .. } => {
            items.iter().map(|item| (item.id, here(&item.payload))).collect()
        }
        _ => Vec::new(),
    }
}

/// The items that a record speaks of by their ids.
fn items_in(record: Record) -> Vec<ItemId> {
    match record {
        Record::Put { items, acked, .. } => {
            let acked = acked.into_iter().map(|(_, item)| item);
            items.into_iter().map(|item| item.id).chain(acked).collect()
        }
        Record::Acked(_, item)
        | Record::Ready(_, item, ..)
        | Record::Revived(_, item, _)
        | Record::Returned { item, .. }
        | Record::Died { item, .. } => vec![item],
        _ => Vec::new(),
    }
}
