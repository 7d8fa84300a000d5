//! Atoms as Python's `repr` shows them.
use std::fmt;

/// A float: the shortest digits that are read back as it, with an exponent where Python has one.
pub(super) fn float(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    /// Python's: `repr` goes by `'r'`, which is `float_repr_style` short, in `Python/pystrtod.c`.
    const FIXED: std::ops::Range<i32> = -4..16;
    if !value.is_finite() {
        return out.write_str(match value {
            f64::INFINITY => "inf",
            f64::NEG_INFINITY => "-inf",
            _ => "nan",
        });
    }
    let shortest = format!("{value:e}");
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value == 0.0 || FIXED.contains(&exponent) {
        // Always with a point: `1.0`.
        return write!(out, "{value:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    write!(out, "{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// A str, in single quotes unless it has some and no double ones.
pub(super) fn str(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    let quote = quote_for(text.contains('\''), text.contains('"'));
    out.write_char(quote)?;
    for char in text.chars() {
        match char {
            '\\' => out.write_str("\\\\"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            char if char == quote => write!(out, "\\{char}"),
            char if is_printable(char) => out.write_char(char),
            char => match u32::from(char) {
                code @ ..0x100 => write!(out, "\\x{code:02x}"),
                code @ ..0x1_0000 => write!(out, "\\u{code:04x}"),
                code => write!(out, "\\U{code:08x}"),
            },
        }?;
    }
    out.write_char(quote)
}

/// A bytes.
pub(super) fn bytes(out: &mut impl fmt::Write, bytes: &[u8]) -> fmt::Result {
    let quote = quote_for(bytes.contains(&b'\''), bytes.contains(&b'"'));
    write!(out, "b{quote}")?;
    for &byte in bytes {
        match byte {
            b'\\' => out.write_str("\\\\"),
            b'\n' => out.write_str("\\n"),
            b'\r' => out.write_str("\\r"),
            b'\t' => out.write_str("\\t"),
            byte if char::from(byte) == quote => write!(out, "\\{quote}"),
            b' '..=b'~' => out.write_char(char::from(byte)),
            byte => write!(out, "\\x{byte:02x}"),
        }?;
    }
    out.write_char(quote)
}

fn quote_for(has_single: bool, has_double: bool) -> char {
    if has_single && !has_double { '"' } else { '\'' }
}

/// Python goes by the tables of its Unicode version, Rust by those of its own.
fn is_printable(char: char) -> bool {
    // The escape of what is no letter, mark, number, sign or space of its own is `\u{...}`.
    char != '\0' && char.escape_debug().nth(1).is_none_or(|next| next != 'u')
}

#[cfg(test)]
mod tests {
    use crate::Value;

    /// The right sides are what CPython 3.11 says.
    #[test]
    fn atoms_look_as_in_python() {
        let floats: [(f64, &str); 12] = [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
        ];
        for (value, shown) in floats {
            assert_eq!(Value::Float(value).to_string(), shown);
        }
        let texts = [
            ("a", "'a'"),
            ("it's", "\"it's\""),
            ("'\"", "'\\'\"'"),
            ("\\\n\r\t\0\u{7f}", "'\\\\\\n\\r\\t\\x00\\x7f'"),
            ("é€😀", "'é€😀'"),
            ("\u{a0}\u{ad}\u{200b}\u{feff}", "'\\xa0\\xad\\u200b\\ufeff'"),
        ];
        for (text, shown) in texts {
            assert_eq!(Value::from(text).to_string(), shown);
        }
        let bytes = Value::Bytes(b"'\"\\\n\x00\xffz".to_vec());
        assert_eq!(bytes.to_string(), "b'\\'\"\\\\\\n\\x00\\xffz'");
    }
}
