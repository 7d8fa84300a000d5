//! Records as bytes of the version that is written.

use super::tags::*;
use crate::record::{Record, Standing};
use crate::{
    AckMode, Attempt, Ended, Item, Key, Kind, ObjectId, Order, QueueId, QueueOptions, Rare, Row,
    Time,
};
use std::time::Duration;

pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn record(&mut self, record: &Record) {
        match record {
            Record::Queue { queue, name, options } => {
                self.head(QUEUE, *queue);
                self.bytes(name.as_bytes());
                self.options(options);
            }
            Record::Put { queue, items, due, acked } => {
                self.head(PUT, *queue);
                self.list(items, Self::item);
                self.option(*due, |to, due| to.number(due.micros()));
                self.list(acked, |to, (queue, item)| {
                    to.number(queue.0);
                    to.number(item.0);
                });
            }
            Record::Acked(queue, item) => {
                self.head(ACKED, *queue);
                self.number(item.0);
            }
            Record::Returned { queue, item, attempt, due } => {
                self.head(RETURNED, *queue);
                self.number(item.0);
                self.attempt(attempt);
                self.option(*due, |to, due| to.number(due.micros()));
            }
            Record::Ready(queue, item, place, at) => {
                self.head(READY, *queue);
                self.number(item.0);
                self.number(place.0);
                self.number(at.micros());
            }
            Record::Died { queue, item, attempt } => {
                self.head(DIED, *queue);
                self.number(item.0);
                self.attempt(attempt);
            }
            Record::Revived(queue, item, at) => {
                self.head(REVIVED, *queue);
                self.number(item.0);
                self.number(at.micros());
            }
            Record::Purged { queue, spared } => {
                self.head(PURGED, *queue);
                self.list(spared, |to, item| to.number(item.0));
            }
            Record::Key { queue, key, until } => {
                self.head(KEY, *queue);
                self.bytes(key.as_bytes());
                self.number(until.micros());
            }
            Record::Forgotten(queue, until) => {
                self.head(FORGOTTEN, *queue);
                self.number(until.micros());
            }
            Record::Item { queue, item, standing } => {
                self.head(ITEM, *queue);
                self.item(item);
                self.standing(*standing);
            }
            Record::Numbered(next) => {
                self.0.push(NUMBERED);
                self.number(*next);
            }
            Record::Object { .. }
            | Record::Rows { .. }
            | Record::RowsGone(..)
            | Record::Emptied(_) => self.of_object(record),
        }
    }

    fn of_object(&mut self, record: &Record) {
        match record {
            Record::Object { object, name, kind } => {
                self.object(OBJECT, *object);
                self.bytes(name.as_bytes());
                self.kind(*kind);
            }
            Record::Rows { object, rows } => {
                self.object(ROWS, *object);
                self.list(rows, Self::row);
            }
            Record::RowsGone(object, places) => {
                self.object(ROWS_GONE, *object);
                self.list(places, |to, place| to.number(*place));
            }
            Record::Emptied(object) => self.object(EMPTIED, *object),
            _ => {}
        }
    }

    fn object(&mut self, tag: u8, object: ObjectId) {
        self.0.push(tag);
        self.number(object.0);
    }

    fn kind(&mut self, kind: Kind) {
        self.0.push(match kind {
            Kind::Value => 1,
            Kind::Namespace => 2,
            Kind::List => 3,
            Kind::Dict => 4,
            Kind::Set => 5,
            _ => unreachable!("no {} is kept", kind.name()),
        });
    }

    fn row(&mut self, row: &Row) {
        let Row { place, key, value } = row;
        self.number(*place);
        self.option(key.as_ref(), |to, Key { same, bytes }| {
            to.option(same.as_deref(), Self::bytes);
            to.bytes(bytes);
        });
        self.bytes(value);
    }

    fn head(&mut self, tag: u8, queue: QueueId) {
        self.0.push(tag);
        self.number(queue.0);
    }

    fn item(&mut self, item: &Item) {
        // What an item is tied to is a queue that no restart outlives, or one that never ends.
        let Item { id, place, payload, stop, put_at, attempts, rare, reply_to: _ } = item;
        self.number(id.0);
        self.number(place.0);
        self.bytes(payload.here().expect("a record that is kept brings its payload along"));
        self.0.push(u8::from(*stop));
        self.number(put_at.micros());
        self.number(u64::from(*attempts));
        self.option(rare.as_deref(), Self::rare);
    }

    fn rare(&mut self, rare: &Rare) {
        let Rare { history, ready_at, order } = rare;
        self.list(history, Self::attempt);
        self.number(ready_at.micros());
        self.bytes(order);
    }

    fn attempt(&mut self, attempt: &Attempt) {
        let Attempt { session, name, address, began, ended, how, counted } = attempt;
        self.number(session.0);
        self.number(began.micros());
        self.number(ended.micros());
        self.0.push(match how {
            Ended::Nacked => 1,
            Ended::Released => 2,
            Ended::Lost => 3,
            Ended::Unanswered => 4,
            Ended::RunOut => 5,
            Ended::Unsent => 6,
        });
        self.0.push(u8::from(*counted));
        self.bytes(name.as_bytes());
        self.bytes(address.as_bytes());
    }

    fn standing(&mut self, standing: Standing) {
        match standing {
            Standing::Ready => self.0.push(1),
            Standing::Delayed(due) => {
                self.0.push(2);
                self.number(due.micros());
            }
            Standing::Dead => self.0.push(3),
        }
    }

    fn options(&mut self, options: &QueueOptions) {
        let QueueOptions { ack, maxsize, maxbytes, attempts, lease, .. } = options;
        let QueueOptions { once, expire, order, more, .. } = options;
        match ack {
            AckMode::Auto => self.0.push(1),
            AckMode::Answered { answers } => {
                self.0.push(2);
                self.number(answers.0);
            }
            AckMode::Explicit => self.0.push(3),
            AckMode::None => self.0.push(4),
        }
        self.number(*maxsize as u64);
        self.number(u64::from(*attempts));
        self.option(*lease, Self::duration);
        self.duration(*once);
        self.number(*maxbytes);
        self.option(*expire, Self::duration);
        self.0.push(match order {
            Order::Fifo => 1,
            Order::Priority => 2,
            Order::Lifo => 3,
        });
        self.bytes(more.as_bytes());
    }

    /// In microseconds; what is too long to say is for ever.
    fn duration(&mut self, duration: Duration) {
        self.number((Time::default() + duration).micros());
    }

    fn list<T>(&mut self, list: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.number(list.len() as u64);
        list.iter().for_each(|element| each(self, element));
    }

    fn option<T>(&mut self, option: Option<T>, some: impl FnOnce(&mut Self, T)) {
        self.0.push(u8::from(option.is_some()));
        if let Some(value) = option {
            some(self, value);
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn number(&mut self, mut number: u64) {
        while number > 0x7f {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }
}
