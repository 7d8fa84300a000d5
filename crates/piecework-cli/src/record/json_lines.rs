//! `--results FILE.jsonl`: an object for each task, with all that is known of it.

use std::io::{self, Write};
use std::path::Path;

use piecework::command::{End, Output};
use serde::Serialize;

use super::base64;
use super::file::{RecordFile, Rows};
use super::stream::{Stream, Written, each_part, each_text};
use crate::run::piece::Finished;

/// A file of JSON objects, one a line, that grows.
#[derive(Debug)]
pub(super) struct JsonLines(RecordFile);

/// What the object of a task begins with; what it wrote comes after it.
#[derive(Serialize)]
struct Head<'a> {
    seq: u64,
    #[serde(flatten)]
    args: Args<'a>,
    #[serde(flatten)]
    command: Command<'a>,
    host: &'a str,
    slot: usize,
    tries: u32,
    lost: u32,
    started: f64,
    #[serde(flatten)]
    result: Outcome<'a>,
}

/// The arguments, as base64 if one of them is no text.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Args<'a> {
    Args(Vec<&'a str>),
    ArgsBase64(Vec<String>),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Command<'a> {
    Command(&'a str),
    CommandBase64(String),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome<'a> {
    Ended {
        duration: f64,
        #[serde(flatten)]
        end: Ended,
        timed_out: bool,
        user: f64,
        system: f64,
        max_rss_bytes: u64,
    },
    NotRun {
        error: &'a str,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Ended {
    ExitCode(i32),
    Signal(i32),
}

impl JsonLines {
    /// Opens the file, which is emptied unless the records go on.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn open(path: &Path, goes_on: bool) -> anyhow::Result<Self> {
        Ok(Self(if goes_on {
            RecordFile::go_on(path, Rows::Lines)?.0
        } else {
            RecordFile::create(path)?
        }))
    }

    /// Adds the object of a task.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn add(
        &mut self,
        finished: &Finished,
        command: &[u8],
        written: &mut Written<'_>,
    ) -> anyhow::Result<()> {
        let mut head = serde_json::to_vec(&Head::new(finished, command))?;
        head.pop(); // the brace that ends it
        self.0.add(|out| {
            out.write_all(&head)?;
            write_stream(out, "stdout", written.stdout)?;
            write_stream(out, "stderr", written.stderr)?;
            out.write_all(b"}\n")
        })
    }
}

impl<'a> Head<'a> {
    fn new(finished: &'a Finished, command: &'a [u8]) -> Self {
        let args = &finished.args;
        let texts = args.iter().map(|arg| std::str::from_utf8(arg)).collect();
        Self {
            seq: finished.seq,
            args: match texts {
                Ok(texts) => Args::Args(texts),
                Err(_) => Args::ArgsBase64(args.iter().map(|arg| base64::text(arg)).collect()),
            },
            command: match std::str::from_utf8(command) {
                Ok(text) => Command::Command(text),
                Err(_) => Command::CommandBase64(base64::text(command)),
            },
            host: &finished.host,
            slot: finished.slot,
            tries: finished.tries,
            lost: finished.lost,
            started: finished.started,
            result: match &finished.result {
                Ok(output) => Outcome::of(output),
                Err(error) => Outcome::NotRun { error },
            },
        }
    }
}

impl Outcome<'_> {
    fn of(output: &Output) -> Self {
        Self::Ended {
            duration: output.duration.as_secs_f64(),
            end: match output.end {
                End::Code(code) => Ended::ExitCode(code),
                End::Signal(signal) => Ended::Signal(signal),
            },
            timed_out: output.timed_out,
            user: output.usage.user.as_secs_f64(),
            system: output.usage.system.as_secs_f64(),
            max_rss_bytes: output.usage.max_rss_bytes,
        }
    }
}

/// Writes a stream as a str, or as base64 where it is no text.
fn write_stream(out: &mut dyn Write, name: &str, stream: &mut dyn Stream) -> io::Result<()> {
    if each_text(stream, |_| Ok(()))? {
        write!(out, ",\"{name}\":\"")?;
        each_text(stream, |text| {
            let quoted = serde_json::to_string(text)?;
            let inside = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            out.write_all(inside.expect("serde_json quotes a str").as_bytes())
        })?;
    } else {
        write!(out, ",\"{name}_base64\":\"")?;
        each_part(stream, |part| out.write_all(base64::text(part).as_bytes()))?;
    }
    out.write_all(b"\"")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ended, ok};
    use super::*;
    use std::io::Cursor;

    /// The line of a task.
    fn line(finished: &Finished, command: &[u8], stdout: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        let (mut stdout, mut stderr) = (Cursor::new(stdout), Cursor::new("oh\n"));
        let mut written = Written { stdout: &mut stdout, stderr: &mut stderr };
        let mut lines = JsonLines::open(&path, false).unwrap();
        lines.add(finished, command, &mut written).unwrap();
        std::fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn everything_known_of_a_task_is_there() {
        let expected = [
            r#"{"seq":7,"args":["a b","é"],"command":"wc \"a b\"","host":":","slot":1,"#,
            r#""tries":1,"lost":0,"started":1700000000.5,"duration":1.25,"exit_code":0,"#,
            r#""timed_out":false,"user":0.03,"system":0.004,"max_rss_bytes":4096,"#,
            r#""stdout":"1\n\u001b[0m\u0000","stderr":"oh\n"}"#,
            "\n",
        ];
        let task = ok(7, &["a b", "é"], "");
        assert_eq!(line(&task, b"wc \"a b\"", b"1\n\x1b[0m\0"), expected.concat());
    }

    #[test]
    fn an_end_by_signal_and_no_run_at_all_look_different() {
        let signal = line(&ended(1, End::Signal(9)), b"x", b"");
        assert!(signal.contains(r#""duration":1.25,"signal":9,"timed_out":false"#), "{signal}");
        let not_run = Finished { result: Err("no such".into()), ..ended(1, End::Code(0)) };
        let not_run = line(&not_run, b"x", b"");
        assert!(
            not_run.contains(r#""started":1700000000.5,"error":"no such","stdout""#),
            "{not_run}"
        );
    }

    #[test]
    fn bytes_that_are_no_text_become_base64() {
        let mut finished = ok(1, &["a"], "");
        finished.args.push(b"\xff".to_vec());
        let long = [b"x".repeat(100_000), b"\xff".to_vec()].concat();
        let line = line(&finished, b"\xfe", &long);
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["args_base64"], serde_json::json!(["YQ==", "/w=="]));
        assert_eq!(line["command_base64"], "/g==");
        assert_eq!(line["stdout_base64"].as_str().unwrap(), base64::text(&long));
        assert_eq!(line["stdout"], serde_json::Value::Null);
        assert_eq!(line["stderr"], "oh\n");
    }
}
