//! A call that makes an object, taken apart without making it: what is called, and with what.
use super::opcode::{NEWOBJ, REDUCE};
use super::reader::{Ops, Span, Walker};
use super::value::Value;
use super::{Payload, decode};
use memchr::memmem::Finder;
use std::sync::LazyLock;

impl Payload {
    /// Returns what the first call in the pickle calls, as `module.name`, and the arguments, if
    /// they are plain data. Most objects are made by such a call.
    pub fn call(&self) -> Option<(String, Vec<Value>)> {
        match arguments(self.body())? {
            Value::Tuple(arguments) => Some((self.class_name()?, arguments)),
            _ => None,
        }
    }
}

/// Finds what makes a proxy anew, in `multiprocessing.managers`.
static REBUILD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("RebuildProxy"));

/// Whether there may be a proxy in any payload of a message. It takes a moment for a message, and
/// would take many for its payloads.
pub fn may_hold_proxies(message: &[u8]) -> bool {
    REBUILD.find(message).is_some()
}

impl Payload {
    /// Returns the texts of a pickle that has proxies in it, among them the idents of what these
    /// are proxies of; nothing where there are none, which takes no longer than to read it once.
    pub fn texts_beside_proxies(&self) -> Vec<String> {
        let body = self.body();
        if REBUILD.find(body).is_none() {
            return Vec::new();
        }
        self.texts()
    }

    /// Returns the texts in a pickle, names of classes among them.
    pub fn texts(&self) -> Vec<String> {
        let body = self.body();
        let mut texts = Vec::new();
        let mut ops = Ops::new(body, Span { start: 0, end: body.len() });
        while let Ok(Some(op)) = ops.next() {
            texts.extend(decode::text(&op, body).ok());
        }
        texts
    }
}

/// The arguments of the first call in the body.
fn arguments(body: &[u8]) -> Option<Value> {
    let mut walker = Walker::new([]);
    let mut ops = Ops::new(body, Span { start: 0, end: body.len() });
    while let Some(op) = ops.next().ok()? {
        if let REDUCE | NEWOBJ = op.code {
            let start = walker.start_of(walker.depth().checked_sub(1)?)?;
            return decode::decode(body, Span { start, end: op.at }).ok();
        }
        walker.step(&op, body).ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_a_call() {
        for pickle in [
            &b"\x80\x04\x8c\x08builtins\x94\x8c\x05slice\x94\x93\x94K\x01NK\x02\x87\x94R\x94."[..],
            b"c__builtin__\nslice\nq\x00(I1\nNI2\ntq\x01Rq\x02.",
        ] {
            let (class, arguments) = Payload::from_pickle(pickle).unwrap().call().unwrap();
            assert!(class.ends_with(".slice"), "{class}");
            assert_eq!(arguments, [Value::Int(1), Value::None, Value::Int(2)]);
        }
        assert_eq!(Payload::from_value(&Value::Int(1)).call(), None);
    }

    #[test]
    fn proxies_are_found_wherever_they_are() {
        let proxy =
            b"\x80\x04]\x94\x8c\x18multiprocessing.managers\x94\x8c\x0cRebuildProxy\x94\x93\
            \x94\x8c\x06list.5\x94\x85\x94R\x94a.";
        let texts = Payload::from_pickle(proxy).unwrap().texts_beside_proxies();
        assert_eq!(texts.last().unwrap(), "list.5");
        let list = Value::List(vec!["list.5".into()]);
        assert!(Payload::from_value(&list).texts_beside_proxies().is_empty());
    }
}
