//! The requests that a client says over and over: what they come to is known without reading them.
//! It saves three quarters of what a small request costs beside the system calls.

use super::arguments::WaitArgs;
use super::methods::Method;
use piecework_wire::Request;
use piecework_wire::request::{FAMILIAR_BYTES_MAX, Familiar};
use smallvec::smallvec;

/// Requests that put nothing: a worker says one of them again and again, and another at times.
const OTHERS_MAX: usize = 2;

/// What one client said last.
#[derive(Debug, Default)]
pub(crate) struct Familiars {
    /// The last put of a length that came twice.
    put: Option<Box<Known>>,
    /// How long the last put was that was not known.
    put_len: usize,
    others: Vec<Known>,
    /// Which of the others is forgotten next.
    oldest: usize,
}

/// A request that was read before.
#[derive(Debug)]
struct Known {
    familiar: Familiar,
    ident: Box<str>,
    method: Template,
}

/// What it came to.
#[derive(Debug)]
enum Template {
    /// This.
    Same(Method),
    /// A put of the item that is in it.
    Put(WaitArgs),
}

impl Familiars {
    /// Which of the requests that were read before this is.
    #[inline]
    pub(crate) fn find(&self, frame: &[u8]) -> Option<usize> {
        self.known().position(|known| known.familiar.is(frame))
    }

    fn known(&self) -> impl Iterator<Item = &Known> {
        self.put.as_deref().into_iter().chain(&self.others)
    }

    /// The object and the method of the request that was found.
    pub(crate) fn read(&self, found: usize, frame: &[u8]) -> Option<(&str, Method)> {
        let Known { familiar, ident, method } = self.known().nth(found)?;
        let method = match method {
            Template::Same(method) => method.clone(),
            Template::Put(wait) => {
                Method::Put { payloads: smallvec![familiar.item(frame)?], wait: wait.clone() }
            }
        };
        Some((ident, method))
    }

    /// Remembers a request, if it is one that clients say over and over.
    pub(crate) fn remember(&mut self, frame: &[u8], request: &Request<'_>, method: &Method) {
        if frame.len() > FAMILIAR_BYTES_MAX {
            return;
        }
        if matches!(method, Method::Put { .. })
            && std::mem::replace(&mut self.put_len, frame.len()) != frame.len()
        {
            return; // what is as long as nothing before it may be so again
        }
        let (item, method) = match method {
            Method::Put { wait, .. } if puts_first_argument(request) => {
                (Some(0), Template::Put(wait.clone()))
            }
            Method::Take { .. } | Method::Plain(_) => (None, Template::Same(method.clone())),
            _ => return,
        };
        let (Some(ident), Some(familiar)) = (request.ident(), Familiar::of(frame, request, item))
        else {
            return;
        };
        let known = Known { familiar, ident: ident.into(), method };
        if item.is_some() {
            self.put = Some(Box::new(known));
            return;
        }
        match self.others.get_mut(self.oldest) {
            Some(oldest) => *oldest = known,
            None => self.others.push(known),
        }
        self.oldest = (self.oldest + 1) % OTHERS_MAX;
    }
}

/// Whether the first argument is the one item that is put: in `put_many` it is a list of them.
fn puts_first_argument(request: &Request<'_>) -> bool {
    matches!(request.method(), "put" | "put_nowait") && request.len_args() > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::{Bytes, BytesMut};
    use piecework_wire::frame::{FRAME_BYTES_MAX, cut};
    use piecework_wire::request::{ArgOut, request};
    use piecework_wire::{Payload, Value};

    fn frame(method: &str, args: &[ArgOut<'_>]) -> Bytes {
        let mut out = BytesMut::new();
        request(&mut out, Some("task.1"), method, args, &[]);
        cut(&mut out, FRAME_BYTES_MAX).unwrap().unwrap()
    }

    fn remember(familiars: &mut Familiars, frame: &[u8]) {
        let request = Request::parse(frame).unwrap();
        familiars.remember(frame, &request, &Method::read(&request).unwrap());
    }

    fn put(familiars: &Familiars, frame: &[u8]) -> Option<Payload> {
        match familiars.read(familiars.find(frame)?, frame)? {
            ("task.1", Method::Put { mut payloads, .. }) => payloads.pop(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_put_is_known_by_all_but_its_item() {
        let mut familiars = Familiars::default();
        for method in ["put", "put_nowait"] {
            let first = frame(method, &[ArgOut::Bytes(b"abc")]);
            remember(&mut familiars, &first);
            assert_eq!(put(&familiars, &first), None, "its length came once");
            remember(&mut familiars, &first);
            let other = frame(method, &[ArgOut::Bytes(b"xyz")]);
            let item = put(&familiars, &other).unwrap();
            assert_eq!(item.value().unwrap(), Value::Bytes(b"xyz".to_vec()));
        }
    }

    #[test]
    fn a_list_of_one_item_is_not_the_item() {
        let mut familiars = Familiars::default();
        let list = frame("put_many", &[ArgOut::Value(&Value::List(vec![Value::Int(1)]))]);
        remember(&mut familiars, &list);
        remember(&mut familiars, &list);
        assert_eq!(put(&familiars, &list), None);
    }

    #[test]
    fn a_get_is_known_as_it_is_and_the_oldest_is_forgotten() {
        let mut familiars = Familiars::default();
        let gets =
            [1, 2, 3].map(|seconds| frame("get", &[ArgOut::Bool(true), ArgOut::Int(seconds)]));
        for get in &gets {
            assert!(familiars.find(get).is_none());
            remember(&mut familiars, get);
        }
        let known = gets.each_ref().map(|get| familiars.find(get).is_some());
        assert_eq!(known, [false, true, true]);
        let found = familiars.find(&gets[2]).unwrap();
        let Some((_, Method::Take { wait, .. })) = familiars.read(found, &gets[2]) else {
            panic!()
        };
        assert_eq!(wait.timeout, Some(Value::Int(3)));
    }
}
