//! Replay: from records back to the state that decided them.

use crate::error::ReplayError;
use crate::id::IdMap;
use crate::keys::Keys;
use crate::limits::Limits;
use crate::loading::Loading;
use crate::queue::Queue;
use crate::record::{Record, Standing};
use crate::state::State;
use crate::{Attempt, Item, ItemId, Kind, ObjectId, Place, QueueId, QueueOptions, Row, Time};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What the records so far come to.
///
/// Records speak of items by their ids, so that is how a replay holds them; a state has them by
/// place. It is fed in the order in which the records were decided, and made into a state once.
///
/// ```
/// use piecework_state::{Call, Limits, Outcome, Payload, Peer, QueueOptions, Replay, State, Time};
///
/// let (mut state, mut out) = (State::new(1, Limits::default()), Outcome::default());
/// let task = state.register("task", QueueOptions::default(), &mut out);
/// let master = state.open(Time::from_secs(1), Peer::native("master"));
/// let put = Call::put(task, Payload::opaque("3411"));
/// state.apply_into(Time::from_secs(1), master, put, &mut out);
///
/// let mut replay = Replay::default();
/// for record in out.records {
///     replay.add(record)?;
/// }
/// assert_eq!(replay.into_state(1, Limits::default()).kept(), state.kept());
/// # Ok::<(), piecework_state::ReplayError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Replay {
    queues: BTreeMap<QueueId, Replayed>,
    objects: BTreeMap<ObjectId, Rows>,
    /// Every number that a record has named is below this one.
    next: u64,
}

#[derive(Clone, Debug)]
struct Replayed {
    name: String,
    options: QueueOptions,
    items: IdMap<ItemId, (Item, Standing)>,
    keys: Keys,
}

/// An object with its rows, by their places.
#[derive(Clone, Debug)]
struct Rows {
    name: String,
    kind: Kind,
    rows: BTreeMap<u64, Row>,
}

impl Replay {
    /// Takes the next record.
    ///
    /// # Errors
    ///
    /// When it does not follow from those before it.
    pub fn add(&mut self, record: Record) -> Result<(), ReplayError> {
        match record {
            Record::Queue { queue, name, options } => self.queue(queue, name, options),
            Record::Put { queue, items, due, acked } => {
                for item in items {
                    self.put(queue, item, Standing::due(due))?;
                }
                acked.into_iter().try_for_each(|(queue, item)| self.acked(queue, item))?;
            }
            Record::Acked(queue, item) => self.acked(queue, item)?,
            Record::Returned { queue, item, attempt, due } => {
                self.ended(queue, item, attempt, Standing::due(due))?;
            }
            Record::Ready(queue, item, place, at) => {
                self.number(place.0);
                let (item, standing) = self.item(queue, item)?;
                item.place = place;
                item.ready_again(at);
                *standing = Standing::Ready;
            }
            Record::Died { queue, item, attempt } => {
                self.ended(queue, item, attempt, Standing::Dead)?;
            }
            Record::Revived(queue, item, at) => {
                let (item, standing) = self.item(queue, item)?;
                item.attempts = 0;
                item.ready_again(at);
                *standing = Standing::Ready;
            }
            Record::Purged { queue, spared } => {
                let kept = |id: &ItemId, standing| {
                    standing == Standing::Dead || spared.binary_search(id).is_ok()
                };
                self.at(queue)?.items.retain(|id, (_, standing)| kept(id, *standing));
            }
            Record::Key { queue, key, until } => {
                self.at(queue)?.keys.remember(key, until);
            }
            Record::Forgotten(queue, until) => {
                self.at(queue)?.keys.forget(until);
            }
            Record::Item { queue, item, standing } => self.put(queue, item, standing)?,
            Record::Numbered(next) => self.next = self.next.max(next),
            Record::Object { object, name, kind } => {
                self.number(object.0);
                self.objects.insert(object, Rows { name, kind, rows: BTreeMap::new() });
            }
            Record::Rows { object, rows } => {
                self.rows(object)?.extend(rows.into_iter().map(|row| (row.place, row)));
            }
            Record::RowsGone(object, places) => {
                let rows = self.rows(object)?;
                places.iter().for_each(|place| drop(rows.remove(place)));
            }
            Record::Emptied(object) => self.rows(object)?.clear(),
        }
        Ok(())
    }

    /// The state that decided the records, but for what was leased, which is ready. Handles are
    /// numbered from `first_handle`, as by [`State::new`].
    pub fn into_state(self, first_handle: u64, limits: Limits) -> State {
        let mut loading = Loading::new(first_handle, limits);
        let added = self.into_kept().try_for_each(|record| loading.add(record));
        added.expect("a queue comes before what is in it");
        loading.finish()
    }

