//! Objects that are kept: which can be, what is said of a change, and how they come back.
//!
//! A lock, a semaphore and their like are about sessions, and end with them; what is kept is what
//! holds values.

use super::call::{Kind, Make};
use super::container_call::ListCall;
use super::object::{Object, What};
use super::row::{Change, Row};
use crate::ObjectId;
use crate::call::Outcome;
use crate::error::{ReplayError, StateError};
use crate::record::Record;
use crate::state::State;
use bytes::Bytes;

impl Kind {
    /// Whether objects of this kind can be kept.
    pub fn can_be_kept(self) -> bool {
        self.make_empty().is_some()
    }

    /// One with nothing in it, of a kind that can be kept.
    fn make_empty(self) -> Option<Make> {
        Some(match self {
            Self::Value => Make::Value { typecode: Bytes::new(), value: Bytes::new() },
            Self::Namespace => Make::Namespace(Vec::new()),
            Self::List => Make::List(Vec::new()),
            Self::Dict => Make::Dict(Vec::new()),
            Self::Set => Make::Set(Vec::new()),
            _ => return None,
        })
    }
}

impl What {
    /// From here on its changes are noted.
    fn keep(&mut self) {
        match self {
            Self::Value(cell) => cell.changes.begin(),
            Self::Namespace(names) => names.0.changes.begin(),
            Self::List(list) => list.keep(),
            Self::Dict(dict) => dict.changes.begin(),
            Self::Set(set) => set.0.changes.begin(),
            _ => {}
        }
    }

    fn take_changes(&mut self) -> Vec<Change> {
        match self {
            Self::Value(cell) => cell.changes.take(),
            Self::Namespace(names) => names.0.changes.take(),
            Self::List(list) => list.take_changes(),
            Self::Dict(dict) => dict.changes.take(),
            Self::Set(set) => set.0.changes.take(),
            _ => Vec::new(),
        }
    }

    /// All of it, as rows.
    fn rows(&self) -> Vec<Row> {
        match self {
            Self::Value(cell) => cell.rows().collect(),
            Self::Namespace(names) => names.0.rows().collect(),
            Self::List(list) => list.rows().collect(),
            Self::Dict(dict) => dict.rows().collect(),
            Self::Set(set) => set.0.rows().collect(),
            _ => Vec::new(),
        }
    }

    /// Has this row again, which comes behind those that it has.
    fn restore(&mut self, row: Row) {
        match self {
            Self::Value(cell) => cell.restore(row),
            Self::Namespace(names) => names.0.restore(row),
            Self::List(list) => list.restore(row),
            Self::Dict(dict) => dict.restore(row),
            Self::Set(set) => set.0.restore(row),
            _ => {}
        }
    }
}

impl ListCall {
    /// Whether it moves what is there already, all of which is kept anew then.
    fn moves_all(&self) -> bool {
        matches!(self, Self::Sort { .. } | Self::Reverse | Self::TimesInPlace(_))
    }
}

impl State {
    /// Adds an object with a name, of which everything is kept if it is of a kind that can be.
    ///
    /// # Errors
    ///
    /// When there are too many already.
    pub fn keep_object(
        &mut self,
        name: &str,
        make: Make,
        out: &mut Outcome,
    ) -> Result<ObjectId, StateError> {
        let kind = make.kind();
        let id = self.register_object(name, make)?;
        if kind.can_be_kept()
            && let Some(object) = self.objects.get_mut(&id)
        {
            object.is_kept = true;
            object.what.keep();
            out.records.push(Record::Object { object: id, name: name.to_owned(), kind });
            out.records.extend(object.all_rows(id));
            // It was just said.
            object.what.take_changes();
        }
        Ok(id)
    }

    /// The objects that are kept, with their names, by these.
    pub fn kept_objects(&self) -> Vec<(&str, ObjectId, Kind)> {
        let kept = self.objects.iter().filter(|(_, object)| object.is_kept);
        let named =
            kept.filter_map(|(id, object)| Some((object.name.as_deref()?, *id, object.kind)));
        let mut all: Vec<_> = named.collect();
        all.sort_unstable();
        all
    }

    /// All that is kept of them, as records.
    pub(crate) fn kept_rows(&self) -> impl Iterator<Item = Record> {
        let mut kept: Vec<_> = self.objects.iter().filter(|(_, object)| object.is_kept).collect();
        kept.sort_unstable_by_key(|(id, _)| **id);
        kept.into_iter().flat_map(|(&id, object)| {
            let name = object.name.clone().unwrap_or_default();
            let made = Record::Object { object: id, name, kind: object.kind };
            [made].into_iter().chain(object.all_rows(id))
        })
    }

    /// Such an object is there again, empty.
    pub(crate) fn restore_object(
        &mut self,
        id: ObjectId,
        name: String,
        kind: Kind,
    ) -> Result<(), ReplayError> {
        let mut what = kind.make_empty().ok_or(ReplayError::NotKept)?.make();
        what.keep();
        let object = Object { name: Some(name), is_kept: true, kind, what };
        self.object_names.insert(object.stem(), id);
        self.objects.insert(id, object);
        Ok(())
    }

    /// Rows of it are there again, which come behind those that are.
    pub(crate) fn restore_rows(&mut self, id: ObjectId, rows: Vec<Row>) -> Result<(), ReplayError> {
        let object = self.objects.get_mut(&id).ok_or(ReplayError::UnknownObject(id))?;
        let before = object.bytes();
        rows.into_iter().for_each(|row| object.what.restore(row));
        // That is no news.
        object.what.take_changes();
        self.bytes += object.bytes() - before;
        Ok(())
    }
}

impl Object {
    /// Whether what a call writes anew in an object of so many bytes goes beyond `room`.
    pub(super) fn lacks_room(&self, call: &super::ObjectCall, brought: u64, room: u64) -> bool {
        let moved = match call {
            super::ObjectCall::List(call) if call.moves_all() => self.bytes(),
            _ => 0,
        };
        let written = brought.saturating_add(moved);
        self.is_kept && written > 0 && written > room
    }

    /// What has changed in it is to be kept, if it is.
    pub(super) fn note_changes(&mut self, id: ObjectId, out: &mut Outcome) {
        if self.is_kept {
            out.records.extend(records(id, self.what.take_changes()));
        }
    }

    fn all_rows(&self, object: ObjectId) -> Option<Record> {
        let rows = self.what.rows();
        (!rows.is_empty()).then_some(Record::Rows { object, rows })
    }
}

/// Changes as records: those of one kind that follow each other are one.
fn records(object: ObjectId, changes: Vec<Change>) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for change in changes {
        match (change, records.last_mut()) {
            (Change::Row(row), Some(Record::Rows { rows, .. })) => rows.push(row),
            (Change::Row(row), _) => records.push(Record::Rows { object, rows: vec![row] }),
            (Change::Gone(place), Some(Record::RowsGone(_, places))) => places.push(place),
            (Change::Gone(place), _) => records.push(Record::RowsGone(object, vec![place])),
            (Change::Emptied, _) => records.push(Record::Emptied(object)),
        }
    }
    records
}
