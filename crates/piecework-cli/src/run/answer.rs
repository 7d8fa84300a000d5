//! What a worker puts for a task that its command did.

use piecework::Value;
use piecework::command::Output;

use super::order::signed;

/// How much of the end of standard error goes into a report: what a person reads of it.
pub(crate) const REPORT_STDERR_BYTES_MAX: usize = 4 << 10;

/// Returns standard output as Python wants it: without the newline at its end; a str, or bytes
/// where it is not UTF-8.
pub(crate) fn text(mut stdout: Vec<u8>) -> Value {
    if stdout.last() == Some(&b'\n') {
        stdout.pop();
    }
    plain(stdout)
}

/// Returns a dict with all that is known of the command's end: `exit_code` (negative for a signal,
/// as in Python's `subprocess`), `stdout`, the tail of `stderr`, `duration` in seconds, `host`.
pub(crate) fn report(output: Output, host: &str) -> Value {
    let Output { end, stdout, stderr, duration, .. } = output;
    let entries = [
        ("exit_code", Value::Int(signed(end).into())),
        ("stdout", plain(stdout)),
        ("stderr", Value::Str(String::from_utf8_lossy(&stderr).into_owned())),
        ("duration", Value::Float(duration.as_secs_f64())),
        ("host", Value::Str(host.to_owned())),
    ];
    Value::Dict(entries.map(|(name, value)| (Value::Str(name.to_owned()), value)).into())
}

fn plain(bytes: Vec<u8>) -> Value {
    String::from_utf8(bytes).map_or_else(|error| Value::Bytes(error.into_bytes()), Value::Str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use piecework::command::{End, Usage};
    use std::time::Duration;

    #[test]
    fn one_newline_is_trimmed_and_text_is_a_str() {
        let pairs: [(&[u8], Value); 4] = [
            (b"4\n", Value::Str("4".into())),
            (b" a\n\n", Value::Str(" a\n".into())),
            (b"", Value::Str(String::new())),
            (b"\xff\n", Value::Bytes(b"\xff".into())),
        ];
        for (stdout, value) in pairs {
            assert_eq!(text(stdout.to_vec()), value);
        }
    }

    #[test]
    fn a_report_tells_all() {
        let output = Output {
            end: End::Signal(9),
            stdout: b"a\n".into(),
            stderr: b"b\xff".into(),
            duration: Duration::from_millis(250),
            usage: Usage::default(),
            timed_out: false,
        };
        let text = report(output, "here").to_string();
        for part in ["'exit_code': -9", "'stdout': 'a\\n'", "'duration': 0.25", "'here'"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
