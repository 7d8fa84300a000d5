//! Plain data: a Python value without classes, with Python's equality (`1 == 1.0 == True`).
use super::repr;
use std::fmt;

/// A Python value without classes.
///
/// ```
/// use piecework_wire::Value;
///
/// let dict = Value::Dict(vec![("a".into(), Value::Tuple(vec![1.into(), Value::None]))]);
/// assert_eq!(dict.to_string(), "{'a': (1, None)}");
/// assert_eq!(Value::Int(1), Value::Float(1.0));
/// ```
#[derive(Clone, Debug)]
pub enum Value {
    /// `None`.
    None,
    /// A `bool`.
    Bool(bool),
    /// An `int` that fits 64 bits.
    Int(i64),
    /// Any other `int`: two's complement, little-endian, as short as can be.
    Big(Vec<u8>),
    /// A `float`.
    Float(f64),
    /// A `str`.
    Str(String),
    /// A `bytes`.
    Bytes(Vec<u8>),
    /// A `list`.
    List(Vec<Self>),
    /// A `tuple`.
    Tuple(Vec<Self>),
    /// A `dict`, in its order.
    Dict(Vec<(Self, Self)>),
}

fn sign_byte(top: u8) -> u8 {
    if top & 0x80 == 0 { 0 } else { 0xff }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Str(value.to_owned())
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => a == b,
            (Self::Dict(a), Self::Dict(b)) => {
                let holds = |key, value| b.iter().any(|(k, v)| k == key && v == value);
                a.len() == b.len() && a.iter().all(|(key, value)| holds(key, value))
            }
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Float(float), number) | (number, Self::Float(float)) => {
                number.integer().is_some_and(|number| whole(*float).as_deref() == Some(&number))
            }
            (a, b) => a.integer().is_some_and(|a| b.integer().is_some_and(|b| a == b)),
        }
    }
}

impl Value {
    /// An `int` of any size: two's complement, little-endian.
    ///
    /// ```
    /// # use piecework_wire::Value;
    /// assert_eq!(Value::from_twos_complement(&[0xff]), Value::Int(-1));
    /// let large = Value::from_twos_complement(&[0, 0, 0, 0, 0, 0, 0, 0, 1]);
    /// assert_eq!(large.to_string(), "18446744073709551616"); // 2 to the power of 64
    /// ```
    pub fn from_twos_complement(data: &[u8]) -> Self {
        let mut data = data;
        // Bytes that only repeat the sign say nothing.
        while let [rest @ .., before, last] = data
            && *last == sign_byte(*before)
        {
            data = data.get(..=rest.len()).unwrap_or_default();
        }
        let Some(last) = data.last() else { return Self::Int(0) };
        let mut bytes = [sign_byte(*last); 8];
        match bytes.get_mut(..data.len()) {
            Some(low) => {
                low.copy_from_slice(data);
                Self::Int(i64::from_le_bytes(bytes))
            }
            None => Self::Big(data.to_vec()),
        }
    }

    /// An int or a bool in two's complement, little-endian, as short as can be.
    fn integer(&self) -> Option<Vec<u8>> {
        match self {
            Self::Bool(value) => Some(shortest(i64::from(*value).to_le_bytes().to_vec())),
            Self::Int(value) => Some(shortest(value.to_le_bytes().to_vec())),
            Self::Big(bytes) => Some(shortest(bytes.clone())),
            _ => None,
        }
    }
}

fn shortest(mut bytes: Vec<u8>) -> Vec<u8> {
    while let [.., before, last] = bytes[..]
        && last == sign_byte(before)
    {
        bytes.pop();
    }
    bytes
}

/// A float without a fraction as an int, in the same form.
fn whole(float: f64) -> Option<Vec<u8>> {
    const MANTISSA_BITS: u64 = 52;
    const EXPONENT_OF_ONE: u64 = 1_023;
    /// From here on, every float is a multiple of 1.
    const ALL_WHOLE: f64 = 4_503_599_627_370_496.0;
    if !float.is_finite() || float.fract() != 0.0 {
        return None;
    }
    if float.abs() < ALL_WHOLE {
        return Some(shortest((float as i64).to_le_bytes().to_vec()));
    }
    let bits = float.abs().to_bits();
    let shift = (bits >> MANTISSA_BITS) - EXPONENT_OF_ONE - MANTISSA_BITS;
    let mantissa = bits & ((1 << MANTISSA_BITS) - 1) | 1 << MANTISSA_BITS;
    let mut number = vec![0; usize::try_from(shift / 8).ok()?];
    let mantissa = i128::from(mantissa) << (shift % 8);
    let signed = if float < 0.0 { -mantissa } else { mantissa };
    number.extend(signed.to_le_bytes());
    // The bytes below the mantissa are 0, and so they are in two's complement as well.
    Some(shortest(number))
}

