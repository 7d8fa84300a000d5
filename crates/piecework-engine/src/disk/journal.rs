//! What was decided and is not in the tables yet.
//!
//! A row of a table costs microseconds, and most items are gone moments after they came. So a batch
//! is written as one row of its records' bytes, and these are worked into the tables later, oldest
//! first, once there are many. An item that has come and gone by then never gets there.
//!
//! What a crash leaves of the journal is worked into the tables when they are opened again.

use super::write::Books;
use crate::EngineError;
use bytes::Bytes;
use piecework_state::{ItemId, Record};
use rusqlite::{Connection, params};
use std::collections::{HashSet, VecDeque};

/// Bytes that the journal holds before they are worked into the tables: all that a few thousand
/// workers have under way, and a tenth of a second when a manager starts.
const BYTES_MAX: usize = 4 << 20;

/// Bytes of a batch that goes into the tables at once: its payloads are so long that writing them
/// twice would cost more than its rows.
const STRAIGHT_BYTES_MIN: usize = 1 << 20;

const NOTE: &str = "INSERT INTO journal VALUES (?1, ?2)";
const FORGET: &str = "DELETE FROM journal WHERE batch <= ?1";
const ROWS: &str = "SELECT batch, records FROM journal ORDER BY batch";
const EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM items WHERE id = ?1)";

/// The rows of the journal, and what is known of the items in them.
#[derive(Debug, Default)]
pub(super) struct Journal {
    rows: VecDeque<Row>,
    /// Bytes in all rows.
    bytes: usize,
    next: i64,
    /// Numbers of items below this one were seen in some row. An item with such a number that is
    /// put comes back after its end.
    seen: u64,
    /// Items that were put in these rows for the first time and are alive.
    fresh: HashSet<ItemId>,
    /// Items that were put and acked in these rows, or earlier: nothing of them need be written.
    gone: HashSet<ItemId>,
}

#[derive(Debug)]
struct Row {
    number: i64,
    /// The records of one batch, encoded.
    records: Bytes,
}

/// Rows that were worked into the tables, to be struck out once that is committed.
#[derive(Debug, Default)]
pub(super) struct Worked {
    rows: usize,
    /// Items whose end was among them.
    ended: Vec<ItemId>,
    /// Items that were put by them.
    put: Vec<ItemId>,
}

impl Journal {
    /// Reads what the last run has left, and works all of it into the tables.
    pub(super) fn recover(tables: &Connection, books: &mut Books) -> Result<Self, EngineError> {
        let mut journal = Self::default();
        let mut rows = tables.prepare(ROWS)?;
        let mut rows = rows.query(())?;
        while let Some(row) = rows.next()? {
            let (number, records) = (row.get(0)?, Bytes::from(row.get::<_, Vec<u8>>(1)?));
            for record in decode(&records)? {
                journal.miss(tables, &record)?;
                journal.learn(&record);
            }
            journal.push(number, records);
        }
        let worked = journal.work(tables, books, usize::MAX)?;
        journal.strike(worked);
        match journal.gone.iter().next() {
            None => Ok(journal),
            Some(item) => Err(EngineError::UnknownItem(item.0)),
        }
    }

    /// Writes a batch, and works older ones into the tables where there are many.
    pub(super) fn write(
        &mut self,
        to: &Connection,
        books: &mut Books,
        batch: &[Record],
    ) -> Result<Written, EngineError> {
        let records = Bytes::from(Record::encode(batch));
        if records.len() >= STRAIGHT_BYTES_MIN {
            let worked = self.work(to, books, usize::MAX)?;
            batch.iter().try_for_each(|record| books.write(to, record))?;
            return Ok(Written { worked, row: None });
        }
        let number = self.next;
        to.prepare_cached(NOTE)?.execute(params![number, &records[..]])?;
        let over = (self.bytes + records.len()).saturating_sub(BYTES_MAX);
        // Twice what comes in, so that no batch waits for more than its share of the work.
        let worked = match over {
            0 => Worked::default(),
            over => self.work(to, books, over.min(2 * records.len()))?,
        };
        Ok(Written { worked, row: Some(records) })
    }

    /// What was written is committed.
    pub(super) fn written(&mut self, batch: &[Record], written: Written) {
        self.strike(written.worked);
        batch.iter().for_each(|record| self.learn(record));
        match written.row {
            Some(records) => self.push(self.next, records),
            // All of it is in the tables.
            None => {
                self.fresh.clear();
                self.gone.clear();
            }
        }
    }

