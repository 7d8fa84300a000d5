//! What goes through a queue as Rust has it: any type of serde's, as plain data that Python reads.
//!
//! | Rust | Python |
//! |---|---|
//! | `()`, `None` | `None` |
//! | `bool`, integers, floats | `bool`, `int`, `float` |
//! | `char`, `String` | `str` |
//! | `serde_bytes` | `bytes` (which a `Vec<u8>` reads as well) |
//! | `Vec`, sets | `list` |
//! | tuples, arrays, tuple structs | `tuple` |
//! | maps, structs | `dict`, fields by name |
//! | `Variant`, `Variant(value)` | `"Variant"`, `{"Variant": value}` |

mod decode;
mod encode;
mod not_data;

use std::any::type_name;

use piecework_wire::{Payload, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

use not_data::NotData;

/// How much of a value an error shows.
const SHOWN_CHARS_MAX: usize = 200;

/// Pickles an item.
///
/// # Errors
/// The item's own `Serialize` fails.
pub(crate) fn to_payload<T: Serialize + ?Sized>(item: &T) -> Result<Payload, Error> {
    to_value(item).map(|value| Payload::from_value(&value))
}

/// Says a part of an item.
///
/// # Errors
/// As for [`to_payload`].
pub(crate) fn to_value<T: Serialize + ?Sized>(item: &T) -> Result<Value, Error> {
    encode::encode(item).map_err(|NotData(why)| Error::Unsayable { kind: type_name::<T>(), why })
}

/// Reads a part of an item.
///
/// # Errors
/// It is not of this type.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    let found = value.to_string();
    decode::decode(value).map_err(|NotData(why)| Error::Mismatch {
        kind: type_name::<T>(),
        found: shorten(found),
        why,
    })
}

/// Reads an item.
///
/// # Errors
/// It is no plain data, or not of this type.
pub(crate) fn from_payload<T: DeserializeOwned>(payload: &Payload) -> Result<T, Error> {
    from_value(plain(payload).map_err(|(found, why)| Error::Mismatch {
        kind: type_name::<T>(),
        found,
        why,
    })?)
}

/// The plain data of an item; or what it is, and why that is none.
pub(crate) fn plain(payload: &Payload) -> Result<Value, (String, String)> {
    payload.value().map_err(|_| {
        let found = match payload.class_name() {
            Some(class) => format!("an object of {class}"),
            None => format!("{} bytes that are no plain data", payload.len()),
        };
        (shorten(found), "it is no plain data".to_owned())
    })
}

fn shorten(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(SHOWN_CHARS_MAX) {
        text.truncate(at);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;
