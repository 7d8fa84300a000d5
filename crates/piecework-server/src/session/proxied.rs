//! Proxies where something is iterated over: what they lead to is read, and stands in their place.
//!
//! CPython's server makes the proxy anew, which then asks the server that it is in, over a
//! connection; here that is one look. Either way what is read is not of the moment of the call.

use super::error::PyError;
use super::methods::Method;
use super::shared;
use bytes::Bytes;
use piecework_state::{Kind, Make, Shown};
use piecework_wire::request::{Arg, ArgOut, request};
use piecework_wire::{Payload, Request, frame};

/// What makes a proxy anew.
const REBUILD: &str = "multiprocessing.managers.RebuildProxy";

/// What an argument is wanted for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum For {
    /// To be iterated over.
    Items,
    /// The entries of a dict.
    Entries,
    /// As it is.
    Itself,
}

/// An argument of the request that stands for another.
#[derive(Debug)]
enum Stands {
    Itself(Payload),
    Items(Vec<Payload>),
    Entries(Vec<[Payload; 2]>),
}

/// Reads a call that was refused once more, with what proxies lead to in their place; nothing if it
/// has none that are iterated over.
pub(super) fn method(
    request: &Request<'_>,
    contents: impl Fn(&str) -> Option<Shown>,
) -> Option<Result<Method, PyError>> {
    let kind = shared::kind_of(request.ident()?)?;
    let again = in_place(kind, request, contents)?;
    Some(Request::parse(&again).map_err(PyError::from).and_then(|request| Method::read(&request)))
}

/// The same for a `create`.
pub(super) fn make(
    kind: Kind,
    frame: &[u8],
    contents: impl Fn(&str) -> Option<Shown>,
) -> Option<Result<Make, PyError>> {
    let again = in_place(kind, &Request::parse(frame).ok()?, contents)?;
    let request = Request::parse(&again).map_err(PyError::from);
    Some(request.and_then(|request| shared::make(kind, &request)))
}

/// What an argument of a method is wanted for.
fn wanted(kind: Kind, method: &str, at: usize) -> For {
    match (kind, method, at) {
        (Kind::List, "extend" | "__iadd__", 0)
        | (Kind::List, "__setitem__", 1)
        | (Kind::Dict, "fromkeys", 0)
        | (Kind::List | Kind::Set, "create", 1)
        | (Kind::Array, "create", 2) => For::Items,
        (Kind::Dict, "update" | "__ior__", 0) | (Kind::Dict, "create", 1) => For::Entries,
        // Operators want a set, and a proxy is none.
        (Kind::Set, "add" | "discard" | "remove", _) => For::Itself,
        (Kind::Set, method, _) if !method.starts_with("__") => For::Items,
        _ => For::Itself,
    }
}

fn in_place(
    kind: Kind,
    asked: &Request<'_>,
    contents: impl Fn(&str) -> Option<Shown>,
) -> Option<Bytes> {
    let mut is_other = false;
    let mut stands = Vec::with_capacity(asked.len_args());
    for (at, arg) in asked.args().enumerate() {
        let found = match wanted(kind, asked.method(), at) {
            For::Itself => None,
            wanted => contents_of(arg, &contents).and_then(|shown| read(wanted, shown)),
        };
        is_other |= found.is_some();
        stands.push(match found {
            Some(found) => found,
            None => Stands::Itself(arg.payload().ok()?),
        });
    }
    if !is_other {
        return None;
    }
    let named = asked.kwarg_names().map(|name| Some((name, asked.kwarg(name)?.payload().ok()?)));
    let named = named.collect::<Option<Vec<_>>>()?;
    let args: Vec<_> = stands.iter().map(Stands::out).collect();
    let kwargs: Vec<_> =
        named.iter().map(|(name, value)| (*name, ArgOut::Payload(value))).collect();
    let mut again = bytes::BytesMut::new();
    request(&mut again, asked.ident(), asked.method(), &args, &kwargs);
    frame::cut(&mut again, usize::MAX).ok()?
}

impl Stands {
    fn out(&self) -> ArgOut<'_> {
        match self {
            Self::Itself(payload) => ArgOut::Payload(payload),
            Self::Items(items) => ArgOut::Payloads(items),
            Self::Entries(pairs) => ArgOut::Pairs(pairs),
        }
    }
}

/// What the object holds that an argument is a proxy of.
fn contents_of(arg: Arg<'_>, contents: impl Fn(&str) -> Option<Shown>) -> Option<Shown> {
    let (class, parts) = arg.call()?;
    // The second part is the token: a typeid, an address, and the ident.
    let token = parts.get(1).filter(|_| class == REBUILD)?;
    token.texts().iter().find_map(|text| contents(text))
}

/// What is there to iterate over, or to be entries.
fn read(wanted: For, shown: Shown) -> Option<Stands> {
    let payload = |bytes: Bytes| Payload::from_bytes(bytes).ok();
    match shown {
        Shown::List(values) | Shown::Set(values) | Shown::Array(_, values) => {
            let items = values.into_iter().map(payload);
            Some(Stands::Items(items.collect::<Option<_>>()?))
        }
        Shown::Dict(pairs) if wanted == For::Items => {
            let keys = pairs.into_iter().map(|[key, _]| payload(key));
            Some(Stands::Items(keys.collect::<Option<_>>()?))
        }
        Shown::Dict(pairs) => {
            let pair = |[key, value]: [Bytes; 2]| Some([payload(key)?, payload(value)?]);
            Some(Stands::Entries(pairs.into_iter().map(pair).collect::<Option<_>>()?))
        }
        _ => None,
    }
}