    /// Works rows into the tables, the oldest first, until they were `bytes` together.
    pub(super) fn work(
        &self,
        to: &Connection,
        books: &mut Books,
        bytes: usize,
    ) -> Result<Worked, EngineError> {
        let mut worked = Worked::default();
        let mut so_far = 0;
        // An item that comes back after its end is another one from there on.
        let mut ended = HashSet::new();
        for row in &self.rows {
            for record in decode(&row.records)? {
                self.work_record(to, books, record, &mut ended, &mut worked)?;
            }
            worked.rows += 1;
            so_far += row.records.len();
            if so_far >= bytes {
                break;
            }
        }
        if let Some(last) = worked.rows.checked_sub(1).and_then(|last| self.rows.get(last)) {
            to.prepare_cached(FORGET)?.execute(params![last.number])?;
        }
        worked.ended.extend(ended);
        Ok(worked)
    }

    fn work_record(
        &self,
        to: &Connection,
        books: &mut Books,
        record: Record,
        ended: &mut HashSet<ItemId>,
        worked: &mut Worked,
    ) -> Result<(), EngineError> {
        let skips = |item: &ItemId, ended: &HashSet<ItemId>| {
            self.gone.contains(item) && !ended.contains(item)
        };
        match record {
            Record::Put { queue, mut items, due, acked } => {
                worked.put.extend(items.iter().map(|item| item.id));
                let numbers = items.iter().map(|item| item.id.0.max(item.place.0));
                if let Some(last) = numbers.max() {
                    books.write(to, &Record::Numbered(last + 1))?;
                }
                items.retain(|item| !skips(&item.id, ended));
                books.write(to, &Record::Put { queue, items, due, acked: Default::default() })?;
                for (queue, item) in acked {
                    self.work_record(to, books, Record::Acked(queue, item), ended, worked)?;
                }
                Ok(())
            }
            Record::Acked(_, item) if skips(&item, ended) => {
                ended.insert(item);
                Ok(())
            }
            Record::Returned { item, .. } | Record::Died { item, .. } if skips(&item, ended) => {
                Ok(())
            }
            Record::Ready(_, item, place) if skips(&item, ended) => {
                books.write(to, &Record::Numbered(place.0 + 1))
            }
            record => books.write(to, &record),
        }
    }

