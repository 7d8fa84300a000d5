//! Calls on containers: what they bring is counted, and an iterator is an object of its own.

use super::call::{Kind, ObjectCall};
use super::container_call::{DictCall, ListCall};
use super::handle::ident;
use super::object::{Keys, Object, What};
use super::serve::no_method;
use super::target::Target;
use crate::ObjectId;
use crate::call::{Outcome, Reply};
use crate::error::StateError;
use crate::state::{Served, State};

impl ObjectCall {
    /// How many bytes it brings to an object that has so many.
    fn bytes(&self, before: u64) -> u64 {
        if let Self::List(ListCall::TimesInPlace(times)) = self {
            return before.saturating_mul(u64::try_from(*times).unwrap_or(0).saturating_sub(1));
        }
        self.values().iter().map(|value| value.len() as u64).sum()
    }
}

impl State {
    /// Serves a call that waits for nothing and serves nobody.
    pub(super) fn call_container(
        &mut self,
        id: ObjectId,
        call: ObjectCall,
        out: &mut Outcome,
    ) -> Served {
        let Some(before) = self.objects.get(&id).map(Object::bytes) else {
            return Err(StateError::NoObject { ident: id.to_string() });
        };
        let brought = call.bytes(before);
        if brought > 0 && self.bytes.saturating_add(brought) > self.limits.bytes {
            return Err(self.no_memory());
        }
        if let ObjectCall::Dict(DictCall::Iterate) = call {
            return self.iterate(id);
        }
        if let ObjectCall::Next = call {
            return self.next_key(id);
        }
        let Some(object) = self.objects.get_mut(&id) else {
            return Err(StateError::NoObject { ident: id.to_string() });
        };
        if object.lacks_room(&call, brought, self.room) {
            let message = StateError::FullDisk.to_string();
            return Err(StateError::Raised { class: "OSError", message });
        }
        let done = match (&mut object.what, call) {
            (_, ObjectCall::Show) => Ok(Reply::Shown(object.show())),
            (What::Value(cell), ObjectCall::Get) => Ok(Reply::Value(cell.value.clone())),
            (What::Value(cell), ObjectCall::Put(value)) => {
                cell.set(value);
                Ok(Reply::None)
            }
            (What::Value(cell), ObjectCall::Whole) => {
                Ok(Reply::Instance(Kind::Value, cell.attributes()))
            }
            (What::Namespace(names), ObjectCall::Whole) => {
                Ok(Reply::Instance(Kind::Namespace, names.attributes()))
            }
            (What::Array(array), ObjectCall::Array(call)) => array.call(call),
            (What::Namespace(names), ObjectCall::Namespace(call)) => names.call(call),
            (What::List(list), ObjectCall::List(call)) => list.call(call),
            (What::Dict(dict), ObjectCall::Dict(call)) => dict.call(call),
            (What::Set(set), ObjectCall::InSet(call)) => set.call(call),
            _ => Err(no_method(object.kind)),
        };
        object.note_changes(id, out);
        self.bytes = self.bytes.saturating_sub(before).saturating_add(object.bytes());
        done.map(Some)
    }

    /// Python's exception for what there is no room for.
    pub(super) fn no_memory(&self) -> StateError {
        let full = StateError::FullBytes { bytes: self.bytes, bytes_max: self.limits.bytes };
        StateError::Raised { class: "MemoryError", message: full.to_string() }
    }

    /// `iter()` of a dict: a new object, which goes with the last reference to it.
    fn iterate(&mut self, id: ObjectId) -> Served {
        let Some(What::Dict(dict)) = self.objects.get(&id).map(|object| &object.what) else {
            return Err(no_method(Kind::Dict));
        };
        let keys = dict.keys();
        let bytes = keys.iter().map(|key| key.len() as u64).sum();
        let keys = Keys { len: dict.len(), keys: keys.into_iter(), of: id, bytes, is_over: false };
        let iterator = self.add(None, Kind::Iterator, What::Iterator(keys))?;
        let stem = self.objects.get(&iterator).map(Object::stem).unwrap_or_default();
        let handle = self.handles.create(Target::Object(iterator), usize::MAX);
        Ok(Some(Reply::Proxy(Kind::Iterator, ident(&stem, handle))))
    }

    fn next_key(&mut self, id: ObjectId) -> Served {
        let stop = StateError::Raised { class: "StopIteration", message: String::new() };
        let iterator = self.objects.get(&id).map(|object| &object.what);
        let Some(What::Iterator(Keys { of, len, is_over: false, .. })) = iterator else {
            return Err(stop);
        };
        let now = match self.objects.get(of).map(|object| &object.what) {
            Some(What::Dict(dict)) => dict.len(),
            _ => *len,
        };
        if now != *len {
            let message = "dictionary changed size during iteration".to_owned();
            return Err(StateError::Raised { class: "RuntimeError", message });
        }
        let Some(What::Iterator(keys)) = self.objects.get_mut(&id).map(|object| &mut object.what)
        else {
            return Err(stop);
        };
        let Some(key) = keys.keys.next() else {
            keys.is_over = true;
            return Err(stop);
        };
        keys.bytes -= key.len() as u64;
        self.bytes = self.bytes.saturating_sub(key.len() as u64);
        Ok(Some(Reply::Value(key)))
    }
}
