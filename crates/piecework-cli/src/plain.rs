//! Python's values as text: as an argument of a command, or as a line for people.

use std::fmt::Write;

use piecework_wire::Value;

/// How many characters of an argument are shown in a message.
const SHOWN_CHARS_MAX: usize = 80;

/// A value that has no place in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotJson {
    /// There are bytes within a list, tuple or dict.
    #[error("bytes within a list, tuple or dict have no form in JSON")]
    Bytes,
    /// A dict has a list, a tuple or bytes as a key.
    #[error("a dict whose keys are not plain has no form in JSON")]
    Key,
}

/// Returns a value as the bytes that a person would write for it: a str is its text and bytes are
/// themselves, numbers are as Python prints them, containers are JSON.
///
/// # Errors
/// If a container holds what JSON does not know.
pub(crate) fn text(value: &Value) -> Result<Vec<u8>, NotJson> {
    Ok(match value {
        Value::Str(text) => text.clone().into_bytes(),
        Value::Bytes(bytes) => bytes.clone(),
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Big(_) => value.to_string().into(),
        Value::Float(float) => repr(*float).into(),
        Value::List(_) | Value::Tuple(_) | Value::Dict(_) => json(value)?.into(),
    })
}

/// Returns a value as JSON, in the form that Python's `json.dumps` gives it.
///
/// # Errors
/// If it holds what JSON does not know.
pub(crate) fn json(value: &Value) -> Result<String, NotJson> {
    let mut text = String::new();
    write_json(&mut text, value)?;
    Ok(text)
}

/// Makes the value that JSON says, as Python's `json.loads` would.
/// A number beyond 64 bits becomes a float.
pub(crate) fn from_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::None,
        serde_json::Value::Bool(truth) => Value::Bool(truth),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Value::Int(int),
            (None, float) => Value::Float(float.unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::Str(text),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(from_json).collect()),
        serde_json::Value::Object(entries) => {
            let entry = |(key, value)| (Value::Str(key), from_json(value));
            Value::Dict(entries.into_iter().map(entry).collect())
        }
    }
}

/// Nothing here is nested deeper than the reader of payloads lets through.
fn write_json(out: &mut String, value: &Value) -> Result<(), NotJson> {
    match value {
        Value::Str(text) => out.push_str(&quoted(text)),
        Value::Bytes(_) => return Err(NotJson::Bytes),
        Value::List(items) | Value::Tuple(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                write_json(out, item)?;
            }
            out.push(']');
        }
        Value::Dict(items) => {
            out.push('{');
            for (at, (key, item)) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                out.push_str(&quoted(&key_text(key)?));
                out.push_str(": ");
                write_json(out, item)?;
            }
            out.push('}');
        }
        plain => out.push_str(&plain_json(plain)),
    }
    Ok(())
}

/// A key as Python's `json` writes it: always a string.
fn key_text(key: &Value) -> Result<String, NotJson> {
    match key {
        Value::Str(text) => Ok(text.clone()),
        Value::Bytes(_) | Value::List(_) | Value::Tuple(_) | Value::Dict(_) => Err(NotJson::Key),
        plain => Ok(plain_json(plain)),
    }
}

/// A value that is no container, no str and no bytes.
fn plain_json(value: &Value) -> String {
    match value {
        Value::None => "null".to_owned(),
        Value::Bool(bool) => bool.to_string(),
        Value::Float(float) if float.is_nan() => "NaN".to_owned(),
        Value::Float(float) if float.is_infinite() => {
            if *float > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
        }
        Value::Float(float) => repr(*float),
        number => number.to_string(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A float as Python's `repr` writes it.
fn repr(float: f64) -> String {
    if float.is_nan() {
        return "nan".to_owned();
    }
    // Rust's own form changes to an exponent at the same sizes as Python's; only the exponent
    // itself looks different: 1e16 against 1e+16, 1e-5 against 1e-05.
    let shortest = format!("{float:?}");
    let Some((mantissa, exponent)) = shortest.split_once('e') else { return shortest };
    let mut text = mantissa.to_owned();
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    let _ = write!(text, "e{sign}{digits:0>2}");
    text
}

/// An argument as people can read it, on one line and not too long.
pub(crate) fn shown(argument: &[u8]) -> String {
    let text = String::from_utf8_lossy(argument);
    let mut chars = text.chars();
    let mut shown: String =
        chars.by_ref().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    if chars.next().is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_look_as_in_python() {
        let pairs = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.25e-10, "1.25e-10"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ];
        for (float, python) in pairs {
            assert_eq!(repr(float), python);
        }
    }

    #[test]
    fn scalars_are_plain_and_containers_are_json() {
        let list = Value::List(vec![
            Value::Int(1),
            Value::Str("a\"é\n".into()),
            Value::None,
            Value::Bool(true),
            Value::Tuple(vec![Value::Float(1e16)]),
            Value::Dict(vec![(Value::Int(1), Value::Dict(vec![]))]),
        ]);
        let pairs: [(Value, &[u8]); 7] = [
            (Value::Str("a b".into()), b"a b"),
            (Value::Bytes(b"\xff".to_vec()), b"\xff"),
            (Value::Int(-3), b"-3"),
            (Value::Bool(true), b"True"),
            (Value::None, b"None"),
            (Value::Float(0.5), b"0.5"),
            (list, r#"[1, "a\"é\n", null, true, [1e+16], {"1": {}}]"#.as_bytes()),
        ];
        for (value, expected) in pairs {
            assert_eq!(text(&value).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn what_json_does_not_know_is_refused() {
        let bytes = || Value::Bytes(vec![]);
        assert_eq!(text(&Value::List(vec![bytes()])), Err(NotJson::Bytes));
        assert_eq!(text(&Value::Dict(vec![(bytes(), Value::None)])), Err(NotJson::Key));
    }

    #[test]
    fn arguments_are_shown_on_one_line() {
        assert_eq!(shown(b"a\nb"), "a\\nb");
        assert_eq!(shown(&[b'x'; 81]), format!("{}...", "x".repeat(80)));
    }
}