    /// Forgets rows that were worked into the tables.
    pub(super) fn strike(&mut self, worked: Worked) {
        for row in self.rows.drain(..worked.rows) {
            self.bytes -= row.records.len();
        }
        for item in worked.put {
            self.fresh.remove(&item);
        }
        for item in worked.ended {
            self.gone.remove(&item);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn push(&mut self, number: i64, records: Bytes) {
        self.next = number + 1;
        self.bytes += records.len();
        self.rows.push_back(Row { number, records });
    }

    /// Takes note of which items a batch brings, and which it ends.
    fn learn(&mut self, record: &Record) {
        match record {
            Record::Put { items, acked, .. } => {
                for item in items {
                    if item.id.0 >= self.seen {
                        self.seen = item.id.0 + 1;
                        self.fresh.insert(item.id);
                    }
                }
                acked.iter().for_each(|(_, item)| self.end(*item));
            }
            Record::Acked(_, item) => self.end(*item),
            _ => {}
        }
    }

    fn end(&mut self, item: ItemId) {
        self.seen = self.seen.max(item.0 + 1);
        if self.fresh.remove(&item) {
            self.gone.insert(item);
        }
    }

    /// An item whose end is in the journal, and of which there is nothing else: the row that put it
    /// was worked into the tables by an earlier run, and left it out.
    fn miss(&mut self, tables: &Connection, record: &Record) -> Result<(), EngineError> {
        let touched: Vec<ItemId> = match record {
            Record::Put { acked, .. } => acked.iter().map(|(_, item)| *item).collect(),
            Record::Acked(_, item)
            | Record::Ready(_, item, _)
            | Record::Returned { item, .. }
            | Record::Died { item, .. } => vec![*item],
            _ => Vec::new(),
        };
        for item in touched.into_iter().filter(|item| !self.fresh.contains(item)) {
            let number = params![item.0.cast_signed()];
            if !tables.prepare_cached(EXISTS)?.query_row(number, |row| row.get::<_, bool>(0))? {
                self.gone.insert(item);
            }
        }
        Ok(())
    }
}

/// A batch that was written, and is not committed yet.
#[derive(Debug)]
pub(super) struct Written {
    worked: Worked,
    row: Option<Bytes>,
}

fn decode(records: &Bytes) -> Result<Vec<Record>, EngineError> {
    Record::decode(records.clone()).map_err(EngineError::Records)
}

#[cfg(test)]
mod tests {
    use super::super::{SyncPolicy, read, schema};
    use super::*;
    use crate::conformance;
    use piecework_state::{Limits, Replay};

    /// Steps that look random, and are the same each time.
    struct Steps(u64);

    impl Steps {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (self.0 >> 33) % bound
        }
    }

    fn replayed(records: impl IntoIterator<Item = Record>) -> Vec<Record> {
        let mut replay = Replay::default();
        records.into_iter().for_each(|record| replay.add(record).unwrap());
        replay.into_state(1, Limits::default()).kept()
    }

    /// Keeps batches one by one; between them some of the journal is worked into the tables, and now
    /// and then all that is known is forgotten, as by a crash.
    fn lives(batches: &[Vec<Record>], seed: u64) {
        let folder = tempfile::tempdir().unwrap();
        let tables = &schema::open(&folder.path().join("db"), SyncPolicy::Never).unwrap();
        let (mut books, mut journal) = (Books::read(tables).unwrap(), Journal::default());
        let mut steps = Steps(seed);
        for (at, batch) in batches.iter().enumerate() {
            let written = journal.write(tables, &mut books, batch).unwrap();
            journal.written(batch, written);
            for _ in 0..steps.below(3) {
                let worked = journal.work(tables, &mut books, 1).unwrap();
                journal.strike(worked);
            }
            books.reserve_numbers(tables).unwrap();
            if steps.below(10) == 0 || at + 1 == batches.len() {
                books = Books::read(tables).unwrap();
                journal = Journal::recover(tables, &mut books).unwrap();
                books.reserve_numbers(tables).unwrap();
                let so_far = batches.iter().take(at + 1).flatten().cloned();
                let found = replayed(read::load(tables).unwrap());
                assert_eq!(found, replayed(so_far), "seed {seed}, batch {at}");
            }
        }
    }

    #[test]
    fn whatever_is_worked_in_when_comes_to_the_same() {
        let story = conformance::story().flat_map(|(_, batches, _)| batches);
        let batches: Vec<_> = story.take(150).collect();
        (0..20).for_each(|seed| lives(&batches, seed));
    }

    #[test]
    fn an_item_that_comes_back_after_its_end_is_there() {
        let queue = piecework_state::QueueId(1);
        let made = Record::Queue { queue, name: "task".into(), options: Default::default() };
        let item = piecework_state::Item {
            id: ItemId(2),
            place: piecework_state::Place(2),
            payload: Bytes::from_static(b"N."),
            stop: false,
            reply_to: None,
            put_at: piecework_state::Time::from_secs(1),
            attempts: 0,
            history: None,
        };
        let put = || Record::Put {
            queue,
            items: [item.clone()].into_iter().collect(),
            due: None,
            acked: Default::default(),
        };
        let acked = || Record::Acked(queue, ItemId(2));
        let batches: Vec<_> = [made, put(), acked(), put(), acked(), put(), acked(), put()]
            .into_iter()
            .map(|record| vec![record])
            .collect();
        (0..50).for_each(|seed| lives(&batches, seed));
        (0..50).for_each(|seed| lives(batches.split_last().unwrap().1, seed));
    }

    #[test]
    fn an_item_that_has_come_and_gone_is_written_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let tables = &schema::open(&folder.path().join("db"), SyncPolicy::Never).unwrap();
        let (mut books, mut journal) = (Books::read(tables).unwrap(), Journal::default());
        for batch in conformance::story().flat_map(|(_, batches, _)| batches).take(3) {
            let written = journal.write(tables, &mut books, &batch).unwrap();
            journal.written(&batch, written);
        }
        let live = journal.fresh.clone();
        assert!(live.len() > 1, "{journal:?}");
        let queue = piecework_state::QueueId(1);
        let acked: Vec<_> = live.into_iter().map(|item| Record::Acked(queue, item)).collect();
        let written = journal.write(tables, &mut books, &acked).unwrap();
        journal.written(&acked, written);
        tables.execute_batch("DROP TABLE items").unwrap();
        let worked = journal.work(tables, &mut books, usize::MAX).unwrap();
        journal.strike(worked);
        assert!(journal.is_empty() && journal.gone.is_empty(), "{journal:?}");
    }
}
