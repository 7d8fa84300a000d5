//! Base64, for bytes that have no place in JSON.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Returns the bytes as base64, padded. Parts of a multiple of three bytes can be joined.
pub(super) fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let mut bits = part.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        bits <<= 8 * (3 - part.len());
        for sign in 0..4 {
            let digit = bits >> (18 - 6 * sign) & 63;
            // One byte of input makes two signs, two make three.
            let sign = if sign <= part.len() { ALPHABET.get(digit as usize) } else { None };
            text.push(sign.map_or('=', |sign| char::from(*sign)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn it_is_what_other_programs_read() {
        let pairs: [(&[u8], &str); 6] = [
            (b"", ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foobar", "Zm9vYmFy"),
            (b"\xfb\xff\x00", "+/8A"),
        ];
        for (bytes, base64) in pairs {
            assert_eq!(text(bytes), base64);
        }
    }
}
