//! Puts the argument into a shell script so that it can never be read as code.
//!
//! The argument is handed to the shell as its parameter `$1`, and each `{}` becomes a reference to
//! it that suits the quotes around it. The shell does not read the value of a parameter as code,
//! so a file name such as `$(reboot)` stays a file name even if the quotes were misjudged here.

/// What surrounds a byte of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Around {
    /// No quotes, or the inside of `$(...)` or `(...)`, which starts afresh.
    Plain,
    /// `` `...` ``, which starts afresh too.
    Backticks,
    /// `"..."`.
    Double,
    /// `'...'`, where nothing is special.
    Single,
    /// `$((...))`, which is read as if in double quotes but must not hold any.
    Arithmetic,
}

/// Returns the script with every `placeholder` replaced; without any, the argument is appended.
pub(super) fn script(line: &[u8], placeholder: &[u8]) -> Vec<u8> {
    let mut script = Vec::with_capacity(line.len() + 8);
    let mut around = vec![Around::Plain];
    let mut places = 0;
    let mut rest = line;
    while let Some(&byte) = rest.first() {
        let inside = around.last().copied().unwrap_or(Around::Plain);
        let taken = if rest.starts_with(placeholder) {
            places += 1;
            script.extend(reference(inside));
            rest = rest.get(placeholder.len()..).unwrap_or_default();
            continue;
        } else if byte == b'\\' && inside != Around::Single {
            2 // the next byte is not special, whatever it is
        } else {
            step(&mut around, inside, rest)
        };
        let (copied, tail) = rest.split_at(taken.min(rest.len()));
        script.extend(copied);
        rest = tail;
    }
    if places == 0 {
        script.push(b' ');
        script.extend(reference(Around::Plain));
    }
    script
}

/// The reference to the argument that is one word, with its exact value, in these surroundings.
fn reference(inside: Around) -> &'static [u8] {
    match inside {
        Around::Plain | Around::Backticks => b"\"${1}\"",
        Around::Double | Around::Arithmetic => b"${1}",
        Around::Single => b"'\"${1}\"'",
    }
}

/// Follows one sign of the shell into or out of its quotes; returns how many bytes it has.
fn step(around: &mut Vec<Around>, inside: Around, rest: &[u8]) -> usize {
    use Around::{Arithmetic, Backticks, Double, Plain, Single};
    let fresh = matches!(inside, Plain | Backticks);
    match (inside, rest) {
        (Single, [b'\'', ..]) | (Double, [b'"', ..]) | (Backticks, [b'`', ..]) => {
            around.pop();
        }
        (Single, _) => {}
        (_, [b'$', b'(', b'(', ..]) => {
            around.extend([Arithmetic, Arithmetic]);
            return 3;
        }
        (_, [b'$', b'(', ..]) => {
            around.push(Plain);
            return 2;
        }
        (_, [b'`', ..]) => around.push(Backticks),
        (Arithmetic, [b'(', ..]) => around.push(Arithmetic),
        (_, [b'(', ..]) if fresh => around.push(Plain),
        (_, [b')', ..]) if (fresh || inside == Arithmetic) && around.len() > 1 => {
            around.pop();
        }
        (_, [b'"', ..]) if inside != Double => around.push(Double),
        (_, [b'\'', ..]) if fresh => around.push(Single),
        _ => {}
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str) -> String {
        String::from_utf8(script(line.as_bytes(), b"{}")).unwrap()
    }

    #[test]
    fn each_surrounding_gets_its_own_reference() {
        assert_eq!(text("wc {} | x"), r#"wc "${1}" | x"#);
        assert_eq!(text(r#"echo "<{}>""#), r#"echo "<${1}>""#);
        assert_eq!(text("echo '<{}>'"), r#"echo '<'"${1}"'>'"#);
        assert_eq!(text(r#"echo "$(wc {})" {}"#), r#"echo "$(wc "${1}")" "${1}""#);
        assert_eq!(text("echo `wc {}` '{}'"), r#"echo `wc "${1}"` ''"${1}"''"#);
        assert_eq!(text("echo $(( ({} + 1) * 2 )) {}"), r#"echo $(( (${1} + 1) * 2 )) "${1}""#);
        assert_eq!(text("(cd {}; ls '{}')"), r#"(cd "${1}"; ls ''"${1}"'')"#);
    }

    #[test]
    fn an_escaped_quote_opens_nothing() {
        assert_eq!(text(r#"echo \" {}"#), r#"echo \" "${1}""#);
        assert_eq!(text(r#"echo "\"{}" {}"#), r#"echo "\"${1}" "${1}""#);
    }

    #[test]
    fn without_a_place_the_argument_is_appended() {
        assert_eq!(text("wc -l"), r#"wc -l "${1}""#);
    }

    #[test]
    fn the_shell_sees_exactly_the_argument() {
        // Asks a real shell, with the arguments that break careless quoting.
        let nasty =
            ["a b", "it's", "\"q\"", "$(echo no)", "`echo no`", "a\nb", "*", "\\", "-n", ""];
        let lines = [
            "printf '%s|' {}",
            r#"printf '%s|' "{}""#,
            "printf '%s|' '{}'",
            r#"printf '%s|' "$(printf '%s' {})""#,
            r#"printf '%s|' "`printf '%s' {}`""#,
            "(printf '%s|' {})",
            "printf '%s|'",
        ];
        for (line, argument) in lines.iter().flat_map(|line| nasty.map(|argument| (line, argument)))
        {
            let shell = std::process::Command::new("sh")
                .args(["-c", &text(line), "sh", argument])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&shell.stdout), format!("{argument}|"), "{line}");
        }
    }
}
