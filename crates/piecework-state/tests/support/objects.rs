//! Objects beside queues, sessions that share them, and what these are told, in words.

use super::World;
use piecework_state::{
    Call, Make, ObjectCall, ObjectId, Outcome, Peer, Reply, SessionId, Shown, Time, Wait,
};
use std::time::Duration;

/// An object without a name, and the ident that all who share it say.
#[derive(Clone, Debug)]
pub struct Shared {
    pub id: ObjectId,
    pub ident: String,
}

impl World {
    /// An object to which nobody but the test refers.
    pub fn make(&mut self, make: Make) -> Shared {
        let ident = self.state.create_object(make).unwrap();
        self.shared(ident)
    }

    /// An object with a name, kept if that can be: whatever befalls it, it replays.
    pub fn keep(&mut self, name: &str, make: Make) -> Shared {
        let mut out = Outcome::default();
        let id = self.state.keep_object(name, make, &mut out).unwrap();
        self.note(out);
        let ident = self.state.create_on(id).unwrap();
        Shared { id, ident }
    }

    /// What an ident leads to.
    pub fn shared(&mut self, ident: String) -> Shared {
        let looks = self.state.open(self.now, Peer::native("looks"));
        let mut out = Outcome::default();
        let at = self.state.resolve(self.now, looks, &ident, &mut out).unwrap();
        let ended = self.state.end(self.now, looks);
        assert!(out.woken.is_empty() && ended.woken.is_empty());
        let piecework_state::Target::Object(id) = at else { panic!("{ident} is no object") };
        Shared { id, ident }
    }

    /// A process that shares the object: it refers to it, and its main thread connects.
    pub fn process(&mut self, name: &str, object: &Shared) -> SessionId {
        self.state.incref(&object.ident).unwrap();
        self.thread(name, object)
    }

    /// Processes, each with its own name.
    pub fn processes<const N: usize>(&mut self, object: &Shared) -> [SessionId; N] {
        std::array::from_fn(|at| self.process(&format!("Process-{at}"), object))
    }

    /// One more thread of a process: a connection that has used the object.
    pub fn thread(&mut self, name: &str, object: &Shared) -> SessionId {
        let session = self.state.open(self.now, Peer::stock(name, "10.0.0.7"));
        self.touch(session, object);
        session
    }

    /// The session makes a call on the object that changes nothing.
    pub fn touch(&mut self, session: SessionId, object: &Shared) {
        self.on(session, object, ObjectCall::Show);
    }

    /// A call on the object by its ident, and what it comes to, in words.
    pub fn on(&mut self, session: SessionId, object: &Shared, call: ObjectCall) -> String {
        let mut out = Outcome::default();
        match self.state.resolve(self.now, session, &object.ident, &mut out) {
            Ok(_) => {
                let call = Call::Object(object.id, call);
                self.state.apply_into(self.now, session, call, &mut out);
            }
            Err(error) => out.reply = Some(Reply::Error(error)),
        }
        said(self.note(out))
    }

    /// A process goes in good order: it lets go of the object, then its connection closes.
    pub fn leave(&mut self, session: SessionId, object: &Shared) {
        self.let_go(object);
        self.end(session);
    }

    /// One reference less.
    pub fn let_go(&mut self, object: &Shared) {
        let out = self.state.decref(self.now, &object.ident).unwrap();
        self.note(out);
    }

    /// A session gives up its call.
    pub fn give_up(&mut self, session: SessionId) {
        let out = self.state.cancel(self.now, session).unwrap();
        assert!(out.reply.is_none());
        self.note(out);
    }

    /// Who was served since somebody looked last, and what they were told.
    pub fn told(&mut self) -> Vec<(SessionId, String)> {
        self.woken.drain(..).map(|(who, reply)| (who, said(Some(reply)))).collect()
    }

    /// A moment so many seconds from now.
    pub fn within(&self, secs: u64) -> Wait {
        Wait::Until(self.now + Duration::from_secs(secs))
    }
}

pub const ACQUIRE: ObjectCall = ObjectCall::Acquire(Wait::Forever);
pub const TRY: ObjectCall = ObjectCall::Acquire(Wait::No);
pub const RELEASE: ObjectCall = ObjectCall::Release(1);
pub const WAIT: ObjectCall = ObjectCall::Wait(None);

pub fn wait_until(at: Time) -> ObjectCall {
    ObjectCall::Wait(Some(Wait::Until(at)))
}

/// A reply as Python would write it; a call that has none yet waits.
pub fn said(reply: Option<Reply>) -> String {
    let Some(reply) = reply else { return "waits".to_owned() };
    match reply {
        Reply::None => "None".to_owned(),
        Reply::Bool(true) | Reply::Granted(_) | Reply::Notified(_) => "True".to_owned(),
        Reply::Bool(false) => "False".to_owned(),
        Reply::Count(count) => count.to_string(),
        Reply::Value(value) => text(&value),
        Reply::Values(values) => list(&values),
        Reply::Set(values) => format!("{{{}}}", joined(values.iter().map(|value| text(value)))),
        Reply::Iterator(values) => format!("iter({})", list(&values)),
        Reply::Instance(kind, names) => {
            let names = names.iter().map(|(name, value)| format!("{name}={}", text(value)));
            format!("{}({})", kind.name(), joined(names))
        }
        Reply::Reversed(values) => format!("reversed({})", list(&values)),
        Reply::Pair(pair) => tuple(&pair),
        Reply::Pairs(pairs) => format!("[{}]", joined(pairs.iter().map(tuple))),
        Reply::Dict(pairs) => dict(&pairs),
        Reply::Array(typecode, values) => format!("array('{typecode}', {})", list(&values)),
        Reply::Proxy(_, ident) => ident,
        Reply::Shown(shown) => shows(&shown),
        Reply::Error(error) => error.to_string(),
        other => panic!("{other:?} is no reply of an object"),
    }
}

fn shows(shown: &Shown) -> String {
    match shown {
        Shown::List(values) => list(values),
        Shown::Dict(pairs) => dict(pairs),
        Shown::Set(values) => format!("{{{}}}", joined(values.iter().map(|value| text(value)))),
        Shown::Value(pair) => format!("Value{}", tuple(pair)),
        Shown::Array(typecode, values) => format!("array('{typecode}', {})", list(values)),
        Shown::Names(names) => {
            let names = names.iter().map(|(name, value)| format!("{name}={}", text(value)));
            format!("Namespace({})", joined(names))
        }
        Shown::Opaque(kind) => format!("<{}>", kind.name()),
    }
}

fn text(value: &[u8]) -> String {
    String::from_utf8(value.to_vec()).unwrap()
}

fn list(values: &[bytes::Bytes]) -> String {
    format!("[{}]", joined(values.iter().map(|value| text(value))))
}

fn tuple([first, second]: &[bytes::Bytes; 2]) -> String {
    format!("({}, {})", text(first), text(second))
}

fn dict(pairs: &[[bytes::Bytes; 2]]) -> String {
    format!("{{{}}}", joined(pairs.iter().map(|[key, value]| text(key) + ": " + &text(value))))
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
