//! The bytes of a batch of records, and the rule by which they may change.
//!
//! **The version rule.** A batch begins with its version. What a tag and the fields behind it mean
//! in a version never changes. A later version only adds: a tag, or a field behind those of an
//! earlier one, which `Reader::since` leaves out of batches that do not have it. So this code reads
//! every version up to its own, for ever, and refuses later ones rather than guess.
//!
//! Numbers are LEB128: seven bits a byte, the lowest first, the highest bit set where more follow.
//! What may be missing is a 0, or a 1 with the thing behind it; a list is its length and then its
//! elements; text and payloads are their length in bytes and then the bytes.

use super::{Record, Standing};
use crate::options::ONCE_DEFAULT;
use crate::{
    AckMode, Attempt, Ended, Item, ItemId, Order, Place, QueueId, QueueOptions, Rare, SessionId,
    Time,
};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// The version that is written.
const VERSION: u8 = 2;

const QUEUE: u8 = 1;
const PUT: u8 = 2;
const ACKED: u8 = 3;
const RETURNED: u8 = 4;
const READY: u8 = 5;
const DIED: u8 = 6;
const PURGED: u8 = 7;
const ITEM: u8 = 8;
const NUMBERED: u8 = 9;
// Since version 2.
const REVIVED: u8 = 10;
const KEY: u8 = 11;
const FORGOTTEN: u8 = 12;

