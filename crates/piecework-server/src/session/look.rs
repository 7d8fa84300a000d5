//! What objects look like: `repr()` and `str()` of a proxy, as CPython's server says them.

use bytes::Bytes;
use piecework_state::Shown;
use piecework_wire::{Payload, Value};

/// The text.
pub(super) fn look(shown: &Shown) -> String {
    match shown {
        Shown::List(items) => format!("[{}]", joined(items.iter().map(value))),
        Shown::Dict(entries) => {
            let entry = |[key, item]: &[Bytes; 2]| format!("{}: {}", value(key), value(item));
            format!("{{{}}}", joined(entries.iter().map(entry)))
        }
        Shown::Set(elements) if elements.is_empty() => "set()".to_owned(),
        Shown::Set(elements) => format!("{{{}}}", joined(elements.iter().map(value))),
        Shown::Value([typecode, of]) => format!("Value({}, {})", value(typecode), value(of)),
        Shown::Array(typecode, numbers) if numbers.is_empty() => format!("array('{typecode}')"),
        Shown::Array('u', letters) => {
            let letter = |letter: &Bytes| match read(letter) {
                Some(Value::Str(text)) => text,
                _ => String::new(),
            };
            let text: String = letters.iter().map(letter).collect();
            format!("array('u', {})", Value::Str(text))
        }
        Shown::Array(typecode, numbers) => {
            format!("array('{typecode}', [{}])", joined(numbers.iter().map(value)))
        }
        Shown::Names(names) => {
            let public = names.iter().filter(|(name, _)| !name.starts_with('_'));
            let mut shown: Vec<_> =
                public.map(|(name, of)| format!("{name}={}", value(of))).collect();
            shown.sort();
            format!("Namespace({})", shown.join(", "))
        }
        Shown::Opaque(kind) => format!("<{} object of piecework>", kind.name()),
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn read(bytes: &Bytes) -> Option<Value> {
    Payload::from_bytes(bytes.clone()).ok()?.value().ok()
}

/// A value as Python shows it; of what is no plain data the class, for to show it would be to run
/// its code.
fn value(bytes: &Bytes) -> String {
    let class = || {
        let payload = Payload::from_bytes(bytes.clone()).ok()?;
        Some(format!("<{}>", payload.class_name()?))
    };
    let value = read(bytes).map(|value| value.to_string());
    value.or_else(class).unwrap_or_else(|| "<?>".to_owned())
}
