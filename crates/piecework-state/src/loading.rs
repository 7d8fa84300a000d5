//! Loading: from what is kept to a state that holds it.

use crate::deadline::Due;
use crate::error::ReplayError;
use crate::limits::Limits;
use crate::queue::{Life, Queue};
use crate::record::{Record, Standing};
use crate::state::State;
use crate::{Item, QueueId, Time};

/// A state that is being filled with what an engine has kept of earlier ones.
///
/// Nothing is held twice, so that whatever a manager could hold, it can start again with.
///
/// ```
/// use piecework_state::{Call, Limits, Loading, Outcome, Payload, Peer, QueueOptions, State, Time};
///
/// let (mut state, mut out) = (State::new(1, Limits::default()), Outcome::default());
/// let task = state.register("task", QueueOptions::default(), &mut out);
/// let master = state.open(Time::from_secs(1), Peer::native("master"));
/// let put = Call::put(task, Payload::opaque("3411"));
/// state.apply_into(Time::from_secs(1), master, put, &mut out);
///
/// let mut loading = Loading::new(1, Limits::default());
/// for record in state.kept() {
///     loading.add(record)?;
/// }
/// assert_eq!(loading.finish().kept(), state.kept());
/// # Ok::<(), piecework_state::ReplayError>(())
/// ```
#[derive(Debug)]
pub struct Loading {
    state: State,
    /// Every number that a record has named is below this one.
    next: u64,
}

impl Loading {
    /// Begins with a state that holds nothing; handles are numbered from `first_handle`, as by
    /// [`State::new`].
    pub fn new(first_handle: u64, limits: Limits) -> Self {
        Self { state: State::new(first_handle, limits), next: 0 }
    }

    /// Takes the next record of what is kept: queues before their items, items in the order of
    /// their ids; objects before their rows, rows in the order of their places.
    ///
    /// # Errors
    ///
    /// When it is about a queue that is not there, or says what was done rather than what is kept.
    pub fn add(&mut self, record: Record) -> Result<(), ReplayError> {
        match record {
            Record::Queue { queue: id, name, options } => {
                self.number(id.0);
                let queue = Queue::new(&name, Life::Kept, options);
                self.state.names.insert(name, id);
                self.state.queues.insert(id, queue);
            }
            Record::Item { queue, item, standing } => self.item(queue, item, standing)?,
            Record::Key { queue, key, until } => {
                let at = self.state.queues.get_mut(&queue);
                let at = at.ok_or(ReplayError::UnknownQueue(queue))?;
                let before = at.keys.first();
                at.keys.remember(key, until);
                self.state.keys += 1;
                let first = at.keys.first();
                if first != before {
                    if let Some(before) = before {
                        self.state.deadlines.remove(before, Due::Keys(queue));
                    }
                    self.state.deadlines.add(first.unwrap_or(until), Due::Keys(queue));
                }
            }
            Record::Object { object, name, kind } => {
                self.number(object.0);
                self.state.restore_object(object, name, kind)?;
            }
            Record::Rows { object, rows } => self.state.restore_rows(object, rows)?,
            Record::Numbered(next) => self.next = self.next.max(next),
            _ => return Err(ReplayError::NotKept),
        }
        Ok(())
    }

    /// The state, with whatever was leased ready again.
    pub fn finish(mut self) -> State {
        self.state.skip_numbers(self.next);
        self.state
    }

    fn item(&mut self, id: QueueId, item: Item, standing: Standing) -> Result<(), ReplayError> {
        self.number(item.id.0.max(item.place.0));
        let state = &mut self.state;
        let queue = state.queues.get_mut(&id).ok_or(ReplayError::UnknownQueue(id))?;
        let len = item.payload.len();
        queue.bytes += len;
        state.bytes += len;
        state.resident += item.payload.resident();
        state.items += 1;
        queue.unfinished += u64::from(standing != Standing::Dead);
        match standing {
            Standing::Ready => {
                if queue.options.expire.is_some() && queue.expiry.is_none() {
                    // What time it is now, the first tick says.
                    queue.restored = true;
                    queue.expiry = Some(Time::default());
                    state.deadlines.add(Time::default(), Due::Expiry(id));
                }
                queue.ready.restore(item);
            }
            Standing::Delayed(due) => {
                state.deadlines.add(due, Due::Delay(id, item.id));
                queue.delay(item, due);
            }
            Standing::Dead => {
                queue.dead.insert(item.id, item);
            }
        }
        Ok(())
    }

    fn number(&mut self, number: u64) {
        self.next = self.next.max(number + 1);
    }
}
