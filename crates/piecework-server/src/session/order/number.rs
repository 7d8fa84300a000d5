//! Numbers in keys that order: ints and floats of all sizes compare by their bytes.
//!
//! A sign, then the exponent, then the bits behind the leading one; all bits are turned where the
//! number is negative.

use crate::limits::ORDER_BYTES_MAX;

/// Numbers as they follow each other.
const MINUS_INFINITY: u8 = 1;
const NEGATIVE: u8 = 2;
const ZERO: u8 = 3;
const POSITIVE: u8 = 4;
const INFINITY: u8 = 5;
/// Python finds it neither less nor greater than anything; here it has to stand somewhere.
const NAN: u8 = 6;

/// Exponents are written as so many bytes, from this one up: more than any number that fits a
/// message has.
const EXPONENT_BYTES: usize = 5;
const EXPONENT_ZERO: i64 = 1 << 39;

/// An int in two's complement, little-endian.
pub(crate) fn big(key: &mut Vec<u8>, bytes: &[u8]) {
    let negative = bytes.last().is_some_and(|top| top & 0x80 != 0);
    let mut carry = negative;
    let turn = |byte: &u8| {
        let turned = if negative { !byte } else { *byte };
        let (sum, over) = turned.overflowing_add(u8::from(carry));
        carry = over;
        sum
    };
    let mut magnitude: Vec<u8> = bytes.iter().map(turn).collect();
    magnitude.reverse();
    write(key, negative, &magnitude, 0);
}

pub(crate) fn float(key: &mut Vec<u8>, value: f64) {
    const MANTISSA_BITS: u32 = 52;
    const EXPONENT_OF_ONE: i64 = 1_023;
    let special = match value {
        f64::INFINITY => INFINITY,
        f64::NEG_INFINITY => MINUS_INFINITY,
        value if value.is_nan() => NAN,
        value => {
            let bits = value.abs().to_bits();
            let exponent = i64::try_from(bits >> MANTISSA_BITS).unwrap_or(0);
            let fraction = bits & ((1 << MANTISSA_BITS) - 1);
            // Those that are nearest to zero have no leading one, and the exponent of the next.
            let one = if exponent == 0 { 0 } else { 1 << MANTISSA_BITS };
            let shift = exponent.max(1) - EXPONENT_OF_ONE - i64::from(MANTISSA_BITS);
            return write(key, value < 0.0, &(fraction | one).to_be_bytes(), shift);
        }
    };
    key.push(special);
}

/// A number of this magnitude, big-endian, times two to the power of `shift`.
pub(crate) fn write(key: &mut Vec<u8>, negative: bool, magnitude: &[u8], shift: i64) {
    let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
    let Some((first, rest)) = magnitude.get(zeros..).and_then(|digits| digits.split_first()) else {
        return key.push(ZERO);
    };
    key.push(if negative { NEGATIVE } else { POSITIVE });
    let begins = key.len();
    let bits = i64::from(u8::BITS - first.leading_zeros());
    let exponent = EXPONENT_ZERO + bits + 8 * i64::try_from(rest.len()).unwrap_or(0) + shift;
    key.extend(exponent.to_be_bytes().iter().skip(size_of::<i64>() - EXPONENT_BYTES));
    mantissa(key, std::iter::once(first).chain(rest).take(ORDER_BYTES_MAX), first.leading_zeros());
    if negative {
        key.iter_mut().skip(begins).for_each(|byte| *byte = !*byte);
    }
}

/// The bits behind the leading one, as far as there are ones among them: seven in a byte, whose
/// lowest bit says whether there are more.
fn mantissa<'a>(key: &mut Vec<u8>, bytes: impl Iterator<Item = &'a u8>, leading_zeros: u32) {
    let bits = bytes.flat_map(|byte| (0..u8::BITS).rev().map(move |at| byte >> at & 1));
    let mut bits: Vec<u8> = bits.skip(leading_zeros as usize + 1).collect();
    let ones = bits.iter().rposition(|bit| *bit == 1).map_or(0, |last| last + 1);
    bits.truncate(ones);
    let groups = bits.len().div_ceil(7).max(1);
    bits.resize(groups * 7, 0);
    for (at, group) in bits.chunks(7).enumerate() {
        let byte = group.iter().fold(0, |byte, bit| byte << 1 | bit);
        key.push(byte << 1 | u8::from(at + 1 < groups));
    }
}

/// The bytes of the number that these begin with.
pub(crate) fn len(rest: &[u8]) -> usize {
    let ends = match rest.first() {
        Some(&POSITIVE) => 0,
        Some(&NEGATIVE) => 1,
        _ => return 1,
    };
    let mantissa = rest.get(1 + EXPONENT_BYTES..).unwrap_or_default();
    let groups = mantissa.iter().take_while(|byte| **byte & 1 != ends).count() + 1;
    1 + EXPONENT_BYTES + groups
}

#[cfg(test)]
mod tests {
    use super::super::{clash, key};
    use piecework_wire::{Payload, Value};

    fn key_of(value: &Value) -> Box<[u8]> {
        key(&Payload::from_value(value)).unwrap()
    }

    fn big(bits: usize, negative: bool) -> Value {
        // ±(2^bits): two's complement, little-endian.
        let mut bytes = vec![0; bits / 8];
        match negative {
            false => bytes.push(1 << (bits % 8)),
            true => bytes.push(!((1 << (bits % 8)) - 1)),
        }
        if !negative && bits % 8 == 7 {
            bytes.push(0);
        }
        Value::Big(bytes)
    }

    /// Each is less than the next, to Python.
    #[test]
    fn numbers_compare_as_python_compares() {
        let numbers = [
            Value::Float(f64::NEG_INFINITY),
            big(2_000, true),
            Value::Float(f64::MIN),
            big(70, true),
            Value::Int(i64::MIN),
            Value::Int(-(1 << 53) - 1),
            Value::Float(-9_007_199_254_740_992.0),
            Value::Int(-3),
            Value::Float(-2.5),
            Value::Int(-2),
            Value::Int(-1),
            Value::Float(-0.1),
            Value::Float(-5e-324),
            Value::Int(0),
            Value::Float(5e-324),
            Value::Float(f64::MIN_POSITIVE),
            Value::Float(0.1),
            Value::Float(0.5),
            Value::Bool(true),
            Value::Float(1.5),
            Value::Int(2),
            Value::Int(255),
            Value::Int(256),
            Value::Float(9_007_199_254_740_992.0),
            Value::Int((1 << 53) + 1),
            Value::Int(i64::MAX),
            Value::Float(9_223_372_036_854_775_808.0),
            big(70, false),
            Value::Float(f64::MAX),
            big(2_000, false),
            Value::Float(f64::INFINITY),
        ];
        for (a, b) in numbers.iter().zip(&numbers[1..]) {
            let (low, high) = (key_of(a), key_of(b));
            assert!(low < high, "{a} < {b}: {low:02x?} {high:02x?}");
            assert_eq!(clash(&low, &high), None, "{a} {b}");
        }
    }

    #[test]
    fn what_python_finds_equal_has_one_key() {
        let equal = [
            (Value::Int(1), Value::Bool(true)),
            (Value::Int(0), Value::Float(-0.0)),
            (Value::Int(-7), Value::Float(-7.0)),
            (Value::Int(i64::MIN), Value::Float(-(2f64.powi(63)))),
            (big(70, false), Value::Float(2f64.powi(70))),
            (big(70, true), Value::Float(-(2f64.powi(70)))),
        ];
        for (a, b) in equal {
            assert_eq!(key_of(&a), key_of(&b), "{a} == {b}");
        }
    }
}
