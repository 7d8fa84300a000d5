//! From the tables back to records.

use super::columns::{number, time_of, unknown};
use super::objects;
use crate::EngineError;
use bytes::Bytes;
use piecework_state::{
    AckMode, Attempt, Body, Ended, Item, ItemId, Order, Place, QueueId, QueueOptions, Rare, Record,
    SessionId, Standing, Time,
};
use rusqlite::{Connection, Error, OptionalExtension, Row};
use std::collections::HashMap;
use std::time::Duration;

type Histories = HashMap<ItemId, Vec<Attempt>>;

/// The payload of one item.
pub(super) fn payload(tables: &Connection, item: ItemId) -> Result<Bytes, EngineError> {
    let mut payload = tables.prepare_cached(
        "SELECT coalesce(items.payload, payloads.payload) \
         FROM items LEFT JOIN payloads ON item = id WHERE id = ?1",
    )?;
    let found = payload.query_row([item.0.cast_signed()], |row| row.get::<_, Vec<u8>>(0));
    let found = found.optional()?.ok_or(EngineError::NoPayload(item.0))?;
    Ok(found.into())
}

/// All that is kept: the queues, then the items in the order of their ids with what has happened to
/// them, then the keys, then the objects and their rows. Of the items' payloads no more than so many
/// bytes; the others stay where they are.
pub(super) fn each(
    tables: &Connection,
    resident_max: u64,
    mut take: impl FnMut(Record),
) -> Result<(), EngineError> {
    let next = tables.query_row("SELECT next FROM numbers", (), |row| number(row, 0))?;
    take(Record::Numbered(next));
    let mut queues = tables.prepare(
        "SELECT id, name, ack, answers, maxsize, attempts, lease, once, maxbytes, \
         expire, ordering, more FROM queues ORDER BY id",
    )?;
    for queue in queues.query_map((), queue)? {
        take(queue?);
    }
    items(tables, resident_max, &mut take)?;
    let mut keys = tables.prepare("SELECT queue, key, until FROM keys")?;
    for key in keys.query_map((), key)? {
        take(key?);
    }
    Ok(objects::each(tables, &mut take)?)
}

/// What is told of an item, but for its payload.
const ITEM: &str = "SELECT id, queue, place, state, due, stop, put_at, attempts, ready_at, rank";

fn items(
    tables: &Connection,
    resident_max: u64,
    take: &mut impl FnMut(Record),
) -> Result<(), Error> {
    let mut histories = histories(tables)?;
    let (mut resident, mut last) = (0, -1_i64);
    let mut whole = tables.prepare(&format!(
        "{ITEM}, coalesce(items.payload, payloads.payload) \
         FROM items LEFT JOIN payloads ON item = id ORDER BY id"
    ))?;
    let mut rows = whole.query(())?;
    while let Some(row) = rows.next()? {
        let payload = row.get_ref(10)?.as_blob()?;
        resident += payload.len() as u64;
        if resident > resident_max {
            break;
        }
        last = row.get(0)?;
        take(item(row, Body::from(payload.to_vec()), &mut histories)?);
    }
    drop(rows);
    // A length is read without the bytes; but of a stop mark the bytes say which it is.
    let mut lengths = tables.prepare(&format!(
        "{ITEM}, coalesce(length(items.payload), length(payloads.payload)), \
         iif(stop, coalesce(items.payload, payloads.payload), NULL) \
         FROM items LEFT JOIN payloads ON item = id WHERE id > ?1 ORDER BY id"
    ))?;
    let mut rows = lengths.query([last])?;
    while let Some(row) = rows.next()? {
        let body = match row.get_ref(11)?.as_blob_or_null()? {
            Some(payload) => Body::from(payload.to_vec()),
            None => Body::Away(number(row, 10)?),
        };
        take(item(row, body, &mut histories)?);
    }
    Ok(())
}

