//! Rust to Python: what serde makes of a value is written as plain data, without a step between.

use bytes::BytesMut;
use piecework_wire::Value;
use piecework_wire::pickle::{BATCH, PartWriter};
use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};

use super::not_data::NotData;

/// Appends a value as a payload.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T, out: &mut BytesMut) -> Result<(), NotData> {
    value.serialize(&mut Encoder(PartWriter::begin(out)))
}

struct Encoder<'o>(PartWriter<'o>);

/// The parts of something that has several.
struct Parts<'e, 'o> {
    encoder: &'e mut Encoder<'o>,
    kind: Kind,
    len: usize,
    /// Whether they belong to a variant, whose dict is open.
    is_carried: bool,
}

/// What becomes of parts.
#[derive(Clone, Copy)]
enum Kind {
    List,
    Dict,
    /// A tuple of more than three has a mark before it, on its own word.
    Tuple {
        is_marked: bool,
    },
}

impl<'o> Encoder<'o> {
    /// As serde's formats have it: a dict of the variant's name, and what it carries.
    fn open_variant(&mut self, name: &str) {
        self.0.dict();
        self.0.mark();
        self.0.str(name);
    }

    fn list(&mut self) -> Parts<'_, 'o> {
        self.0.list();
        self.parts(Kind::List)
    }

    fn dict(&mut self) -> Parts<'_, 'o> {
        self.0.dict();
        self.parts(Kind::Dict)
    }

    fn tuple(&mut self, len: usize) -> Parts<'_, 'o> {
        let is_marked = len > UNMARKED_MAX;
        if is_marked {
            self.0.mark();
        }
        self.parts(Kind::Tuple { is_marked })
    }

    fn parts(&mut self, kind: Kind) -> Parts<'_, 'o> {
        Parts { encoder: self, kind, len: 0, is_carried: false }
    }

    /// An int of more than 64 bits.
    fn wide(&mut self, low: [u8; 16], sign: u8) {
        self.0.value(&Value::from_twos_complement(&[&low[..], &[sign]].concat()));
    }
}

/// The longest tuple without a mark.
const UNMARKED_MAX: usize = 3;

impl Parts<'_, '_> {
    fn carried(mut self) -> Self {
        self.is_carried = true;
        self
    }

    /// A part of a list or a tuple, or a key and its value.
    fn next(&mut self) {
        let writer = &mut self.encoder.0;
        if !matches!(self.kind, Kind::Tuple { .. }) && self.len.is_multiple_of(BATCH) {
            if self.len > 0 {
                end_batch(writer, self.kind);
            }
            writer.mark();
        }
        self.len += 1;
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotData> {
        self.next();
        value.serialize(&mut *self.encoder)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), NotData> {
        self.next();
        self.encoder.0.str(name);
        value.serialize(&mut *self.encoder)
    }

    fn whole(self) -> Result<(), NotData> {
        let writer = &mut self.encoder.0;
        match self.kind {
            Kind::Tuple { is_marked: true } => writer.tuple(self.len.max(UNMARKED_MAX + 1)),
            Kind::Tuple { is_marked: false } if self.len <= UNMARKED_MAX => writer.tuple(self.len),
            Kind::Tuple { is_marked: false } => {
                return Err(NotData(format!("a tuple that said less has {} parts", self.len)));
            }
            Kind::List | Kind::Dict if self.len == 0 => {}
            kind => end_batch(writer, kind),
        }
        if self.is_carried {
            writer.end_pairs();
        }
        Ok(())
    }
}

fn end_batch(writer: &mut PartWriter<'_>, kind: Kind) {
    match kind {
        Kind::Dict => writer.end_pairs(),
        _ => writer.end_batch(),
    }
}

/// The methods that say what one method of the writer says.
macro_rules! atoms {
    ($($method:ident: $kind:ty => $say:ident),*) => {
        $(fn $method(self, value: $kind) -> Result<(), NotData> {
            self.0.$say(value.into());
            Ok(())
        })*
    };
}

impl<'e, 'o> ser::Serializer for &'e mut Encoder<'o> {
    type Ok = ();
    type Error = NotData;
    type SerializeSeq = Parts<'e, 'o>;
    type SerializeTuple = Parts<'e, 'o>;
    type SerializeTupleStruct = Parts<'e, 'o>;
    type SerializeTupleVariant = Parts<'e, 'o>;
    type SerializeMap = Parts<'e, 'o>;
    type SerializeStruct = Parts<'e, 'o>;
    type SerializeStructVariant = Parts<'e, 'o>;

    atoms!(
        serialize_i8: i8 => int, serialize_i16: i16 => int, serialize_i32: i32 => int,
        serialize_i64: i64 => int, serialize_u8: u8 => int, serialize_u16: u16 => int,
        serialize_u32: u32 => int, serialize_u64: u64 => unsigned, serialize_bool: bool => bool,
        serialize_f32: f32 => float, serialize_f64: f64 => float, serialize_str: &str => str,
        serialize_bytes: &[u8] => bytes
    );

    fn serialize_u128(self, value: u128) -> Result<(), NotData> {
        self.wide(value.to_le_bytes(), 0);
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), NotData> {
        self.wide(value.to_le_bytes(), if value < 0 { 0xff } else { 0 });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), NotData> {
        self.0.str(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_none(self) -> Result<(), NotData> {
        self.0.none();
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotData> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NotData> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), NotData> {
        self.serialize_none()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), NotData> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), NotData> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), NotData> {
        self.open_variant(variant);
        value.serialize(&mut *self)?;
        self.0.end_pairs();
        Ok(())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Parts<'e, 'o>, NotData> {
        Ok(self.list())
    }

    fn serialize_tuple(self, len: usize) -> Result<Parts<'e, 'o>, NotData> {
        Ok(self.tuple(len))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        len: usize,
    ) -> Result<Parts<'e, 'o>, NotData> {
        Ok(self.tuple(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Parts<'e, 'o>, NotData> {
        self.open_variant(variant);
        Ok(self.tuple(len).carried())
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Parts<'e, 'o>, NotData> {
        Ok(self.dict())
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Parts<'e, 'o>, NotData> {
        Ok(self.dict())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Parts<'e, 'o>, NotData> {
        self.open_variant(variant);
        Ok(self.dict().carried())
    }
}

/// The traits of serde that add one part after the other.
macro_rules! parts {
    ($($of:ident: $add:ident),*) => {
        $(impl $of for Parts<'_, '_> {
            type Ok = ();
            type Error = NotData;

            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotData> {
                self.push(value)
            }

            fn end(self) -> Result<(), NotData> {
                self.whole()
            }
        })*
    };
}

parts!(
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
);

/// The traits of serde that add one field after the other.
macro_rules! fields {
    ($($of:ident),*) => {
        $(impl $of for Parts<'_, '_> {
            type Ok = ();
            type Error = NotData;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), NotData> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), NotData> {
                self.whole()
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Parts<'_, '_> {
    type Ok = ();
    type Error = NotData;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotData> {
        self.push(key)
    }

    /// serde gives a key before its value.
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotData> {
        value.serialize(&mut *self.encoder)
    }

    fn end(self) -> Result<(), NotData> {
        self.whole()
    }
}
