//! A reply, `(kind, value)`: how a call ended.
mod exception;
mod write;

use bytes::Bytes;

use crate::pickle::{Children, Document, Span};
use crate::{Payload, Value, WireError};

pub use write::{
    PayloadFrame, created, error, error_of, payload_frame, proxy, returned, returned_array,
    returned_dict, returned_instance, returned_iterator, returned_leases, returned_none,
    returned_pair, returned_pairs, returned_payload, returned_payloads, returned_reversed,
    returned_set, traceback,
};

/// The most methods that an object exposes; CPython's dict, the richest, has 27.
const EXPOSED_MAX: usize = 256;

/// How a call ended, as the caller sees it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply {
    /// `#RETURN`: with a result.
    Return(Returned),
    /// `#ERROR`: with an exception that the method raised.
    Error {
        /// The module of its class, e.g. `_queue` (CPython's own) or `queue` (ours).
        module: String,
        /// Its class, e.g. `Empty`.
        class: String,
        /// What it was made of, as text, where that is plain data.
        message: Option<String>,
    },
    /// `#TRACEBACK`: the call could not be made; the text is for people.
    Traceback(String),
    /// `#UNSERIALIZABLE`: there is a result, but no pickle of it; the text is for people.
    Unserializable(String),
}

impl Reply {
    /// Reads a reply from the body of a frame.
    ///
    /// # Errors
    /// The bytes are no well-formed pickle, or no reply of these kinds. A `#PROXY`, which stands
    /// for a new object at the manager, is refused too: no method of a queue returns one.
    pub fn parse(frame: Bytes) -> Result<Self, WireError> {
        let (document, [parts]) = Document::read(frame, [Children::new(0, 2)])?;
        let &[kind, value] = parts.of_tuple("reply")? else {
            return Err(WireError::shape("reply", "it has not two parts"));
        };
        let kind_text = document.text(kind)?;
        let text = || document.text(value).map(|text| text.of(document.bytes()).to_owned());
        match kind_text.of(document.bytes()) {
            "#RETURN" => Ok(Self::Return(Returned { kind, value, document })),
            "#ERROR" => {
                let (module, class, message) =
                    exception::take_apart(&document.lift(value, &[kind])?)?;
                Ok(Self::Error { module, class, message })
            }
            "#TRACEBACK" => Ok(Self::Traceback(text()?)),
            "#UNSERIALIZABLE" => Ok(Self::Unserializable(text()?)),
            other => Err(WireError::shape("reply", format!("its kind is {other:?}"))),
        }
    }
}

/// The result of a call, not decoded.
#[derive(Debug)]
pub struct Returned {
    document: Document<Bytes>,
    kind: Span,
    value: Span,
}

/// An item that is handed out under a lease.
///
/// ```
/// use piecework_wire::reply::Leased;
/// use piecework_wire::{Payload, Value};
///
/// let leased = Leased { id: 1, attempt: 1, payload: Payload::from_value(&Value::Int(3411)) };
/// assert_eq!(leased.payload.value()?, Value::Int(3411));
/// # Ok::<(), piecework_wire::WireError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// What settles the lease.
    pub id: u64,
    /// Which attempt this is.
    pub attempt: u32,
    /// What was put.
    pub payload: Payload,
}

impl Returned {
    /// Lifts the result out of the reply.
    ///
    /// # Errors
    /// It cannot stand alone.
    pub fn payload(&self) -> Result<Payload, WireError> {
        self.document.lift(self.value, &[self.kind])
    }

    /// Decodes plain data.
    ///
    /// # Errors
    /// The result is not plain data, or nests too deep, or is too large for one.
    pub fn value(&self) -> Result<Value, WireError> {
        self.document.value(self.value, &[self.kind])
    }

    /// Lifts each element of a list or tuple, so that it stands alone.
    ///
    /// # Errors
    /// The result is no list or tuple, or has more than `max` elements.
    pub fn elements(&self, max: usize) -> Result<Vec<Payload>, WireError> {
        self.document.lift_elements(self.value, &[self.kind], max, "list or tuple of items")
    }

    /// Reads what `create` returns: the object's ident, and the methods that may be called.
    ///
    /// # Errors
    /// It is something else.
    pub fn created(&self) -> Result<(String, Vec<String>), WireError> {
        const WHAT: &str = "result of create";
        let value = self.value()?;
        let not = || WireError::shape(WHAT, format!("it is {value}"));
        let Value::Tuple(parts) = &value else { return Err(not()) };
        let [Value::Str(ident), Value::Tuple(exposed) | Value::List(exposed)] = &parts[..] else {
            return Err(not());
        };
        if exposed.len() > EXPOSED_MAX {
            return Err(WireError::Limit { what: "exposed methods", max: EXPOSED_MAX });
        }
        let name = |name: &Value| match name {
            Value::Str(name) => Ok(name.clone()),
            _ => Err(not()),
        };
        Ok((ident.clone(), exposed.iter().map(name).collect::<Result<_, _>>()?))
    }

    /// Reads what `lease` returns.
    ///
    /// # Errors
    /// It is something else, or more than `max` items.
    pub fn leases(&self, max: usize) -> Result<Vec<Leased>, WireError> {
        const WHAT: &str = "list of leases";
        let triples = self.document.elements(self.value, max, WHAT)?;
        let mut numbers = Vec::with_capacity(triples.len());
        let mut payloads = Vec::with_capacity(triples.len());
        for triple in &triples {
            let &[id, attempt, payload] = &self.document.elements(*triple, 3, WHAT)?[..] else {
                return Err(WireError::shape(WHAT, "it holds something that has not three parts"));
            };
            let number = |span| match self.document.value(span, &triples)? {
                Value::Int(number) => Ok(number),
                other => Err(WireError::shape(WHAT, format!("{other} is no number"))),
            };
            numbers.push((number(id)?, number(attempt)?));
            payloads.push(payload);
        }
        let lifted = self.document.lift_all(&payloads, &triples)?;
        let lease = |((id, attempt), payload): ((i64, i64), Payload)| {
            let (Ok(id), Ok(attempt)) = (u64::try_from(id), u32::try_from(attempt)) else {
                return Err(WireError::shape(WHAT, format!("{id} or {attempt} is out of range")));
            };
            Ok(Leased { id, attempt, payload })
        };
        numbers.into_iter().zip(lifted).map(lease).collect()
    }
}