fn histories(tables: &Connection) -> Result<Histories, Error> {
    let mut histories = Histories::new();
    let mut attempts = tables.prepare(
        "SELECT item, session, began, ended, how, counted, name, address FROM attempts \
         ORDER BY item, number",
    )?;
    for attempt in attempts.query_map((), |row| Ok((ItemId(number(row, 0)?), attempt(row)?)))? {
        let (item, attempt) = attempt?;
        histories.entry(item).or_default().push(attempt);
    }
    Ok(histories)
}

fn queue(row: &Row<'_>) -> Result<Record, Error> {
    let ack = match row.get_ref(2)?.as_str()? {
        "auto" => AckMode::Auto,
        "answered" => AckMode::Answered { answers: QueueId(number(row, 3)?) },
        "explicit" => AckMode::Explicit,
        "none" => AckMode::None,
        other => return Err(unknown(2, other)),
    };
    let lease: Option<i64> = row.get(6)?;
    let lease = lease.map(|micros| Duration::from_micros(micros.cast_unsigned()));
    let maxbytes = number(row, 8)?;
    let expire: Option<i64> = row.get(9)?;
    let expire = expire.map(|micros| Duration::from_micros(micros.cast_unsigned()));
    let order = match row.get_ref(10)?.as_str()? {
        "fifo" => Order::Fifo,
        "priority" => Order::Priority,
        "lifo" => Order::Lifo,
        other => return Err(unknown(10, other)),
    };
    let once = Duration::from_micros(number(row, 7)?);
    let maxsize = usize::try_from(number(row, 4)?).unwrap_or(usize::MAX);
    let (attempts, more) = (row.get(5)?, row.get(11)?);
    let options =
        QueueOptions { ack, maxsize, maxbytes, attempts, lease, once, expire, order, more };
    Ok(Record::Queue { queue: QueueId(number(row, 0)?), name: row.get(1)?, options })
}

fn item(row: &Row<'_>, payload: Body, histories: &mut Histories) -> Result<Record, Error> {
    let id = ItemId(number(row, 0)?);
    let standing = match row.get_ref(3)?.as_str()? {
        "ready" => Standing::Ready,
        "delayed" => Standing::Delayed(time_of(row, 4)?),
        "dead" => Standing::Dead,
        other => return Err(unknown(3, other)),
    };
    let item = Item {
        id,
        place: Place(number(row, 2)?),
        payload,
        stop: row.get(5)?,
        put_at: time_of(row, 6)?,
        attempts: row.get(7)?,
        rare: rare(row, histories.remove(&id))?,
        reply_to: None,
    };
    Ok(Record::Item { queue: QueueId(number(row, 1)?), item, standing })
}

/// What few items have; most have none of it.
fn rare(row: &Row<'_>, history: Option<Vec<Attempt>>) -> Result<Option<Box<Rare>>, Error> {
    let (ready_at, rank): (Option<i64>, Option<Vec<u8>>) = (row.get(8)?, row.get(9)?);
    if history.is_none() && ready_at.is_none() && rank.is_none() {
        return Ok(None);
    }
    let ready_at = ready_at.map(|micros| Time::from_micros(micros.cast_unsigned()));
    Ok(Some(Box::new(Rare {
        history: history.unwrap_or_default(),
        ready_at: ready_at.unwrap_or_default(),
        order: rank.unwrap_or_default().into(),
    })))
}

fn key(row: &Row<'_>) -> Result<Record, Error> {
    let queue = QueueId(number(row, 0)?);
    Ok(Record::Key { queue, key: row.get(1)?, until: time_of(row, 2)? })
}

fn attempt(row: &Row<'_>) -> Result<Attempt, Error> {
    let how = match row.get_ref(4)?.as_str()? {
        "nacked" => Ended::Nacked,
        "released" => Ended::Released,
        "lost" => Ended::Lost,
        "unanswered" => Ended::Unanswered,
        "run out" => Ended::RunOut,
        "unsent" => Ended::Unsent,
        other => return Err(unknown(4, other)),
    };
    Ok(Attempt {
        session: SessionId(number(row, 1)?),
        name: row.get(6)?,
        address: row.get(7)?,
        began: time_of(row, 2)?,
        ended: time_of(row, 3)?,
        how,
        counted: row.get(5)?,
    })
}
