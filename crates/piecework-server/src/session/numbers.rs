//! The numbers of an `Array`: what Python's `array` makes of what is put into one.

use bytes::Bytes;
use piecework_state::StateError;
use piecework_wire::{Payload, Value};

/// Whether there are arrays of this typecode.
pub(super) fn is_typecode(typecode: char) -> bool {
    matches!(typecode, 'f' | 'd' | 'u') || range(typecode).is_some()
}

/// The least and the greatest int, and what Python calls them.
fn range(typecode: char) -> Option<(i128, i128, &'static str)> {
    Some(match typecode {
        'b' => (i8::MIN.into(), i8::MAX.into(), "signed char"),
        'B' => (0, u8::MAX.into(), "unsigned byte integer"),
        'h' => (i16::MIN.into(), i16::MAX.into(), "signed short integer"),
        'H' => (0, u16::MAX.into(), "unsigned short"),
        'i' => (i32::MIN.into(), i32::MAX.into(), "signed integer"),
        'I' => (0, u32::MAX.into(), "unsigned int"),
        'l' | 'q' => (i64::MIN.into(), i64::MAX.into(), "int"),
        'L' | 'Q' => (0, u64::MAX.into(), "unsigned int"),
        _ => return None,
    })
}

/// What Python's `array` of this typecode has after this was put into it.
pub(super) fn convert(typecode: char, bytes: &Bytes) -> Result<Bytes, StateError> {
    let value = Payload::from_bytes(bytes.clone()).and_then(|payload| payload.value());
    let Ok(value) = value else {
        return Err(raised("TypeError", "an integer, a float or a str is required".to_owned()));
    };
    let converted = match typecode {
        'f' | 'd' => {
            let number = match &value {
                Value::Big(_) => value.to_string().parse().ok(),
                value => super::arguments::number(value),
            };
            let number = number.ok_or_else(|| {
                let kind = super::arguments::type_name(&value);
                raised("TypeError", format!("must be real number, not {kind}"))
            })?;
            if number.is_infinite() && matches!(value, Value::Big(_)) {
                let message = "int too large to convert to float".to_owned();
                return Err(raised("OverflowError", message));
            }
            // A float of 32 bits is read back as what it is.
            Value::Float(if typecode == 'f' { f64::from(number as f32) } else { number })
        }
        'u' => match value {
            Value::Str(text) if text.chars().count() == 1 => Value::Str(text),
            _ => return Err(raised("TypeError", "array item must be a unicode character".into())),
        },
        typecode => int(typecode, &value)?,
    };
    Ok(Payload::from_value(&converted).into_bytes())
}

/// The typecode and the numbers of an array, by the call that is its pickle among processes: the
/// numbers as they lie in memory, here as on nearly all machines, the lowest byte first.
pub(super) fn of_array((class, arguments): &(String, Vec<Payload>)) -> Option<(char, Vec<Bytes>)> {
    let ("array.array", [typecode, bytes]) = (class.as_str(), &arguments[..]) else { return None };
    let (Value::Str(typecode), Value::Bytes(bytes)) = (typecode.value().ok()?, bytes.value().ok()?)
    else {
        return None;
    };
    let typecode = typecode.chars().next()?;
    let width = match typecode {
        'b' | 'B' => 1,
        'h' | 'H' => 2,
        'i' | 'I' | 'f' | 'u' => 4,
        'l' | 'L' | 'q' | 'Q' | 'd' => 8,
        _ => return None,
    };
    if bytes.len() % width != 0 {
        return None;
    }
    let number = |bytes: &[u8]| Some(Payload::from_value(&read(typecode, bytes)?).into_bytes());
    let numbers = bytes.chunks(width).map(number);
    Some((typecode, numbers.collect::<Option<_>>()?))
}

/// One number of an array of this typecode.
fn read(typecode: char, bytes: &[u8]) -> Option<Value> {
    let (least, ..) = range(typecode).unwrap_or_default();
    let is_negative = least < 0 && bytes.last()? & 0x80 != 0;
    let mut wide = [if is_negative { 0xff } else { 0 }; 16];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    let bits = i128::from_le_bytes(wide);
    Some(match typecode {
        'f' => Value::Float(f32::from_bits(u32::try_from(bits).ok()?).into()),
        'd' => Value::Float(f64::from_bits(u64::try_from(bits).ok()?)),
        'u' => Value::Str(char::from_u32(u32::try_from(bits).ok()?)?.to_string()),
        _ => match i64::try_from(bits) {
            Ok(int) => Value::Int(int),
            // A ninth byte keeps the sign positive.
            Err(_) => Value::Big(wide.get(..9)?.to_vec()),
        },
    })
}

fn int(typecode: char, value: &Value) -> Result<Value, StateError> {
    let (least, greatest, name) = range(typecode).unwrap_or((0, 0, "int"));
    let number = match value {
        Value::Int(int) => i128::from(*int),
        Value::Bool(truth) => i128::from(*truth),
        Value::Big(bytes) => big(bytes),
        other => {
            let kind = super::arguments::type_name(other);
            let message = format!("'{kind}' object cannot be interpreted as an integer");
            return Err(raised("TypeError", message));
        }
    };
    let over = |which| raised("OverflowError", format!("{name} is {which}"));
    match number {
        number if number > greatest => Err(over("greater than maximum")),
        number if number < least => Err(over("less than minimum")),
        number => Ok(i64::try_from(number).map_or_else(|_| value.clone(), Value::Int)),
    }
}

/// An int of more than 64 bits; one that does not fit 128 is as good as the greatest there.
fn big(bytes: &[u8]) -> i128 {
    let negative = bytes.last().is_some_and(|top| top & 0x80 != 0);
    let mut wide = [if negative { 0xff } else { 0 }; 16];
    match wide.get_mut(..bytes.len()) {
        Some(low) => {
            low.copy_from_slice(bytes);
            i128::from_le_bytes(wide)
        }
        None if negative => i128::MIN,
        None => i128::MAX,
    }
}

fn raised(class: &'static str, message: String) -> StateError {
    StateError::Raised { class, message }
}
