//! Who could know an anonymous object, so that it goes when the last of them is gone.
//!
//! A client that is killed releases nothing, and its references stay. A process is not enough to go
//! by: a child that was spawned gets its proxies without a reference of its own (CPython's
//! `RebuildProxy` takes none while a process is being spawned) and relies on its parent's. But both
//! are of one process group, unless somebody saw to it that they are not.

use smallvec::SmallVec;

/// A process group of this machine, by its number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Group(pub u32);

/// The process groups that referred to an object or used it.
#[derive(Debug, Default)]
pub(crate) struct Knowers {
    groups: SmallVec<[Group; 2]>,
    /// Whether there are others, of whom nobody can tell when they are gone.
    others: bool,
}

impl Knowers {
    /// Somebody of this group knows it; `None` where the group is not known.
    pub(crate) fn add(&mut self, group: Option<Group>) {
        match group {
            None => self.others = true,
            Some(group) if self.groups.contains(&group) => {}
            Some(group) => self.groups.push(group),
        }
    }

    /// The groups whose end would be the end of it.
    pub(crate) fn watched(&self) -> &[Group] {
        if self.others { &[] } else { &self.groups }
    }

    /// Forgets groups that are gone; whether nobody is left.
    pub(crate) fn forget(&mut self, is_gone: impl Fn(&Group) -> bool) -> bool {
        self.groups.retain(|group| !is_gone(group));
        !self.others && self.groups.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_with_the_last_group() {
        let mut knowers = Knowers::default();
        for group in [1, 2, 1] {
            knowers.add(Some(Group(group)));
        }
        assert_eq!(knowers.watched(), [Group(1), Group(2)]);
        assert!(!knowers.forget(|group| *group == Group(1)));
        assert!(knowers.forget(|group| *group == Group(2)));
    }

    #[test]
    fn whoever_is_not_known_may_be_there_for_ever() {
        let mut knowers = Knowers::default();
        knowers.add(Some(Group(1)));
        knowers.add(None);
        assert_eq!(knowers.watched(), []);
        assert!(!knowers.forget(|_| true));
    }
}