    /// What is kept in the end.
    fn into_kept(self) -> impl Iterator<Item = Record> {
        let queues = self.queues.into_iter().flat_map(|(id, replayed)| {
            let Replayed { name, options, items, keys } = replayed;
            let mut items: Vec<_> = items.into_values().collect();
            items.sort_unstable_by_key(|(item, _)| item.id);
            let items = items.into_iter().map(move |(item, standing)| Record::Item {
                queue: id,
                item,
                standing,
            });
            let keys: Vec<_> =
                keys.all().map(|(until, key)| Record::Key { queue: id, key, until }).collect();
            [Record::Queue { queue: id, name, options }].into_iter().chain(items).chain(keys)
        });
        let objects = self.objects.into_iter().flat_map(|(object, Rows { name, kind, rows })| {
            let rows = Record::Rows { object, rows: rows.into_values().collect() };
            [Record::Object { object, name, kind }, rows]
        });
        [Record::Numbered(self.next)].into_iter().chain(queues).chain(objects)
    }

    fn queue(&mut self, id: QueueId, name: String, options: QueueOptions) {
        self.number(id.0);
        match self.queues.get_mut(&id) {
            Some(queue) => queue.options = options,
            None => {
                let (items, keys) = Default::default();
                self.queues.insert(id, Replayed { name, options, items, keys });
            }
        }
    }

    fn put(&mut self, queue: QueueId, item: Item, standing: Standing) -> Result<(), ReplayError> {
        let (id, Place(place)) = (item.id, item.place);
        self.number(id.0.max(place));
        match self.at(queue)?.items.insert(id, (item, standing)) {
            None => Ok(()),
            Some(_) => Err(ReplayError::ItemTwice(queue, id)),
        }
    }

    fn acked(&mut self, queue: QueueId, item: ItemId) -> Result<(), ReplayError> {
        let was = self.at(queue)?.items.remove(&item);
        was.map(drop).ok_or(ReplayError::UnknownItem(queue, item))
    }

    fn ended(
        &mut self,
        queue: QueueId,
        item: ItemId,
        attempt: Attempt,
        now: Standing,
    ) -> Result<(), ReplayError> {
        self.number(attempt.session.0);
        let (item, standing) = self.item(queue, item)?;
        item.remember(attempt);
        *standing = now;
        Ok(())
    }

    fn rows(&mut self, object: ObjectId) -> Result<&mut BTreeMap<u64, Row>, ReplayError> {
        let found = self.objects.get_mut(&object).map(|object| &mut object.rows);
        found.ok_or(ReplayError::UnknownObject(object))
    }

    fn at(&mut self, queue: QueueId) -> Result<&mut Replayed, ReplayError> {
        self.queues.get_mut(&queue).ok_or(ReplayError::UnknownQueue(queue))
    }

    fn item(&mut self, queue: QueueId, item: ItemId) -> Result<&mut (Item, Standing), ReplayError> {
        let found = self.at(queue)?.items.get_mut(&item);
        found.ok_or(ReplayError::UnknownItem(queue, item))
    }

    fn number(&mut self, number: u64) {
        self.next = self.next.max(number + 1);
    }
}

impl State {
    /// All that is kept, as records that replay to it: queues in the order of their ids, each
    /// with its items in the order of theirs, and its keys in the order in which they are
    /// forgotten; then the objects in the order of theirs, each with its rows.
    pub fn kept(&self) -> Vec<Record> {
        let mut queues: Vec<_> = self.queues.iter().filter(|(_, queue)| queue.is_kept()).collect();
        queues.sort_unstable_by_key(|(id, _)| **id);
        let mut kept = Vec::new();
        for (&id, queue) in queues {
            let (name, options) = (queue.name.clone(), queue.options.clone());
            kept.push(Record::Queue { queue: id, name, options });
            let mut items: Vec<_> = queue.standing().collect();
            items.sort_unstable_by_key(|(item, _)| item.id);
            let record = |(item, standing): (Cow<'_, Item>, _)| Record::Item {
                queue: id,
                item: Item { reply_to: None, ..item.into_owned() },
                standing,
            };
            kept.extend(items.into_iter().map(record));
            let record = |(until, key)| Record::Key { queue: id, key, until };
            kept.extend(queue.keys.all().map(record));
        }
        kept.extend(self.kept_rows());
        kept
    }
}

impl Queue {
    /// Every item of the queue with the state that is kept of it, in no particular order.
    fn standing(&self) -> impl Iterator<Item = (Cow<'_, Item>, Standing)> {
        self.items().map(|item| {
            let standing = self.standing_of(item.id);
            (item, standing)
        })
    }

    fn standing_of(&self, item: ItemId) -> Standing {
        match self.due(item) {
            Some(due) => Standing::Delayed(due),
            None if self.dead.contains_key(&item) => Standing::Dead,
            None => Standing::Ready,
        }
    }

    fn due(&self, item: ItemId) -> Option<Time> {
        self.delayed.get(&item).map(|delayed| delayed.due)
    }
}
