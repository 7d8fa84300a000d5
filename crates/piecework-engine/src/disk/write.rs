//! What each record does to the tables.

use super::columns::{Done, int, micros, time};
use super::objects;
use crate::EngineError;
use piecework_state::{
    AckMode, Attempt, Ended, Item, ItemId, Order, QueueId, QueueOptions, Record, Standing, Time,
};
use rusqlite::{Connection, Params, params};
use std::collections::HashSet;

/// What is remembered of the tables, so that they need not be asked.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// Items that have rows in `attempts`; most never do, and need none deleted.
    tried: HashSet<ItemId>,
    /// Items whose payload is in `payloads`.
    long: HashSet<ItemId>,
    /// Numbers below this one have been given.
    next: u64,
    /// What the table `numbers` says: numbers below this one may be given.
    reserved: u64,
}

/// Numbers are reserved by so many at a time, so that the table is not written with every item. A
/// manager that starts again leaves out what is left of them.
const NUMBERS_RESERVED: u64 = 10_000;

/// Payloads up to this long stand in their item's row: half a page, so that the row is written in
/// one piece.
const INLINE_BYTES_MAX: usize = 2_000;

const PUT: &str = "INSERT INTO items VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
const ACKED: &str = "DELETE FROM items WHERE id = ?1";
const FORGET: &str = "DELETE FROM attempts WHERE item = ?1";
const PUT_LONG: &str = "INSERT INTO payloads VALUES (?1, ?2)";
const FORGET_LONG: &str = "DELETE FROM payloads WHERE item = ?1";
const ENDED: &str = "UPDATE items SET state = ?2, due = ?3, attempts = attempts + ?4, \
    ready_at = ?5 WHERE id = ?1";
const ATTEMPT: &str = "INSERT INTO attempts VALUES (?1, \
    (SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE item = ?1), \
    ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const TOO_OLD: &str = "DELETE FROM attempts WHERE item = ?1 AND number <= \
    (SELECT max(number) FROM attempts WHERE item = ?1) - ?2";
/// An item is ready since ?2, unless it is so for longer.
macro_rules! ready {
    ($more:literal) => {
        concat!(
            "UPDATE items SET state = 'ready', due = NULL, ready_at = \
             CASE WHEN ?2 > max(put_at, coalesce(ready_at, 0)) THEN ?2 ELSE ready_at END, ",
            $more,
            " WHERE id = ?1"
        )
    };
}
const READY: &str = ready!("place = ?3");
const REVIVED: &str = ready!("attempts = 0");
const PURGED: &str = "DELETE FROM items WHERE queue = ?1 AND state <> 'dead' \
    AND id NOT IN (SELECT value FROM json_each(?2))";
const FORGET_PURGED: &str = "DELETE FROM attempts WHERE item NOT IN (SELECT id FROM items)";
const FORGET_PURGED_LONG: &str = "DELETE FROM payloads WHERE item NOT IN (SELECT id FROM items)";
const TRIED: &str = "SELECT DISTINCT item FROM attempts";
const LONG: &str = "SELECT item FROM payloads";
const QUEUE: &str = "INSERT INTO queues \
    (id, name, ack, answers, maxsize, attempts, lease, once, maxbytes, expire, ordering, more) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
    ON CONFLICT (id) DO UPDATE SET ack = ?3, answers = ?4, maxsize = ?5, attempts = ?6, \
    lease = ?7, once = ?8, maxbytes = ?9, expire = ?10, ordering = ?11, more = ?12";
const KEY: &str = "INSERT INTO keys VALUES (?1, ?2, ?3)";
const FORGOTTEN: &str = "DELETE FROM keys WHERE queue = ?1 AND until <= ?2";
const RESERVE: &str = "UPDATE numbers SET next = ?1";

impl Books {
    /// Reads the books from the tables.
    pub(super) fn read(tables: &Connection) -> Result<Self, EngineError> {
        let reserved: i64 = tables.query_row("SELECT next FROM numbers", (), |row| row.get(0))?;
        let mut books = Self { reserved: reserved.cast_unsigned(), ..Self::default() };
        books.read_items(tables)?;
        Ok(books)
    }