/// As Python's `repr` shows it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Big(bytes) => f.write_str(&decimal(bytes)),
            Self::Float(value) => repr::float(f, *value),
            Self::Str(value) => repr::str(f, value),
            Self::Bytes(value) => repr::bytes(f, value),
            Self::List(items) => {
                f.write_str("[")?;
                separated(f, items, |f, item| write!(f, "{item}"))?;
                f.write_str("]")
            }
            Self::Tuple(items) => {
                f.write_str("(")?;
                separated(f, items, |f, item| write!(f, "{item}"))?;
                f.write_str(if items.len() == 1 { ",)" } else { ")" })
            }
            Self::Dict(items) => {
                f.write_str("{")?;
                separated(f, items, |f, (key, value)| write!(f, "{key}: {value}"))?;
                f.write_str("}")
            }
        }
    }
}

/// Writes an int of any size, by dividing it again and again; bounded for the sake of time.
fn decimal(bytes: &[u8]) -> String {
    /// Python itself refuses to print ints far beyond this (4,300 digits).
    const BYTES_MAX: usize = 2_048;
    if bytes.len() > BYTES_MAX {
        return format!("<int of {} bytes>", bytes.len());
    }
    let negative = bytes.last().is_some_and(|top| sign_byte(*top) != 0);
    let mut carry = negative;
    let mut number: Vec<u8> = bytes.to_vec();
    if negative {
        for byte in &mut number {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    let mut digits = Vec::new();
    while number.iter().any(|byte| *byte != 0) {
        let mut rest = 0;
        for byte in number.iter_mut().rev() {
            let part = rest << 8 | u16::from(*byte);
            (*byte, rest) = (u8::try_from(part / 10).unwrap_or_default(), part % 10);
        }
        digits.push(char::from(b'0' + u8::try_from(rest).unwrap_or_default()));
    }
    if negative {
        digits.push('-');
    }
    digits.into_iter().rev().collect()
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    mut show: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        show(f, item)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_that_of_python() {
        let float_of_2_to_the_70 = Value::Float(2f64.powi(70));
        let big = |bytes: &[u8]| Value::Big(bytes.to_vec());
        let equal = [
            (Value::Int(1), Value::Float(1.0)),
            (Value::Bool(true), Value::Int(1)),
            (Value::Bool(false), Value::Float(-0.0)),
            (Value::Int(i64::MIN), Value::Float(-(2f64.powi(63)))),
            (float_of_2_to_the_70.clone(), big(&[0, 0, 0, 0, 0, 0, 0, 0, 64])),
            (Value::Float(-(2f64.powi(70))), big(&[0, 0, 0, 0, 0, 0, 0, 0, 0xc0])),
            (Value::List(vec![Value::Int(1)]), Value::List(vec![Value::Bool(true)])),
            (
                Value::Dict(vec![(1.into(), 2.into()), (3.into(), 4.into())]),
                Value::Dict(vec![(3.into(), 4.into()), (1.into(), 2.into())]),
            ),
        ];
        for (a, b) in equal {
            assert_eq!(a, b);
            assert_eq!(b, a);
        }
        let different = [
            (Value::Float(f64::NAN), Value::Float(f64::NAN)),
            (Value::None, Value::Bool(false)),
            (Value::Str("a".into()), Value::Bytes(b"a".to_vec())),
            (Value::List(vec![]), Value::Tuple(vec![])),
            (Value::Int((1 << 53) + 1), Value::Float(2f64.powi(53))),
            (Value::Int(i64::MAX), Value::Float(2f64.powi(63))),
            (Value::Int(1), Value::Float(1.5)),
            (float_of_2_to_the_70, big(&[1, 0, 0, 0, 0, 0, 0, 0, 64])),
        ];
        for (a, b) in different {
            assert_ne!(a, b);
        }
    }

    #[test]
    fn ints_of_any_size_are_shown_as_numbers() {
        let cases: [(&[u8], &str); 3] = [
            (&[0, 0, 0, 0, 0, 0, 0, 0, 1], "18446744073709551616"),
            (&[255, 255, 255, 255, 255, 255, 255, 255, 254], "-18446744073709551617"),
            (&[0, 0, 0, 0, 0, 0, 0, 0, 255], "-18446744073709551616"),
        ];
        for (bytes, shown) in cases {
            assert_eq!(Value::Big(bytes.to_vec()).to_string(), shown);
        }
    }

    #[test]
    fn longs_lose_what_only_repeats_the_sign() {
        assert!(matches!(
            Value::from_twos_complement(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            Value::Int(1)
        ));
        assert!(matches!(Value::from_twos_complement(&[0xff; 12]), Value::Int(-1)));
        assert!(matches!(Value::from_twos_complement(&[]), Value::Int(0)));
        assert!(matches!(
            Value::from_twos_complement(&[0, 0, 0, 0, 0, 0, 0, 0x80, 0]),
            Value::Big(_)
        ));
    }
}
