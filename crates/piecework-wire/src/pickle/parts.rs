//! Plain data part by part, for who makes something else of it than a [`Value`]: what that would
//! hold on the way need not be made.
use bytes::{BufMut, BytesMut};

use super::opcode as op;
use super::reader::{Ops, Span, little_endian};
use super::value::Value;
use super::writer;

/// How many elements one batch has at most, as in Python's own pickles.
pub const BATCH: usize = 1_000;

/// Writes one payload. What is opened has to be closed; nothing sees to that.
///
/// ```
/// use bytes::BytesMut;
/// use piecework_wire::Payload;
/// use piecework_wire::pickle::{PartReader, PartWriter, Part};
///
/// let mut out = BytesMut::new();
/// let mut parts = PartWriter::begin(&mut out);
/// parts.int(7);
/// parts.str("a");
/// parts.tuple(2);
/// let payload = Payload::from_bytes(out.freeze()).unwrap();
/// assert_eq!(payload.value().unwrap().to_string(), "(7, 'a')");
/// let mut parts = PartReader::new(payload.as_bytes());
/// assert_eq!(parts.next(), Some(Part::Int(7)));
/// assert_eq!(parts.next(), Some(Part::Str("a")));
/// assert_eq!(parts.next(), Some(Part::Tuple(2)));
/// assert_eq!(parts.next(), None);
/// ```
#[derive(Debug)]
pub struct PartWriter<'o> {
    out: &'o mut BytesMut,
}

impl<'o> PartWriter<'o> {
    /// Begins a payload behind what is there.
    pub fn begin(out: &'o mut BytesMut) -> Self {
        out.put_u8(writer::PROTO);
        Self { out }
    }

    /// Says `None`.
    pub fn none(&mut self) {
        writer::none(self.out);
    }

    /// Says a bool.
    pub fn bool(&mut self, value: bool) {
        writer::bool(self.out, value);
    }

    /// Says an int.
    pub fn int(&mut self, value: i64) {
        writer::int(self.out, value);
    }

    /// Says an int that may be too large for the other.
    pub fn unsigned(&mut self, value: u64) {
        writer::unsigned(self.out, value);
    }

    /// Says a float.
    pub fn float(&mut self, value: f64) {
        writer::float(self.out, value);
    }

    /// Says a str.
    pub fn str(&mut self, value: &str) {
        writer::str(self.out, value);
    }

    /// Says bytes.
    pub fn bytes(&mut self, value: &[u8]) {
        writer::bytes(self.out, value);
    }

    /// Says something that was made already.
    pub fn value(&mut self, value: &Value) {
        writer::value(self.out, value);
    }

    /// Begins a list; elements come in batches, each of [`mark`](Self::mark), at most [`BATCH`]
    /// elements and [`end_batch`](Self::end_batch).
    pub fn list(&mut self) {
        self.out.put_u8(op::EMPTY_LIST);
    }

    /// Begins a dict, as a list; a batch has keys and values and ends with
    /// [`end_pairs`](Self::end_pairs).
    pub fn dict(&mut self) {
        self.out.put_u8(op::EMPTY_DICT);
    }

    /// Begins a batch, or a tuple of more than three.
    pub fn mark(&mut self) {
        writer::mark(self.out);
    }

    /// Ends a batch of a list.
    pub fn end_batch(&mut self) {
        self.out.put_u8(op::APPENDS);
    }

    /// Ends a batch of a dict.
    pub fn end_pairs(&mut self) {
        self.out.put_u8(op::SETITEMS);
    }

    /// Makes a tuple of the last so many parts; of more than three, of all since the mark.
    pub fn tuple(&mut self, len: usize) {
        self.out.put_u8(match len {
            0 => op::EMPTY_TUPLE,
            1 => op::TUPLE1,
            2 => op::TUPLE2,
            3 => op::TUPLE3,
            _ => op::TUPLE,
        });
    }
}

/// A part of plain data, in the order of the pickle: what a tuple is made of comes before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part<'a> {
    /// `None`.
    None,
    /// A bool.
    Bool(bool),
    /// An int.
    Int(i64),
    /// A float.
    Float(f64),
    /// A str.
    Str(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// The begin of a list.
    List,
    /// The begin of a dict.
    Dict,
    /// The begin of a batch, or of a tuple of more than three.
    Mark,
    /// The end of a batch of a list.
    EndBatch,
    /// The end of a batch of a dict.
    EndPairs,
    /// A tuple of the last so many parts.
    Tuple(usize),
    /// A tuple of all since the mark.
    EndTuple,
    /// Something else, which [`Payload::value`](crate::Payload::value) may understand.
    Other,
}

/// Reads a payload, with the writer's words.
#[derive(Clone, Debug)]
pub struct PartReader<'a> {
    bytes: &'a [u8],
    ops: Ops<'a>,
}

impl<'a> PartReader<'a> {
    /// Begins at the front of a payload's bytes.
    pub fn new(payload: &'a [u8]) -> Self {
        // What stands before it is for who lays it into a message.
        let bytes = payload.get(1..).unwrap_or_default();
        Self { bytes, ops: Ops::new(bytes, Span { start: 0, end: bytes.len() }) }
    }
}

impl<'a> Iterator for PartReader<'a> {
    type Item = Part<'a>;

    #[inline]
    fn next(&mut self) -> Option<Part<'a>> {
        let op = match self.ops.next() {
            Ok(op) => op?,
            Err(_) => return Some(Part::Other),
        };
        let data = op.data.of(self.bytes);
        let int = |width| {
            let int = little_endian(self.bytes, op.data.start, width).unwrap_or_default();
            i64::try_from(int).map_or(Part::Other, Part::Int)
        };
        Some(match op.code {
            op::NONE => Part::None,
            op::NEWTRUE => Part::Bool(true),
            op::NEWFALSE => Part::Bool(false),
            op::BININT1 => int(1),
            op::BININT2 => int(2),
            op::BININT => data
                .try_into()
                .map_or(Part::Other, |bytes| Part::Int(i32::from_le_bytes(bytes).into())),
            op::LONG1 => {
                data.try_into().map_or(Part::Other, |bytes| Part::Int(i64::from_le_bytes(bytes)))
            }
            op::BINFLOAT => {
                data.try_into().map_or(Part::Other, |bytes| Part::Float(f64::from_be_bytes(bytes)))
            }
            op::SHORT_BINUNICODE | op::BINUNICODE | op::BINUNICODE8 => {
                std::str::from_utf8(data).map_or(Part::Other, Part::Str)
            }
            op::SHORT_BINBYTES | op::BINBYTES | op::BINBYTES8 => Part::Bytes(data),
            op::EMPTY_LIST => Part::List,
            op::EMPTY_DICT => Part::Dict,
            op::MARK => Part::Mark,
            op::APPENDS => Part::EndBatch,
            op::SETITEMS => Part::EndPairs,
            op::EMPTY_TUPLE => Part::Tuple(0),
            op::TUPLE1 => Part::Tuple(1),
            op::TUPLE2 => Part::Tuple(2),
            op::TUPLE3 => Part::Tuple(3),
            op::TUPLE => Part::EndTuple,
            _ => Part::Other,
        })
    }
}