    /// Counts the numbers that a record gives, whether there will be rows of them or not.
    pub(super) fn count(&mut self, record: &Record) {
        for item in record.items() {
            self.number(item.id.0.max(item.place.0));
        }
        match record {
            Record::Queue { queue, .. } => self.number(queue.0),
            Record::Object { object, .. } => self.number(object.0),
            Record::Ready(_, _, place, _) => self.number(place.0),
            Record::Numbered(next) => self.next = self.next.max(*next),
            _ => {}
        }
    }

    /// Does what a record says.
    pub(super) fn write(&mut self, to: &Connection, record: &Record) -> Done {
        match record {
            Record::Queue { queue, name, options } => self.queue(to, *queue, name, options),
            Record::Put { queue, items, due, acked } => {
                for item in items {
                    self.put(to, *queue, item, Standing::due(*due))?;
                }
                acked.iter().try_for_each(|(_, item)| self.acked(to, *item))
            }
            Record::Acked(_, item) => self.acked(to, *item),
            Record::Returned { item, attempt, due, .. } => {
                self.ended(to, *item, attempt, Standing::due(*due))
            }
            Record::Ready(_, item, place, at) => {
                one(to, READY, *item, params![id(*item), time(*at), int(place.0)])
            }
            Record::Died { item, attempt, .. } => self.ended(to, *item, attempt, Standing::Dead),
            Record::Revived(_, item, at) => one(to, REVIVED, *item, params![id(*item), time(*at)]),
            Record::Purged { queue, spared } => self.purged(to, *queue, spared),
            Record::Key { queue, key, until } => {
                to.prepare_cached(KEY)?.execute(params![int(queue.0), key, time(*until)])?;
                Ok(())
            }
            Record::Forgotten(queue, until) => {
                to.prepare_cached(FORGOTTEN)?.execute(params![int(queue.0), time(*until)])?;
                Ok(())
            }
            Record::Item { queue, item, standing } => self.put(to, *queue, item, *standing),
            Record::Numbered(_) => Ok(()), // as was counted
            Record::Object { object, name, kind } => objects::object(to, *object, name, *kind),
            Record::Rows { object, rows } => objects::rows(to, *object, rows),
            Record::RowsGone(object, places) => objects::gone(to, *object, places),
            Record::Emptied(object) => objects::emptied(to, *object),
        }
    }

    /// Reserves more numbers if those that were reserved are used up.
    pub(super) fn reserve_numbers(&mut self, to: &Connection) -> Done {
        if self.next > self.reserved {
            self.reserved = self.next.saturating_add(NUMBERS_RESERVED);
            to.prepare_cached(RESERVE)?.execute(params![int(self.reserved)])?;
        }
        Ok(())
    }

    fn queue(&self, to: &Connection, queue: QueueId, name: &str, options: &QueueOptions) -> Done {
        let QueueOptions { ack, maxsize, maxbytes, attempts, lease, .. } = options;
        let QueueOptions { once, expire, order, more, .. } = options;
        let (ack, answers) = match ack {
            AckMode::Auto => ("auto", None),
            AckMode::Answered { answers } => ("answered", Some(int(answers.0))),
            AckMode::Explicit => ("explicit", None),
            AckMode::None => ("none", None),
        };
        let order = match order {
            Order::Fifo => "fifo",
            Order::Priority => "priority",
            Order::Lifo => "lifo",
        };
        to.prepare_cached(QUEUE)?.execute(params![
            int(queue.0),
            name,
            ack,
            answers,
            int(*maxsize as u64),
            attempts,
            lease.map(micros),
            micros(*once),
            int(*maxbytes),
            expire.map(micros),
            order,
            more,
        ])?;
        Ok(())
    }

