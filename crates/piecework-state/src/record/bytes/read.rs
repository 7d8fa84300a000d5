//! Bytes as records, of any version so far.

use super::error::DecodeError;
use super::tags::*;
use crate::options::ONCE_DEFAULT;
use crate::record::{Record, Standing};
use crate::{
    AckMode, Attempt, Ended, Item, ItemId, Key, Kind, ObjectId, Order, Place, QueueId,
    QueueOptions, Rare, Row, SessionId, Time,
};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

type Read<T> = Result<T, DecodeError>;

pub(super) struct Reader {
    bytes: Bytes,
    /// The version of the batch.
    version: u8,
}

impl Reader {
    /// Begins to read a batch.
    pub(super) fn of(bytes: Bytes) -> Read<Self> {
        let mut from = Self { bytes, version: 0 };
        from.version = match from.byte("the version")? {
            version @ 1..=VERSION => version,
            version => return Err(DecodeError::Version(version)),
        };
        Ok(from)
    }

    pub(super) fn is_over(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn record(&mut self) -> Read<Record> {
        let tag = self.byte("a record")?;
        match tag {
            NUMBERED => return Ok(Record::Numbered(self.number("a number")?)),
            OBJECT..=EMPTIED if self.version >= 3 => return self.of_object(tag),
            _ => {}
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

    fn of_object(&mut self, tag: u8) -> Read<Record> {
        let object = ObjectId(self.number("an object")?);
        Ok(match tag {
            OBJECT => {
                let name = self.text("an object's name")?;
                Record::Object { object, name, kind: self.kind()? }
            }
            ROWS => Record::Rows { object, rows: self.list(Self::row)? },
            ROWS_GONE => Record::RowsGone(object, self.list(|from| from.number("a row"))?),
            _ => Record::Emptied(object),
        })
    }

    fn kind(&mut self) -> Read<Kind> {
        Ok(match self.byte("an object's kind")? {
            1 => Kind::Value,
            2 => Kind::Namespace,
            3 => Kind::List,
            4 => Kind::Dict,
            5 => Kind::Set,
            kind => return Err(DecodeError::Unknown("an object's kind", kind.into())),
        })
    }

    fn row(&mut self) -> Read<Row> {
        let place = self.number("a row")?;
        let key = self.option(|from| {
            let same = from.option(|from| from.bytes("what a key is the same as"))?;
            let same = same.map(|same| same.as_ref().into());
            Ok(Key { same, bytes: from.bytes("a key")? })
        })?;
        Ok(Row { place, key, value: self.bytes("a value")? })
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
