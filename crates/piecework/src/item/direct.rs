//! Python to Rust at once: what is usual in plain data is read off the pickle, without a value in
//! between. All else is an error here, at which the long way is taken.
//!
//! A pickle says a tuple of up to three behind its parts, so whoever does not know what comes
//! cannot read one. Nothing is mistaken for anything else by that: each part is read once, in its
//! order, and makes sense in one way only.

use std::iter::Peekable;

use piecework_wire::pickle::{BATCH, Part, PartReader};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// How deep values may nest: reading them recurses.
const DEPTH_MAX: usize = 100;

/// Reads an item if it has the usual shape.
pub(super) fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Unusual> {
    let mut decoder = Decoder { parts: PartReader::new(payload).peekable(), depth: 0 };
    let item = T::deserialize(&mut decoder)?;
    match decoder.parts.next() {
        None => Ok(item),
        Some(_) => Err(Unusual),
    }
}

/// It cannot be read at once.
#[derive(Debug)]
pub(super) struct Unusual;

impl std::fmt::Display for Unusual {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it cannot be read at once")
    }
}

impl std::error::Error for Unusual {}

impl de::Error for Unusual {
    fn custom<T: std::fmt::Display>(_message: T) -> Self {
        Self // what is wrong is told by the long way
    }
}

struct Decoder<'de> {
    parts: Peekable<PartReader<'de>>,
    depth: usize,
}

impl<'de> Decoder<'de> {
    fn expect(&mut self, part: Part<'_>) -> Result<(), Unusual> {
        if self.parts.next() == Some(part) { Ok(()) } else { Err(Unusual) }
    }

    /// Reads what has parts, with a visitor, up to its end.
    fn within<T>(
        &mut self,
        end: End,
        read: impl FnOnce(&mut Within<'_, 'de>) -> Result<T, Unusual>,
    ) -> Result<T, Unusual> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Unusual);
        }
        let mut within = Within { decoder: self, end, is_over: false };
        let whole = read(&mut within)?;
        if !within.is_over && within.more()? {
            return Err(Unusual);
        }
        self.depth -= 1;
        Ok(whole)
    }

    fn list<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unusual> {
        let is_empty = self.parts.next_if_eq(&Part::Mark).is_none();
        self.within(End::batches(Part::EndBatch, is_empty), |parts| visitor.visit_seq(parts))
    }

    fn dict<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unusual> {
        let is_empty = self.parts.next_if_eq(&Part::Mark).is_none();
        self.within(End::batches(Part::EndPairs, is_empty), |parts| visitor.visit_map(parts))
    }
}

/// What ends parts.
#[derive(Clone, Copy)]
enum End {
    /// This one, unless another batch follows, as it may behind a full one.
    Batches { end: Part<'static>, len: usize },
    /// A part that is none of them.
    Part(Part<'static>),
    /// So many are left, and the end tells how many there were.
    Count { left: usize, all: usize },
    /// There are none.
    Empty,
}

impl End {
    fn batches(end: Part<'static>, is_empty: bool) -> Self {
        if is_empty { Self::Empty } else { Self::Batches { end, len: 0 } }
    }
}

/// The parts of something.
struct Within<'d, 'de> {
    decoder: &'d mut Decoder<'de>,
    end: End,
    is_over: bool,
}

impl Within<'_, '_> {
    /// Whether another part comes; if not, the end is read.
    fn more(&mut self) -> Result<bool, Unusual> {
        if self.is_over {
            return Ok(false);
        }
        let parts = &mut self.decoder.parts;
        let more = match &mut self.end {
            End::Empty => false,
            End::Count { left: 0, all } => {
                let all = *all;
                self.decoder.expect(Part::Tuple(all))?;
                false
            }
            End::Count { left, .. } => {
                *left -= 1;
                true
            }
            End::Part(end) => parts.next_if_eq(end).is_none(),
            End::Batches { end, len } => {
                let more = parts.next_if_eq(end).is_none()
                    || *len % BATCH == 0 && parts.next_if_eq(&Part::Mark).is_some();
                *len += 1;
                more
            }
        };
        self.is_over = !more;
        Ok(more)
    }
}

impl<'de> SeqAccess<'de> for &mut Within<'_, 'de> {
    type Error = Unusual;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unusual> {
        if self.more()? { seed.deserialize(&mut *self.decoder).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for &mut Within<'_, 'de> {
    type Error = Unusual;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unusual> {
        if self.more()? { seed.deserialize(&mut *self.decoder).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unusual> {
        seed.deserialize(&mut *self.decoder)
    }
}

impl<'de> Deserializer<'de> for &mut Decoder<'de> {
    type Error = Unusual;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self.parts.next().ok_or(Unusual)? {
            Part::None => visitor.visit_unit(),
            Part::Bool(value) => visitor.visit_bool(value),
            Part::Int(value) => visitor.visit_i64(value),
            Part::Float(value) => visitor.visit_f64(value),
            Part::Str(value) => visitor.visit_str(value),
            Part::Bytes(value) => visitor.visit_bytes(value),
            Part::List => self.list(visitor),
            Part::Dict => self.dict(visitor),
            Part::Tuple(0) => self.within(End::Empty, |parts| visitor.visit_seq(parts)),
            Part::Mark => self.within(End::Part(Part::EndTuple), |parts| visitor.visit_seq(parts)),
            Part::EndBatch | Part::EndPairs | Part::Tuple(_) | Part::EndTuple | Part::Other => {
                Err(Unusual)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self.parts.next_if_eq(&Part::None) {
            Some(_) => visitor.visit_none(),
            None => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self.parts.peek() {
            Some(Part::List | Part::Mark | Part::Tuple(0)) => self.deserialize_any(visitor),
            _ => Err(Unusual),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        match (self.parts.peek(), len) {
            (Some(Part::List), _) | (_, 0) => self.deserialize_any(visitor),
            (_, 1..=3) => {
                let end = End::Count { left: len, all: len };
                self.within(end, |parts| visitor.visit_seq(parts))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        match self.parts.next() {
            Some(Part::Str(name)) => visitor.visit_enum(Variant { name, decoder: None }),
            Some(Part::Dict) => {
                self.expect(Part::Mark)?;
                let Some(Part::Str(name)) = self.parts.next() else { return Err(Unusual) };
                let value = visitor.visit_enum(Variant { name, decoder: Some(&mut *self) })?;
                self.expect(Part::EndPairs)?;
                Ok(value)
            }
            _ => Err(Unusual),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct map struct identifier ignored_any
    }
}

/// A variant, and what it carries if it does.
struct Variant<'d, 'de> {
    name: &'de str,
    decoder: Option<&'d mut Decoder<'de>>,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Unusual;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Unusual> {
        let name = de::value::StrDeserializer::<Unusual>::new(self.name);
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Unusual;

    fn unit_variant(self) -> Result<(), Unusual> {
        if self.decoder.is_none() { Ok(()) } else { Err(Unusual) }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Unusual> {
        seed.deserialize(self.decoder.ok_or(Unusual)?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Unusual> {
        self.decoder.ok_or(Unusual)?.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        self.decoder.ok_or(Unusual)?.deserialize_any(visitor)
    }
}