/// Bytes that are no batch of records.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// They were written by a later piecework.
    #[error("records of version {0}, and this piecework reads up to {VERSION}; hint: upgrade it")]
    Version(u8),
    /// They end before they should.
    #[error("records end in the middle of {0}")]
    Short(&'static str),
    /// A byte is none of those that may stand there.
    #[error("{0} cannot be {1}")]
    Unknown(&'static str, u64),
    /// A text is none.
    #[error("{0} is not UTF-8")]
    NotText(&'static str),
}

type Read<T> = Result<T, DecodeError>;

impl Record {
    /// A batch as bytes.
    pub fn encode(batch: &[Self]) -> Vec<u8> {
        Self::encode_behind(Vec::new(), batch)
    }

    /// The same, behind what is there already.
    pub fn encode_behind(mut head: Vec<u8>, batch: &[Self]) -> Vec<u8> {
        head.push(VERSION);
        let mut to = Writer(head);
        batch.iter().for_each(|record| to.record(record));
        to.0
    }

    /// The batch that was encoded; payloads share its bytes.
    ///
    /// # Errors
    ///
    /// When the bytes are damaged, or of a later version.
    pub fn decode(bytes: Bytes) -> Result<Vec<Self>, DecodeError> {
        let mut from = Reader { bytes, version: 0 };
        from.version = match from.byte("the version")? {
            version @ 1..=VERSION => version,
            version => return Err(DecodeError::Version(version)),
        };
        let mut batch = Vec::new();
        while !from.bytes.is_empty() {
            batch.push(from.record()?);
        }
        Ok(batch)
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn record(&mut self, record: &Record) {
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
        }
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

struct Reader {
    bytes: Bytes,
    /// The version of the batch.
    version: u8,
}

impl Reader {
    fn record(&mut self) -> Read<Record> {
        let tag = self.byte("a record")?;
        if tag == NUMBERED {
            return Ok(Record::Numbered(self.number("a number")?));
        }
        let queue = QueueId(self.number("a queue")?);
        Ok(match tag {
            QUEUE => {
                let name = self.text("a queue's name")?;
                Record::Queue { queue, name, options: self.options()? }
            }
            PUT => Record::Put {
                queue,
                items: self.list(Self::item)?,
                due: self.option(Self::time)?,
                acked: self.list(|from| Ok((QueueId(from.number("a queue")?), from.id()?)))?,
            },
            ACKED => Record::Acked(queue, self.id()?),
            RETURNED => Record::Returned {
                queue,
                item: self.id()?,
                attempt: self.attempt()?,
                due: self.option(Self::time)?,
            },
            READY => {
                let (item, place) = (self.id()?, Place(self.number("a place")?));
                Record::Ready(queue, item, place, self.since(2, Self::time)?)
            }
            REVIVED if self.version >= 2 => Record::Revived(queue, self.id()?, self.time()?),
            KEY if self.version >= 2 => {
                Record::Key { queue, key: self.text("a key")?, until: self.time()? }
            }
            FORGOTTEN if self.version >= 2 => Record::Forgotten(queue, self.time()?),
            DIED => Record::Died { queue, item: self.id()?, attempt: self.attempt()? },
            PURGED => Record::Purged { queue, spared: self.list(Self::id)? },
            ITEM => Record::Item { queue, item: self.item()?, standing: self.standing()? },
            tag => return Err(DecodeError::Unknown("a record's tag", tag.into())),
        })
    }

    fn item(&mut self) -> Read<Item> {
        Ok(Item {
            id: self.id()?,
            place: Place(self.number("a place")?),
            payload: self.bytes("a payload")?.into(),
            stop: self.flag()?,
            put_at: self.time()?,
            attempts: self.count()?,
            rare: self.option(|from| from.rare().map(Box::new))?,
            reply_to: None,
        })
    }

    fn rare(&mut self) -> Read<Rare> {
        let history = self.list(Self::attempt)?;
        let ready_at = self.since(2, Self::time)?;
        let order = self.since(2, |from| from.bytes("an item's order"))?;
        Ok(Rare { history, ready_at, order })
    }

    fn attempt(&mut self) -> Read<Attempt> {
        let session = SessionId(self.number("a session")?);
        let (began, ended, how) = (self.time()?, self.time()?, self.how()?);
        let counted = self.flag()?;
        let name: Arc<str> = self.since(2, |from| from.text("a session's name"))?;
        let address = self.since(2, |from| from.text("a session's address"))?;
        Ok(Attempt { session, name, address, began, ended, how, counted })
    }

    fn how(&mut self) -> Read<Ended> {
        Ok(match self.byte("an attempt")? {
            1 => Ended::Nacked,
            2 => Ended::Released,
            3 => Ended::Lost,
            4 => Ended::Unanswered,
            5 => Ended::RunOut,
            6 => Ended::Unsent,
            how => return Err(DecodeError::Unknown("an attempt's end", how.into())),
        })
    }

    fn standing(&mut self) -> Read<Standing> {
        match self.byte("an item's state")? {
            1 => Ok(Standing::Ready),
            2 => Ok(Standing::Delayed(self.time()?)),
            3 => Ok(Standing::Dead),
            standing => Err(DecodeError::Unknown("an item's state", standing.into())),
        }
    }

    fn options(&mut self) -> Read<QueueOptions> {
        let ack = match self.byte("an ack mode")? {
            1 => AckMode::Auto,
            2 => AckMode::Answered { answers: QueueId(self.number("a queue")?) },
            3 => AckMode::Explicit,
            4 => AckMode::None,
            mode => return Err(DecodeError::Unknown("an ack mode", mode.into())),
        };
        let maxsize = self.number("a maxsize")?;
        let maxsize = maxsize.try_into().map_err(|_| DecodeError::Unknown("a maxsize", maxsize))?;
        let attempts = self.count()?;
        let lease = self.option(Self::duration)?;
        let once = self.since(2, |from| from.duration().map(Some))?.unwrap_or(ONCE_DEFAULT);
        let maxbytes = self.since(2, |from| from.number("a maxbytes"))?;
        let expire = self.since(2, |from| from.option(Self::duration))?;
        let order = self.since(2, Self::order)?;
        let more = self.since(2, |from| from.text("what a server says of a queue"))?;
        Ok(QueueOptions { ack, maxsize, maxbytes, attempts, lease, once, expire, order, more })
    }

    fn order(&mut self) -> Read<Order> {
        match self.byte("an order")? {
            1 => Ok(Order::Fifo),
            2 => Ok(Order::Priority),
            3 => Ok(Order::Lifo),
            order => Err(DecodeError::Unknown("an order", order.into())),
        }
    }

    fn duration(&mut self) -> Read<Duration> {
        self.number("a duration").map(Duration::from_micros)
    }

    fn list<T, L: Default + Extend<T>>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Read<T>,
    ) -> Read<L> {
        let mut list = L::default();
        // Each element takes a byte at least, so a length that lies ends soon.
        for _ in 0..self.number("a list")? {
            list.extend([each(self)?]);
        }
        Ok(list)
    }

    /// A field that versions before `version` do not have.
    fn since<T: Default>(
        &mut self,
        version: u8,
        field: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<T> {
        if self.version < version { Ok(T::default()) } else { field(self) }
    }

    fn option<T>(&mut self, some: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.flag()? { some(self).map(Some) } else { Ok(None) }
    }

    fn id(&mut self) -> Read<ItemId> {
        self.number("an item").map(ItemId)
    }

    fn time(&mut self) -> Read<Time> {
        self.number("a time").map(Time::from_micros)
    }

    fn count(&mut self) -> Read<u32> {
        let count = self.number("a count")?;
        count.try_into().map_err(|_| DecodeError::Unknown("a count of attempts", count))
    }

    fn flag(&mut self) -> Read<bool> {
        match self.byte("a flag")? {
            0 => Ok(false),
            1 => Ok(true),
            flag => Err(DecodeError::Unknown("a flag", flag.into())),
        }
    }

    fn text<T: for<'a> From<&'a str>>(&mut self, what: &'static str) -> Read<T> {
        let text = self.bytes(what)?;
        str::from_utf8(&text).map(T::from).map_err(|_| DecodeError::NotText(what))
    }

    fn bytes(&mut self, what: &'static str) -> Read<Bytes> {
        let length = self.number(what)?;
        match usize::try_from(length) {
            Ok(length) if length <= self.bytes.len() => Ok(self.bytes.split_to(length)),
            _ => Err(DecodeError::Short(what)),
        }
    }

    fn number(&mut self, what: &'static str) -> Read<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = u64::from(self.byte(what)?);
            number |= (byte & 0x7f) << shift;
            // The tenth byte has room for one bit.
            if shift == 63 && byte > 1 {
                break;
            }
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(DecodeError::Unknown(what, number))
    }

    fn byte(&mut self, what: &'static str) -> Read<u8> {
        let byte = self.bytes.first().copied().ok_or(DecodeError::Short(what))?;
        let _ = self.bytes.split_to(1);
        Ok(byte)
    }
}
