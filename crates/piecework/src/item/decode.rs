//! Python to Rust: plain data becomes what serde reads.

use piecework_wire::Value;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::not_data::NotData;

/// Makes a value of plain data.
pub(crate) fn decode<T: DeserializeOwned>(value: Value) -> Result<T, NotData> {
    T::deserialize(Decoder(value))
}

/// Plain data on its way.
struct Decoder(Value);

impl<'de> IntoDeserializer<'de, NotData> for Decoder {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn elements<'de, V: Visitor<'de>>(items: Vec<Value>, visitor: V) -> Result<V::Value, NotData> {
    let mut items = SeqDeserializer::new(items.into_iter().map(Decoder));
    let value = visitor.visit_seq(&mut items)?;
    items.end()?;
    Ok(value)
}

fn entries<'de, V: Visitor<'de>>(
    items: Vec<(Value, Value)>,
    visitor: V,
) -> Result<V::Value, NotData> {
    let pairs = items.into_iter().map(|(key, value)| (Decoder(key), Decoder(value)));
    let mut pairs = MapDeserializer::new(pairs);
    let value = visitor.visit_map(&mut pairs)?;
    pairs.end()?;
    Ok(value)
}

/// An int of more than 64 bits, if it has no more than 128.
fn big<'de, V: Visitor<'de>>(bytes: &[u8], visitor: V) -> Result<V::Value, NotData> {
    let negative = bytes.last().is_some_and(|top| top & 0x80 != 0);
    let mut wide = [if negative { 0xff } else { 0 }; 17];
    match wide.get_mut(..bytes.len()) {
        Some(low) => low.copy_from_slice(bytes),
        None => return Err(NotData("an int beyond 128 bits".to_owned())),
    }
    let [low @ .., top] = wide;
    let unsigned = u128::from_le_bytes(low);
    match (top, u64::try_from(unsigned), i128::from_le_bytes(low)) {
        (0, Ok(small), _) => visitor.visit_u64(small),
        (0, _, signed) if signed >= 0 => visitor.visit_i128(signed),
        (0, ..) => visitor.visit_u128(unsigned),
        (_, _, signed) if signed < 0 => visitor.visit_i128(signed),
        _ => Err(NotData("an int beyond 128 bits".to_owned())),
    }
}

impl<'de> Deserializer<'de> for Decoder {
    type Error = NotData;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotData> {
        match self.0 {
            Value::None => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Int(value) => visitor.visit_i64(value),
            Value::Big(bytes) => big(&bytes, visitor),
            Value::Float(value) => visitor.visit_f64(value),
            Value::Str(value) => visitor.visit_string(value),
            Value::Bytes(value) => visitor.visit_byte_buf(value),
            Value::List(items) | Value::Tuple(items) => elements(items, visitor),
            Value::Dict(items) => entries(items, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotData> {
        match self.0 {
            Value::None => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// Python's bytes are read as a `Vec<u8>`, too.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotData> {
        match self.0 {
            Value::Bytes(bytes) => {
                let bytes = bytes.into_iter().map(|byte| Value::Int(byte.into()));
                elements(bytes.collect(), visitor)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, NotData> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotData> {
        match self.0 {
            Value::Str(_) => visitor.visit_enum(Variant { name: self.0, value: None }),
            Value::Dict(mut items) if items.len() == 1 => {
                let (name, value) = items.remove(0);
                visitor.visit_enum(Variant { name, value: Some(value) })
            }
            _ => Err(NotData(
                "an enum is the name of a variant, or a dict of it and what it carries".to_owned(),
            )),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

/// A variant, and what it carries.
struct Variant {
    name: Value,
    value: Option<Value>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = NotData;
    type Variant = Carried;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Carried), NotData> {
        Ok((seed.deserialize(Decoder(self.name))?, Carried(self.value)))
    }
}

/// What a variant carries.
struct Carried(Option<Value>);

impl Carried {
    fn some(self, expected: &str) -> Result<Decoder, NotData> {
        let missing = || serde::de::Error::invalid_type(Unexpected::UnitVariant, &expected);
        self.0.map(Decoder).ok_or_else(missing)
    }
}

impl<'de> VariantAccess<'de> for Carried {
    type Error = NotData;

    fn unit_variant(self) -> Result<(), NotData> {
        match self.0 {
            None | Some(Value::None) => Ok(()),
            Some(other) => Err(NotData(format!("a variant without a value has {other}"))),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, NotData> {
        seed.deserialize(self.some("a variant with a value")?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, NotData> {
        self.some("a variant with a tuple")?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotData> {
        self.some("a variant with fields")?.deserialize_any(visitor)
    }
}
