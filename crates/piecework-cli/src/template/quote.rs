//! Quotes bytes for a shell, byte by byte as GNU parallel does.

/// What a program name never holds and a line for the shell does.
pub(super) const SHELL_SIGNS: &[u8] = b" \t\n|&;<>()$`\\\"'*?[]~#";

/// Quotes a value so that a shell reads it as one word.
pub(super) fn value(bytes: &[u8]) -> Vec<u8> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-./_".contains(byte);
    if bytes.is_empty() {
        return b"''".to_vec();
    }
    if bytes.iter().all(is_plain) {
        return bytes.to_vec();
    }
    // A single quote stands in double quotes, all else in single quotes: `it's` is 'it'"'"'s'.
    let parts = bytes.split(|byte| *byte == b'\'').map(|part| [b"'", part, b"'"].concat());
    let quoted = parts.collect::<Vec<_>>().join(&b"\"'\""[..]);
    // Of a quote at either end, the empty part beside it is not needed.
    let quoted = quoted.strip_prefix(b"''").unwrap_or(&quoted);
    quoted.strip_suffix(b"''").unwrap_or(quoted).to_vec()
}

/// Quotes what somebody wrote in a command without a shell, only where a shell would change it.
pub(super) fn text(bytes: &[u8]) -> Vec<u8> {
    let is_special = |byte: &u8| SHELL_SIGNS.contains(byte) || b"!{}".contains(byte);
    if bytes.is_empty() || bytes.iter().any(is_special) { value(bytes) } else { bytes.to_vec() }
}

/// Lets single quotes be closed and opened again around each single quote.
pub(super) fn in_single_quotes(bytes: &[u8]) -> Vec<u8> {
    bytes.split(|byte| *byte == b'\'').collect::<Vec<_>>().join(&b"'\"'\"'"[..])
}

/// Puts a backslash in front of the bytes that are special in double quotes.
pub(super) fn in_double_quotes(bytes: &[u8]) -> Vec<u8> {
    escaped(bytes, b"\\\"$`")
}

/// Puts a backslash in front of the bytes that end or change backticks.
pub(super) fn in_backticks(bytes: &[u8]) -> Vec<u8> {
    escaped(bytes, b"\\$`")
}

fn escaped(bytes: &[u8], special: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if special.contains(byte) {
            escaped.push(b'\\');
        }
        escaped.push(*byte);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_as_in_gnu_parallel() {
        let table = [
            ("", "''"),
            ("a-b_c/d.e+f9", "a-b_c/d.e+f9"),
            ("a b", "'a b'"),
            ("it's", r#"'it'"'"'s'"#),
            ("'", r#""'""#),
            ("''", r#""'"''"'""#),
            ("a''b", r#"'a'"'"''"'"'b'"#),
            ("a'", r#"'a'"'""#),
            ("a=b", "'a=b'"),
            ("\\", "'\\'"),
            ("a\nb", "'a\nb'"),
            ("ü", "'ü'"),
            ("~", "'~'"),
            ("a,b", "'a,b'"),
        ];
        for (bytes, quoted) in table {
            assert_eq!(String::from_utf8_lossy(&value(bytes.as_bytes())), quoted);
        }
    }

    #[test]
    fn text_is_quoted_only_where_it_must_be() {
        for plain in ["a=b", "--x=ü,y:z@%^"] {
            assert_eq!(text(plain.as_bytes()), plain.as_bytes());
        }
        for special in ["", "a b", "$x", "{}", "!"] {
            assert_eq!(text(special.as_bytes()), value(special.as_bytes()));
        }
    }
}
