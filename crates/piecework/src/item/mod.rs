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
mod direct;
mod encode;
mod not_data;

use std::any::type_name;

use bytes::{Bytes, BytesMut};
use piecework_wire::{Payload, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Mismatch, Unsayable};

use not_data::NotData;

/// How much of a value an error shows.
const SHOWN_CHARS_MAX: usize = 200;

/// Pickles an item.
///
/// # Errors
/// The item's own `Serialize` fails.
pub(crate) fn to_payload<T: Serialize + ?Sized>(item: &T) -> Result<Payload, Unsayable> {
    let mut out = BytesMut::new();
    append(item, &mut out)?;
    Ok(payload(out.freeze()))
}

/// Appends an item's pickle; nothing, if it fails.
///
/// # Errors
/// As for [`to_payload`].
pub(crate) fn append<T: Serialize + ?Sized>(item: &T, out: &mut BytesMut) -> Result<(), Unsayable> {
    let before = out.len();
    encode::encode(item, out).map_err(|NotData(why)| {
        out.truncate(before);
        Unsayable { kind: type_name::<T>(), why }
    })
}

/// What [`append`] appended.
pub(crate) fn payload(bytes: Bytes) -> Payload {
    Payload::from_bytes(bytes).expect("it has the header of what was written")
}

/// Says a part of an item.
///
/// # Errors
/// As for [`to_payload`].
pub(crate) fn to_value<T: Serialize + ?Sized>(item: &T) -> Result<Value, Unsayable> {
    let said = to_payload(item)?.value();
    said.map_err(|why| Unsayable { kind: type_name::<T>(), why: why.to_string() })
}

/// Reads a part of an item.
///
/// # Errors
/// It is not of this type.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Mismatch> {
    let found = value.to_string();
    decode::decode(value).map_err(|NotData(why)| Mismatch {
        kind: type_name::<T>(),
        found: shorten(found),
        why,
    })
}

/// Reads an item.
///
/// # Errors
/// It is no plain data, or not of this type.
pub(crate) fn from_payload<T: DeserializeOwned>(payload: &Payload) -> Result<T, Mismatch> {
    direct::decode(payload.as_bytes()).or_else(|_| decode(payload))
}

/// Reads an item that [`append`] has appended.
///
/// # Errors
/// As for [`from_payload`].
pub(crate) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Mismatch> {
    direct::decode(bytes).or_else(|_| decode(&payload(Bytes::copy_from_slice(bytes))))
}

/// Reads an item by way of the value that it is, which knows all of plain data, and what is wrong.
fn decode<T: DeserializeOwned>(payload: &Payload) -> Result<T, Mismatch> {
    from_value(plain(payload).map_err(|(found, why)| Mismatch {
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
