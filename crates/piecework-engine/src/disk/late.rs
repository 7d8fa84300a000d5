//! What the journal has to say of the items in the tables, for one who may not change the tables.

use super::journal::{self, Entry};
use crate::EngineError;
use piecework_state::{ItemId, Limits, ObjectId, QueueId, Record, Replay, ReplayError};
use std::collections::HashSet;

/// Decisions that are not in the tables yet, with what they are about.
#[derive(Debug, Default)]
pub(super) struct Late {
    records: Vec<Record>,
    items: HashSet<ItemId>,
    /// Queues of which they concern every item.
    purged: HashSet<QueueId>,
    /// Objects whose rows they concern.
    objects: HashSet<ObjectId>,
    /// What the tables say of those.
    before: Replay,
}

impl Late {
    pub(super) fn of(entries: &[Entry]) -> Result<Self, EngineError> {
        let mut late = Self { records: journal::records(entries)?, ..Self::default() };
        for record in &late.records {
            if let Record::Purged { queue, .. } = record {
                late.purged.insert(*queue);
            }
            late.items.extend(spoken_of(record));
            if let Record::Rows { object, .. }
            | Record::RowsGone(object, _)
            | Record::Emptied(object) = record
            {
                late.objects.insert(*object);
            }
        }
        Ok(late)
    }

    /// Takes note of a record of the tables. True if the item, or the object, is not what the
    /// record says: then it is among those of [`Late::finish`], if it is there at all.
    pub(super) fn takes(&mut self, record: &Record) -> Result<bool, ReplayError> {
        let (noted, taken) = match record {
            Record::Queue { .. } | Record::Object { .. } => (true, false),
            Record::Rows { object, .. } => {
                let taken = self.objects.contains(object);
                (taken, taken)
            }
            Record::Item { queue, item, .. } => {
                let taken = self.items.contains(&item.id) || self.purged.contains(queue);
                (taken, taken)
            }
            _ => (false, false),
        };
        if noted {
            self.before.add(record.clone())?;
        }
        Ok(taken)
    }

    /// The queues and the objects as they are, with what the tables did not tell of as it is.
    pub(super) fn finish(mut self) -> Result<Vec<Record>, ReplayError> {
        self.records.into_iter().try_for_each(|record| self.before.add(record))?;
        let mut kept = self.before.into_state(1, Limits::default()).kept();
        // Of a value there are rows whether its own were noted or not.
        kept.retain(|record| match record {
            Record::Rows { object, .. } => self.objects.contains(object),
            _ => true,
        });
        Ok(kept)
    }
}

/// The items that a record names and does not bring.
fn spoken_of(record: &Record) -> Vec<ItemId> {
    match record {
        Record::Put { acked, .. } => acked.iter().map(|(_, item)| *item).collect(),
        Record::Acked(_, item)
        | Record::Ready(_, item, ..)
        | Record::Revived(_, item, _)
        | Record::Returned { item, .. }
        | Record::Died { item, .. } => vec![*item],
        _ => Vec::new(),
    }
}
