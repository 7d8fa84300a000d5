//! One container, a session that calls it, and values that are texts.

use super::World;
use super::objects::Shared;
use bytes::Bytes;
use piecework_state::{
    DictCall, Key, Limits, ListCall, Make, ObjectCall, QueueOptions, SessionId, SetCall, State,
    StateError,
};

/// One object, and a session that calls it.
pub struct One {
    pub world: World,
    pub object: Shared,
    pub session: SessionId,
}

impl One {
    pub fn new(make: Make) -> Self {
        Self::limited(make, u64::MAX)
    }

    pub fn limited(make: Make, bytes: u64) -> Self {
        let limits = Limits { bytes, ..Limits::default() };
        let mut world = World::limited(QueueOptions::default(), limits);
        let object = world.keep("one", make);
        let session = world.thread("MainProcess", &object);
        Self { world, object, session }
    }

    /// An object without a name, of which nothing is kept.
    pub fn passing(make: Make) -> Self {
        let mut world = World::auto();
        let object = world.make(make);
        let session = world.thread("MainProcess", &object);
        Self { world, object, session }
    }

    /// The only object that such a state keeps, and a session that calls it.
    pub fn of(state: State) -> Self {
        let mut world = World::of(state);
        let (id, ident) = match world.state.kept_objects().first() {
            Some((_, id, _)) => (*id, world.state.create_on(*id).unwrap()),
            None => panic!("nothing is kept"),
        };
        let object = Shared { id, ident };
        let session = world.thread("MainProcess", &object);
        Self { world, object, session }
    }

    pub fn on(&mut self, call: ObjectCall) -> String {
        self.world.on(self.session, &self.object, call)
    }

    pub fn list(&mut self, call: ListCall) -> String {
        self.on(ObjectCall::List(call))
    }

    pub fn dict(&mut self, call: DictCall) -> String {
        self.on(ObjectCall::Dict(call))
    }

    pub fn set(&mut self, call: SetCall) -> String {
        self.on(ObjectCall::InSet(call))
    }

    pub fn shown(&mut self) -> String {
        self.on(ObjectCall::Show)
    }
}

pub fn value(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// One value for each letter.
pub fn bytes(letters: &str) -> Vec<Bytes> {
    letters.chars().map(|letter| value(&letter.to_string())).collect()
}

pub fn key(text: &str) -> Key {
    Key { same: same(&value(text)).unwrap(), bytes: value(text) }
}

/// `1` and `1.0` are the same, `nan` is not even itself, and `?` is an object of some class.
pub fn same(value: &Bytes) -> Result<Option<Box<[u8]>>, StateError> {
    let text = str::from_utf8(value).unwrap();
    match text {
        "?" => Err(StateError::NoMethod { kind: "?" }),
        "nan" => Ok(None),
        text => Ok(Some(text.strip_suffix(".0").unwrap_or(text).as_bytes().into())),
    }
}
