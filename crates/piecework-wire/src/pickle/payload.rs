//! A pickle that stands alone, whatever message its bytes are laid into.
use bytes::{BufMut, Bytes, BytesMut};

use super::opcode as op;
use super::reader::{Op, Ops, PROTO_MAX, Span, little_endian};
use super::value::Value;
use super::{decode, writer};
use crate::WireError;

/// An object as its producer pickled it, free of the message it came in.
///
/// The bytes are a header byte, then the *body*: opcodes that, with an empty memo, push exactly
/// one object. There is no FRAME and no STOP, and memo slots are filled by MEMOIZE only.
///
/// Version rule: the header's upper three bits are the version, 0 so far. Within a version, old
/// bytes mean for ever what they mean today; whatever would change that is a new version, and a
/// reader refuses versions that it does not know.
///
/// | bits | meaning |
/// |---|---|
/// | 0–2 | the producer's pickle protocol, which unpicklers resolve names by |
/// | 3 | the body fills memo slots |
/// | 4 | the body names further protocols |
/// | 5–7 | version |
///
/// ```
/// use piecework_wire::{Payload, Value};
///
/// let payload = Payload::from_value(&Value::from("a"));
/// assert_eq!(payload.to_pickle(), b"\x80\x04\x8c\x01a."); // pickle.loads() gives 'a'
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Payload(Bytes);

const PROTO_BITS: u8 = 0b0000_0111;
const USES_MEMO: u8 = 0b0000_1000;
const NAMES_PROTOS: u8 = 0b0001_0000;
const VERSION_BITS: u8 = 0b1110_0000;

/// The header byte, said in words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) proto: u8,
    pub(crate) uses_memo: bool,
    pub(crate) names_protos: bool,
}

impl Header {
    pub(crate) fn byte(self) -> u8 {
        self.proto
            | if self.uses_memo { USES_MEMO } else { 0 }
            | if self.names_protos { NAMES_PROTOS } else { 0 }
    }
}

impl Payload {
    /// Takes back what [`Payload::into_bytes`] gave.
    ///
    /// ```
    /// # use piecework_wire::{Payload, Value, WireError};
    /// let payload = Payload::from_value(&Value::Int(3411));
    /// assert_eq!(Payload::from_bytes(payload.clone().into_bytes())?, payload);
    /// assert!(Payload::from_bytes((&[0xff][..]).into()).is_err()); // a version to come
    /// # Ok::<(), WireError>(())
    /// ```
    ///
    /// # Errors
    /// The bytes are empty, or of a version that is not known. The body is not looked at.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, WireError> {
        match bytes.first() {
            Some(byte) if byte & VERSION_BITS == 0 && byte & PROTO_BITS <= PROTO_MAX => {
                Ok(Self(bytes))
            }
            Some(byte) => {
                let what = format!("its header {byte:#04x} is of another version");
                Err(WireError::shape("payload", what))
            }
            None => Err(WireError::shape("payload", "it is empty")),
        }
    }

    /// Pickles plain data.
    ///
    /// ```
    /// # use piecework_wire::{Payload, Value, WireError};
    /// let payload = Payload::from_value(&Value::Int(3411));
    /// assert_eq!(payload.value()?, Value::Int(3411));
    /// # Ok::<(), WireError>(())
    /// ```
    pub fn from_value(value: &Value) -> Self {
        let mut bytes = BytesMut::new();
        bytes.put_u8(writer::PROTO);
        writer::value(&mut bytes, value);
        Self(bytes.freeze())
    }

    /// Returns the bytes to store.
    ///
    /// ```
    /// # use piecework_wire::{Payload, Value, WireError};
    /// let payload = Payload::from_value(&Value::Int(3411));
    /// assert_eq!(payload.as_bytes().len(), payload.len());
    /// ```
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes to store.
    ///
    /// ```
    /// # use piecework_wire::{Payload, Value, WireError};
    /// let payload = Payload::from_value(&Value::Int(3411));
    /// let bytes = payload.clone().into_bytes(); // the same ones, not copied
    /// assert_eq!(Payload::from_bytes(bytes)?, payload);
    /// # Ok::<(), WireError>(())
    /// ```
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Returns how many bytes there are to store; never 0.
    ///
    /// ```
    /// # use piecework_wire::{Payload, Value, WireError};
    /// assert_eq!(Payload::from_value(&Value::None).len(), 2); // a header, and an opcode
    /// ```
    #[allow(clippy::len_without_is_empty, reason = "it has a header, so it never is")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the pickle protocol of the producer.
    ///
    /// ```
    /// # use piecework_wire::{Payload, Value, WireError};
    /// let payload = Payload::from_value(&Value::Int(3411));
    /// assert_eq!(payload.proto(), 4);
    /// ```
    pub fn proto(&self) -> u8 {
        self.header() & PROTO_BITS
    }

    /// Returns the opcodes that push the object.
    ///
    /// ```
    /// # use piecework_wire::{Payload, Value, WireError};
    /// assert_eq!(Payload::from_value(&Value::None).body(), b"N");
    /// ```
    pub fn body(&self) -> &[u8] {
        self.0.get(1..).expect("a payload has a header")
    }

    /// Returns whether the body fills memo slots.
    ///
    /// ```
    /// # use piecework_wire::{Payload, Value, WireError};
    /// let payload = Payload::from_value(&Value::Int(3411));
    /// assert!(!payload.uses_memo()); // what we write ourselves does not
    /// ```
    pub fn uses_memo(&self) -> bool {
        self.header() & USES_MEMO != 0
    }

    /// Returns whether the object is None.
    ///
    /// ```
    /// # use piecework_wire::{Payload, Value, WireError};
    /// assert!(Payload::from_value(&Value::None).is_none());
    /// ```
    pub fn is_none(&self) -> bool {
        self.body() == [op::NONE]
    }

    /// Decodes plain data.
    ///
    /// ```
    /// # use piecework_wire::{Payload, Value, WireError};
    /// let list = Value::List(vec![1.into(), "a".into()]);
    /// assert_eq!(Payload::from_value(&list).value()?, list);
    /// # Ok::<(), WireError>(())
    /// ```
    ///
    /// # Errors
    /// The object is not plain data, or nests too deep, or is too large for one.
    pub fn value(&self) -> Result<Value, WireError> {
        let body = self.body();
        decode::decode(body, Span { start: 0, end: body.len() })
    }

    /// Returns a whole pickle, as `pickle.loads` takes it.
    ///
    /// ```
    /// # use piecework_wire::{Payload, Value, WireError};
    /// assert_eq!(Payload::from_value(&Value::Bool(true)).to_pickle(), b"\x80\x04\x88.");
    /// ```
    pub fn to_pickle(&self) -> Vec<u8> {
        let mut pickle = Vec::with_capacity(self.0.len() + 2);
        if self.proto() > 0 {
            pickle.extend([op::PROTO, self.proto()]);
        }
        pickle.extend_from_slice(self.body());
        pickle.push(op::STOP);
        pickle
    }

    /// Names the first class or function that the pickle refers to, as `module.name`.
    ///
    /// For people: plain data has none, and of anything else it is most often the object's class.
    ///
    /// ```
    /// # use piecework_wire::{Payload, Value, WireError};
    /// // As Python pickles the class `fractions.Fraction`.
    /// let payload = Payload::from_bytes((&b"\x04\x8c\x09fractions\x8c\x08Fraction\x93"[..]).into())?;
    /// assert_eq!(payload.class_name().as_deref(), Some("fractions.Fraction"));
    /// # Ok::<(), WireError>(())
    /// ```
    pub fn class_name(&self) -> Option<String> {
        let body = self.body();
        let mut ops = Ops::new(body, Span { start: 0, end: body.len() });
        let (mut below, mut top) = (None, None);
        while let Ok(Some(op)) = ops.next() {
            match op.code {
                op::MEMOIZE => {}
                op::GLOBAL | op::INST => {
                    return Some(String::from_utf8_lossy(op.data.of(body)).replace('\n', "."));
                }
                op::STACK_GLOBAL => {
                    let text = |part: Option<Op>| decode::text(&part?, body).ok();
                    return Some(format!("{}.{}", text(below)?, text(top)?));
                }
                _ => (below, top) = (top, Some(op)),
            }
        }
        None
    }

    pub(crate) fn assemble(header: Header, mut bytes: Vec<u8>) -> Self {
        *bytes.first_mut().expect("room for the header was made") = header.byte();
        Self(bytes.into())
    }

    /// A header byte and a body, as another payload has them.
    pub(crate) fn from_parts(bytes: Bytes) -> Self {
        Self(bytes)
    }

    pub(crate) fn body_bytes(&self) -> Bytes {
        self.0.slice(1..)
    }

    fn header(&self) -> u8 {
        *self.0.first().expect("a payload has a header")
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Payload({} bytes, protocol {})", self.0.len(), self.proto())
    }
}