    fn put(&mut self, to: &Connection, queue: QueueId, item: &Item, standing: Standing) -> Done {
        // As in the records' bytes: what an item is tied to outlives no restart.
        let Item { id, place, payload, stop, put_at, attempts, rare, reply_to: _ } = item;
        let payload = payload.here().ok_or(EngineError::NoPayload(id.0))?;
        let is_long = payload.len() > INLINE_BYTES_MAX;
        let (state, due) = columns(standing);
        let rare = rare.as_deref();
        let ready_at = rare.map(|rare| rare.ready_at).filter(|since| *since > Time::default());
        let rank = rare.map(|rare| &rare.order[..]).filter(|rank| !rank.is_empty());
        to.prepare_cached(PUT)?.execute(params![
            int(id.0),
            int(queue.0),
            int(place.0),
            state,
            due,
            stop,
            time(*put_at),
            attempts,
            (!is_long).then_some(&payload[..]),
            ready_at.map(time),
            rank,
        ])?;
        if is_long {
            self.long.insert(*id);
            to.prepare_cached(PUT_LONG)?.execute(params![int(id.0), &payload[..]])?;
        }
        item.history().iter().try_for_each(|attempt| self.attempt(to, *id, attempt))
    }

    fn acked(&mut self, to: &Connection, item: ItemId) -> Done {
        one(to, ACKED, item, params![id(item)])?;
        if self.tried.remove(&item) {
            to.prepare_cached(FORGET)?.execute(params![id(item)])?;
        }
        if self.long.remove(&item) {
            to.prepare_cached(FORGET_LONG)?.execute(params![id(item)])?;
        }
        Ok(())
    }

    /// An attempt has ended, and the item stands as it says.
    fn ended(
        &mut self,
        to: &Connection,
        item: ItemId,
        attempt: &Attempt,
        standing: Standing,
    ) -> Done {
        let (state, due) = columns(standing);
        one(to, ENDED, item, params![id(item), state, due, attempt.counted, time(attempt.ended)])?;
        self.attempt(to, item, attempt)?;
        to.prepare_cached(TOO_OLD)?.execute(params![id(item), Item::HISTORY_MAX as i64])?;
        Ok(())
    }

    fn attempt(&mut self, to: &Connection, item: ItemId, attempt: &Attempt) -> Done {
        let Attempt { session, name, address, began, ended, how, counted } = attempt;
        let how = match how {
            Ended::Nacked => "nacked",
            Ended::Released => "released",
            Ended::Lost => "lost",
            Ended::Unanswered => "unanswered",
            Ended::RunOut => "run out",
            Ended::Unsent => "unsent",
        };
        self.tried.insert(item);
        let (session, began, ended) = (int(session.0), time(*began), time(*ended));
        let values = params![id(item), session, began, ended, how, counted, name, address];
        to.prepare_cached(ATTEMPT)?.execute(values)?;
        Ok(())
    }

    fn purged(&mut self, to: &Connection, queue: QueueId, spared: &[ItemId]) -> Done {
        let spared: Vec<_> = spared.iter().map(ItemId::to_string).collect();
        let spared = format!("[{}]", spared.join(","));
        to.prepare_cached(PURGED)?.execute(params![int(queue.0), spared])?;
        to.prepare_cached(FORGET_PURGED)?.execute(())?;
        to.prepare_cached(FORGET_PURGED_LONG)?.execute(())?;
        self.read_items(to)
    }

    fn read_items(&mut self, tables: &Connection) -> Done {
        self.tried = items(tables, TRIED)?;
        self.long = items(tables, LONG)?;
        Ok(())
    }

    fn number(&mut self, number: u64) {
        self.next = self.next.max(number + 1);
    }
}

/// The items that a query finds.
fn items(tables: &Connection, query: &str) -> Result<HashSet<ItemId>, EngineError> {
    let mut found = tables.prepare_cached(query)?;
    let ids = found.query_map((), |row| row.get(0).map(i64::cast_unsigned).map(ItemId))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Changes the row of one item, which must be there.
fn one(to: &Connection, statement: &str, item: ItemId, values: impl Params) -> Done {
    match to.prepare_cached(statement)?.execute(values)? {
        1 => Ok(()),
        _ => Err(EngineError::UnknownItem(item.0)),
    }
}

fn columns(standing: Standing) -> (&'static str, Option<i64>) {
    match standing {
        Standing::Ready => ("ready", None),
        Standing::Delayed(due) => ("delayed", Some(time(due))),
        Standing::Dead => ("dead", None),
    }
}

fn id(item: ItemId) -> i64 {
    int(item.0)
}
