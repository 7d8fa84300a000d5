//! Places of the items of a list that is kept: numbers that go up from item to item, with room
//! between them, so that what is inserted moves nothing else.

use super::row::Changes;
use bytes::Bytes;
use std::ops::Range;

/// The place of the first item of all.
const FIRST: u64 = 1 << 61;

/// How far an item is from the one that it is put beside, at either end of the list.
const STEP: u64 = 1 << 20;

/// No place is higher.
const LAST: u64 = 1 << 62;

/// Where each item is.
#[derive(Debug, Default)]
pub(crate) struct Places {
    of: Vec<u64>,
    pub(super) changes: Changes,
}

impl Places {
    /// Those of these items, of which nothing was kept so far.
    pub(super) fn of(items: &[Bytes]) -> Self {
        let mut places = Self::default();
        places.changes.begin();
        places.replaced(0..0, items.len(), items);
        places
    }

    /// The next item comes from what was kept, and was in this place.
    pub(super) fn restore(&mut self, place: u64) {
        self.changes.begin();
        self.of.push(place);
    }

    pub(super) fn all(&self) -> &[u64] {
        &self.of
    }

    /// In the places of `range` there are so many items now; `items` are all of the list.
    pub(super) fn replaced(&mut self, range: Range<usize>, count: usize, items: &[Bytes]) {
        let before = range.start.checked_sub(1).and_then(|at| self.of.get(at)).copied();
        let behind = self.of.get(range.end).copied();
        let mut new: Vec<u64> = self.of.get(range.clone()).unwrap_or_default().to_vec();
        let gone = new.split_off(new.len().min(count));
        let fresh = between(new.last().copied().or(before), behind, count - new.len());
        let Some(fresh) = fresh else { return self.anew(items) };
        new.extend(fresh);
        gone.into_iter().for_each(|place| self.changes.gone(place));
        for (place, item) in new.iter().zip(items.iter().skip(range.start)) {
            self.changes.row(*place, None, item);
        }
        self.of.splice(range, new);
    }

    /// The list is these items from here on.
    pub(super) fn anew(&mut self, items: &[Bytes]) {
        self.changes.emptied();
        self.of.clear();
        self.replaced(0..0, items.len(), items);
    }
}

/// So many places behind the one and before the other; `None` if there is no room.
fn between(before: Option<u64>, behind: Option<u64>, count: usize) -> Option<Vec<u64>> {
    let steps = count as u64;
    let (first, step) = match (before, behind) {
        (None, None) => (FIRST, STEP),
        (Some(before), None) => (before + STEP, STEP),
        (None, Some(behind)) => (behind.checked_sub(STEP.checked_mul(steps)?)?, STEP),
        (Some(before), Some(behind)) => {
            let step = (behind - before) / (steps + 1);
            (before + step, step)
        }
    };
    let last = first.checked_add(step.checked_mul(steps)?)?;
    let has_room = (step > 0 && last <= LAST) || count == 0;
    has_room.then(|| (0..steps).map(|at| first + at * step).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::row::Change;

    fn items(count: usize) -> Vec<Bytes> {
        vec![Bytes::from_static(b"N."); count]
    }

    fn rising(places: &Places) -> bool {
        places.of.is_sorted_by(|a, b| a < b)
    }

    #[test]
    fn places_go_up_wherever_an_item_is_put() {
        for at in [0, 1, 2] {
            let mut places = Places::of(&items(2));
            for count in 3..100 {
                places.replaced(at..at, 1, &items(count));
                assert!(rising(&places) && places.of.len() == count, "{at}: {places:?}");
            }
        }
    }

    #[test]
    fn an_item_that_is_put_beside_others_moves_none_of_them() {
        let mut places = Places::of(&items(1_000));
        places.changes.take();
        places.replaced(0..0, 1, &items(1_001));
        places.replaced(1_001..1_001, 1, &items(1_002));
        places.replaced(500..500, 1, &items(1_003));
        assert_eq!(places.changes.take().len(), 3);
    }

    #[test]
    fn where_there_is_no_room_left_all_move() {
        let mut places = Places::of(&items(2));
        let mut moved = 0;
        for count in 3..100 {
            places.replaced(1..1, 1, &items(count));
            moved += usize::from(matches!(places.changes.take().first(), Some(Change::Emptied)));
            assert!(rising(&places));
        }
        assert!(
            (1..=5).contains(&moved),
            "20 halvings take up a step, and {moved} times it was so"
        );
    }

    #[test]
    fn what_is_replaced_keeps_its_place_and_what_is_gone_frees_it() {
        let mut places = Places::of(&items(5));
        let before = places.of.clone();
        places.changes.take();
        places.replaced(1..4, 2, &items(4));
        assert_eq!(places.of, [before[0], before[1], before[2], before[4]]);
        let changes = places.changes.take();
        assert!(matches!(changes[..], [Change::Gone(_), Change::Row(_), Change::Row(_)]));
    }

    #[test]
    fn at_the_ends_of_the_numbers_all_move() {
        for (place, at) in [(LAST - 1, 1), (STEP - 1, 0)] {
            let mut places = Places::default();
            places.restore(place);
            places.replaced(at..at, 1, &items(2));
            assert_eq!(places.of, [FIRST, FIRST + STEP]);
        }
    }
}
