//! Separators and sizes as they are written on the command line.

/// The units of GNU parallel: capital letters count by 1,024, small ones by 1,000.
const UNITS: [(char, usize); 6] = [
    ('K', 1 << 10),
    ('M', 1 << 20),
    ('G', 1 << 30),
    ('k', 1_000),
    ('m', 1_000_000),
    ('g', 1_000_000_000),
];

/// Reads a number of bytes: digits, perhaps with a unit.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let (digits, unit) = UNITS
        .iter()
        .find_map(|(letter, unit)| Some((text.strip_suffix(*letter)?, *unit)))
        .unwrap_or((text, 1));
    let number = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    number
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "a number of bytes from 1 is needed, such as 100k or 1M".to_owned())
}

/// Reads a separator of one byte or more, in which `\n`, `\t`, `\0`, `\x1f`, ... stand for bytes.
pub(super) fn separator(text: &str) -> Result<Vec<u8>, String> {
    match unescaped(text)? {
        bytes if bytes.is_empty() => Err("a separator of at least one byte is needed".to_owned()),
        bytes => Ok(bytes),
    }
}

/// Reads text in which `\n`, `\t`, `\0`, `\x1f`, ... stand for bytes.
pub(super) fn unescaped(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let (byte, taken) = if byte == b'\\' { escape(tail)? } else { (byte, 0) };
        bytes.push(byte);
        rest = tail.get(taken..).unwrap_or_default();
    }
    Ok(bytes)
}

/// Reads what follows a backslash; returns the byte and how many bytes it took.
fn escape(text: &[u8]) -> Result<(u8, usize), String> {
    let wrong = || "unknown escape: \\n, \\t, \\r, \\\\, \\0 to \\377 and \\x00 to \\xff are known";
    let digits = |from: usize, base: u32, most: usize| {
        let digits = text.iter().skip(from).take(most);
        let digits: String =
            digits.map(|byte| char::from(*byte)).take_while(|digit| digit.is_digit(base)).collect();
        let byte = u8::from_str_radix(&digits, base).map_err(|_| wrong().to_owned())?;
        Ok((byte, from + digits.len()))
    };
    match text.first() {
        Some(b'n') => Ok((b'\n', 1)),
        Some(b't') => Ok((b'\t', 1)),
        Some(b'r') => Ok((b'\r', 1)),
        Some(b'\\') => Ok((b'\\', 1)),
        Some(b'x') => digits(1, 16, 2),
        Some(b'0'..=b'7') => digits(0, 8, 3),
        _ => Err(wrong().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [("7", 7), ("1M", 1 << 20), ("10k", 10_000), ("2K", 2048)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "0", "0k", "-1", "1T", "k", "1.5M", "99999999999G"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn escapes_stand_for_bytes() {
        assert_eq!(separator("\\n;\\0\\x1f\\001\\\\"), Ok(b"\n;\0\x1f\x01\\".to_vec()));
        assert_eq!(separator("ü"), Ok("ü".as_bytes().to_vec()));
        assert_eq!(unescaped(""), Ok(vec![]));
        for wrong in ["", "\\", "\\q", "\\x", "\\777"] {
            assert!(separator(wrong).is_err(), "{wrong}");
        }
    }
}