/// Lays payloads into a message one after the other.
#[derive(Debug)]
pub(crate) struct Layer {
    /// The protocol in force; `None` where it has to be named anew.
    proto: Option<u8>,
    /// How many memo slots are filled by now: the body's slot 0 is this one.
    filled: u32,
}

impl Layer {
    /// Begins in a message that has named `proto` and filled no memo slot.
    pub(crate) fn new(proto: u8) -> Self {
        Self { proto: Some(proto), filled: 0 }
    }

    /// Appends the opcodes that push the payload's object.
    pub(crate) fn lay(&mut self, out: &mut impl BufMut, payload: &Payload) {
        if self.proto != Some(payload.proto()) {
            out.put_slice(&[op::PROTO, payload.proto()]);
        }
        let names_protos = payload.header() & NAMES_PROTOS != 0;
        self.proto = if names_protos { None } else { Some(payload.proto()) };
        if payload.uses_memo() {
            self.relocate(out, payload.body());
        } else {
            out.put_slice(payload.body());
        }
    }

    fn relocate(&mut self, out: &mut impl BufMut, body: &[u8]) {
        let base = self.filled;
        let mut copied = 0;
        let mut ops = Ops::new(body, Span { start: 0, end: body.len() });
        // A body that is broken, by whoever stored it, goes out as it is.
        while let Ok(Some(op)) = ops.next() {
            if op.code == op::MEMOIZE {
                self.filled = self.filled.saturating_add(1);
            } else if base > 0
                && let Some(number) = got(&op, body)
            {
                out.put_slice(Span { start: copied, end: op.at }.of(body));
                put_get(out, number.saturating_add(base));
                copied = op.end;
            }
        }
        out.put_slice(Span { start: copied, end: body.len() }.of(body));
    }
}

/// The number of the memo slot that the opcode reads, if it is one that reads.
fn got(op: &Op, body: &[u8]) -> Option<u32> {
    let width = match op.code {
        op::BINGET => 1,
        op::LONG_BINGET => 4,
        _ => return None,
    };
    u32::try_from(little_endian(body, op.data.start, width)?).ok()
}

/// Appends the opcode that pushes what memo slot `number` holds.
pub(crate) fn put_get(out: &mut impl BufMut, number: u32) {
    match u8::try_from(number) {
        Ok(number) => out.put_slice(&[op::BINGET, number]),
        Err(_) => {
            out.put_u8(op::LONG_BINGET);
            out.put_u32_le(number);
        }
    }
}
