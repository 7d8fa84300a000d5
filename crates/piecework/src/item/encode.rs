//! Rust to Python: what serde makes of a value becomes plain data.

use piecework_wire::Value;
use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};

use super::not_data::NotData;

/// Room that is made for a list on its own word; longer ones grow as they come.
const CAPACITY_MAX: usize = 1 << 10;

/// Makes plain data of a value.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Value, NotData> {
    value.serialize(Encoder)
}

struct Encoder;

/// The parts of something that has several.
struct Parts {
    items: Vec<Value>,
    /// The name of the variant that they belong to.
    variant: Option<&'static str>,
    is_list: bool,
}

/// The entries of a dict.
struct Entries {
    entries: Vec<(Value, Value)>,
    key: Option<Value>,
    variant: Option<&'static str>,
}

/// As serde's formats have it: the variant's name, and what it carries if it does.
fn of_variant(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(name) => Value::Dict(vec![(Value::from(name), value)]),
        None => value,
    }
}

/// An int of more than 64 bits.
fn wide(low: [u8; 16], sign: u8) -> Result<Value, NotData> {
    Ok(Value::from_twos_complement(&[&low[..], &[sign]].concat()))
}

impl Parts {
    fn new(len: usize, variant: Option<&'static str>, is_list: bool) -> Self {
        Self { items: Vec::with_capacity(len.min(CAPACITY_MAX)), variant, is_list }
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotData> {
        self.items.push(encode(value)?);
        Ok(())
    }

    fn whole(self) -> Value {
        let items = if self.is_list { Value::List(self.items) } else { Value::Tuple(self.items) };
        of_variant(self.variant, items)
    }
}

impl Entries {
    fn new(variant: Option<&'static str>) -> Self {
        Self { entries: Vec::new(), key: None, variant }
    }

    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NotData> {
        self.entries.push((Value::from(name), encode(value)?));
        Ok(())
    }

    fn whole(self) -> Value {
        of_variant(self.variant, Value::Dict(self.entries))
    }
}

/// The methods that say a small int.
macro_rules! ints {
    ($($method:ident: $kind:ty),*) => {
        $(fn $method(self, value: $kind) -> Result<Value, NotData> {
            Ok(Value::Int(value.into()))
        })*
    };
}

impl ser::Serializer for Encoder {
    type Ok = Value;
    type Error = NotData;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    ints!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32
    );

    fn serialize_u64(self, value: u64) -> Result<Value, NotData> {
        wide(u128::from(value).to_le_bytes(), 0)
    }

    fn serialize_u128(self, value: u128) -> Result<Value, NotData> {
        wide(value.to_le_bytes(), 0)
    }

    fn serialize_i128(self, value: i128) -> Result<Value, NotData> {
        wide(value.to_le_bytes(), if value < 0 { 0xff } else { 0 })
    }

    fn serialize_bool(self, value: bool) -> Result<Value, NotData> {
        Ok(Value::Bool(value))
    }

    fn serialize_f32(self, value: f32) -> Result<Value, NotData> {
        Ok(Value::Float(value.into()))
    }

    fn serialize_f64(self, value: f64) -> Result<Value, NotData> {
        Ok(Value::Float(value))
    }

    fn serialize_char(self, value: char) -> Result<Value, NotData> {
        Ok(Value::Str(value.into()))
    }

    fn serialize_str(self, value: &str) -> Result<Value, NotData> {
        Ok(Value::from(value))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value, NotData> {
        Ok(Value::Bytes(value.to_vec()))
    }

    fn serialize_none(self) -> Result<Value, NotData> {
        Ok(Value::None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, NotData> {
        encode(value)
    }

    fn serialize_unit(self) -> Result<Value, NotData> {
        Ok(Value::None)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, NotData> {
        Ok(Value::None)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Value, NotData> {
        Ok(Value::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<Value, NotData> {
        encode(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, NotData> {
        Ok(of_variant(Some(variant), encode(value)?))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Parts, NotData> {
        Ok(Parts::new(len.unwrap_or_default(), None, true))
    }

    fn serialize_tuple(self, len: usize) -> Result<Parts, NotData> {
        Ok(Parts::new(len, None, false))
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<Parts, NotData> {
        Ok(Parts::new(len, None, false))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Parts, NotData> {
        Ok(Parts::new(len, Some(variant), false))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Entries, NotData> {
        Ok(Entries::new(None))
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Entries, NotData> {
        Ok(Entries::new(None))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Entries, NotData> {
        Ok(Entries::new(Some(variant)))
    }
}

/// The traits of serde that add one part after the other.
macro_rules! parts {
    ($($of:ident: $add:ident),*) => {
        $(impl $of for Parts {
            type Ok = Value;
            type Error = NotData;

            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotData> {
                self.push(value)
            }

            fn end(self) -> Result<Value, NotData> {
                Ok(self.whole())
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
        $(impl $of for Entries {
            type Ok = Value;
            type Error = NotData;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), NotData> {
                self.field(name, value)
            }

            fn end(self) -> Result<Value, NotData> {
                Ok(self.whole())
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Entries {
    type Ok = Value;
    type Error = NotData;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotData> {
        self.key = Some(encode(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotData> {
        let key = self.key.take().expect("serde gives a key before its value");
        self.entries.push((key, encode(value)?));
        Ok(())
    }

    fn end(self) -> Result<Value, NotData> {
        Ok(self.whole())
    }
}
