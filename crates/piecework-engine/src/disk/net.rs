//! What is left to be done of many records: an item that comes and goes within them needs no row.

use piecework_state::{ItemId, Record};
use std::collections::HashSet;

/// Items that come with these records, and go with them, for good. One whose ack was its delivery
/// is put again under its number when it could not be sent.
pub(super) fn passing(records: &[Record]) -> HashSet<ItemId> {
    let (mut put, mut passing, mut known) = (HashSet::new(), HashSet::new(), HashSet::new());
    for record in records {
        for item in acked(record) {
            if put.remove(&item) {
                passing.insert(item);
            } else if !passing.contains(&item) {
                known.insert(item); // it has a row
            }
        }
        for item in record.items().iter().map(|item| item.id) {
            if !known.contains(&item) {
                passing.remove(&item);
                put.insert(item);
            }
        }
    }
    passing
}

/// The items that a record acks.
fn acked(record: &Record) -> impl Iterator<Item = ItemId> {
    let (own, answered) = match record {
        Record::Acked(_, item) => (Some(*item), &[][..]),
        Record::Put { acked, .. } => (None, &acked[..]),
        _ => (None, &[][..]),
    };
    own.into_iter().chain(answered.iter().map(|(_, item)| *item))
}

/// The record without what it says of these items; `None` if it says nothing else.
pub(super) fn without(passing: &HashSet<ItemId>, mut record: Record) -> Option<Record> {
    let stays = |item: &ItemId| !passing.contains(item);
    match &mut record {
        Record::Put { items, acked, .. } => {
            items.retain(|item| stays(&item.id));
            acked.retain(|(_, item)| stays(item));
            if items.is_empty() && acked.is_empty() {
                return None;
            }
        }
        Record::Item { item, .. } if !stays(&item.id) => return None,
        Record::Acked(_, item)
        | Record::Returned { item, .. }
        | Record::Ready(_, item, ..)
        | Record::Died { item, .. }
        | Record::Revived(_, item, _)
            if !stays(item) =>
        {
            return None;
        }
        _ => {}
    }
    Some(record)
}

/// The record as several that say the same, each of one item if it settles any.
pub(super) fn parts(mut record: Record) -> Vec<Record> {
    let mut acks = Vec::new();
    if let Record::Put { acked, .. } = &mut record {
        acks.extend(acked.drain(..).map(|(queue, item)| Record::Acked(queue, item)));
    }
    std::iter::once(record).chain(acks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use piecework_state::{Item, Place, QueueId, Time};

    const QUEUE: QueueId = QueueId(1);

    fn put(ids: &[u64], acked: &[u64]) -> Record {
        let item = |id: &u64| Item {
            id: ItemId(*id),
            place: Place(*id),
            payload: vec![7].into(),
            stop: false,
            put_at: Time::from_secs(1),
            attempts: 0,
            rare: None,
            reply_to: None,
        };
        let acked = acked.iter().map(|id| (QUEUE, ItemId(*id))).collect();
        Record::Put { queue: QUEUE, items: ids.iter().map(item).collect(), due: None, acked }
    }

    fn net(records: Vec<Record>) -> Vec<Record> {
        let passing = passing(&records);
        records.into_iter().filter_map(|record| without(&passing, record)).collect()
    }

    #[test]
    fn an_item_that_comes_and_goes_leaves_nothing() {
        let ready = Record::Ready(QUEUE, ItemId(1), Place(9), Time::from_secs(2));
        let acked = Record::Acked(QUEUE, ItemId(1));
        assert_eq!(net(vec![put(&[1], &[]), ready, acked]), []);
        assert_eq!(net(vec![put(&[1], &[]), put(&[2], &[1]), put(&[3], &[2])]), [put(&[3], &[])]);
        assert_eq!(net(vec![put(&[1, 2], &[]), put(&[], &[2])]), [put(&[1], &[])]);
    }

    #[test]
    fn an_item_that_comes_again_under_its_number_is_there_if_it_was_there_last() {
        let acked = || Record::Acked(QUEUE, ItemId(1));
        let again = vec![put(&[1], &[]), acked(), put(&[1], &[])];
        assert_eq!(net(again.clone()), again);
        assert_eq!(net(vec![put(&[1], &[]), acked(), put(&[1], &[]), acked()]), []);
        let known = vec![acked(), put(&[1], &[]), acked()];
        assert_eq!(net(known.clone()), known);
    }

    #[test]
    fn an_item_that_was_there_before_goes() {
        let acked = Record::Acked(QUEUE, ItemId(1));
        assert_eq!(net(vec![acked.clone()]), [acked]);
        assert_eq!(net(vec![put(&[2], &[1])]), [put(&[2], &[1])]);
    }
}
