//! What travels between a run's master and its workers: orders one way, reports the other.
//!
//! Both are pickled tuples of plain data, so Python can read them too.

use anyhow::bail;
use bytes::Bytes;
use piecework::command::{End, Output};
use piecework_wire::{Payload, Value};

use super::files::Copied;
use super::piece::{Finished, Piece};
use super::values::Values;

/// A task: a piece, how to run it, and where its result goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Order {
    /// The queue of the run's results.
    pub(crate) results: String,
    /// The [`Recipe`](super::recipe::Recipe) in bytes.
    pub(crate) recipe: Bytes,
    /// Which try of `--retries` this is, from 1.
    pub(crate) tries: u32,
    /// How many attempts of earlier tries were lost with their workers.
    pub(crate) lost: u32,
    /// The piece.
    pub(crate) piece: Piece,
    /// Files that its command is to find on another machine.
    pub(crate) files: Vec<Copied>,
}

/// What a worker tells of a task.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "most reports are the last; a box would cost each")]
pub(crate) enum Report {
    /// Its command runs.
    Started {
        /// The piece.
        seq: u64,
        /// Where.
        host: String,
    },
    /// Some of its output, more than is kept in memory.
    Part {
        /// The piece.
        seq: u64,
        /// Tells this attempt from others: one that was lost has left parts behind.
        lease: u64,
        /// Whether it comes from standard error.
        is_stderr: bool,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Its command has ended for good.
    Finished {
        /// As in [`Report::Part`].
        lease: u64,
        /// The rest of its output, and its end.
        finished: Finished,
        /// Files that come back.
        files: Vec<Copied>,
    },
}

impl Order {
    /// Writes the payload.
    pub(crate) fn to_payload(&self) -> Payload {
        Payload::from_value(&Value::Tuple(vec![
            Value::Str(self.results.clone()),
            Value::Bytes(self.recipe.to_vec()),
            number(self.tries),
            number(self.lost),
            number(self.piece.seq),
            columns(&self.piece.args),
            self.piece.stdin.clone().map_or(Value::None, Value::Bytes),
            copied(&self.files),
        ]))
    }

    /// How many bytes of input go with it.
    pub(crate) fn sent(&self, piece: &Piece) -> u64 {
        let stdin = piece.stdin.as_ref().map_or(0, Vec::len);
        let files: usize = self.files.iter().map(|file| file.bytes.len()).sum();
        (stdin + files) as u64
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// If it is anything else.
    pub(crate) fn from_payload(payload: &Payload) -> anyhow::Result<Self> {
        let mut values = Values::of(payload, "a task")?;
        Ok(Self {
            results: values.text()?,
            recipe: values.bytes()?.into(),
            tries: values.number()?,
            lost: values.number()?,
            piece: Piece {
                seq: values.number()?,
                args: values.columns()?,
                stdin: values.bytes_or_none()?,
            },
            files: values.files()?,
        })
    }
}

impl Report {
    /// Writes the payload. The first element says which kind it is.
    pub(crate) fn to_payload(&self) -> Payload {
        Payload::from_value(&Value::Tuple(match self {
            Self::Started { seq, host } => {
                vec![text("started"), number(*seq), text(host)]
            }
            Self::Part { seq, lease, is_stderr, bytes } => vec![
                text("part"),
                number(*seq),
                number(*lease),
                Value::Bool(*is_stderr),
                Value::Bytes(bytes.clone()),
            ],
            Self::Finished { lease, finished, files } => {
                let mut values = vec![
                    text("finished"),
                    number(*lease),
                    copied(files),
                    number(finished.seq),
                    columns(&finished.args),
                    number(finished.tries),
                    number(finished.lost),
                    text(&finished.host),
                    number(finished.slot as u64),
                    Value::Float(finished.started),
                    number(finished.sent),
                    number(finished.received),
                ];
                match &finished.result {
                    Ok(output) => put_output(output, &mut values),
                    Err(why) => values.push(text(why)),
                }
                values
            }
        }))
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// If it is anything else.
    pub(crate) fn from_payload(payload: &Payload) -> anyhow::Result<Self> {
        let mut values = Values::of(payload, "a report")?;
        match values.text()?.as_str() {
            "started" => Ok(Self::Started { seq: values.number()?, host: values.text()? }),
            "part" => Ok(Self::Part {
                seq: values.number()?,
                lease: values.number()?,
                is_stderr: values.truth()?,
                bytes: values.bytes()?,
            }),
            "finished" => Ok(Self::Finished {
                lease: values.number()?,
                files: values.files()?,
                finished: Finished {
                    seq: values.number()?,
                    args: values.columns()?,
                    tries: values.number()?,
                    lost: values.number()?,
                    host: values.text()?,
                    slot: values.number()?,
                    started: values.float()?,
                    sent: values.number()?,
                    received: values.number()?,
                    result: values.output()?,
                },
            }),
            other => bail!("a report of a run is '{other}', which is not known here"),
        }
    }
}

/// Appends the end (an exit code, or a signal as a negative number), the streams and the times.
fn put_output(output: &Output, values: &mut Vec<Value>) {
    let Output { end, stdout, stderr, duration, usage, timed_out } = output;
    values.extend([
        Value::Int(signed(*end).into()),
        Value::Bytes(stdout.clone()),
        Value::Bytes(stderr.clone()),
        Value::Float(duration.as_secs_f64()),
        Value::Bool(*timed_out),
        Value::Float(usage.user.as_secs_f64()),
        Value::Float(usage.system.as_secs_f64()),
        number(usage.max_rss_bytes),
    ]);
}

/// An end as Python's `subprocess` counts it: signals are negative.
pub(crate) fn signed(end: End) -> i32 {
    match end {
        End::Code(code) => code,
        End::Signal(signal) => -signal,
    }
}

fn text(text: &str) -> Value {
    Value::Str(text.to_owned())
}

/// Counts stay far below the largest number that Python and we have in common.
fn number(count: impl Into<u64>) -> Value {
    Value::Int(i64::try_from(count.into()).unwrap_or(i64::MAX))
}

fn columns(args: &[Vec<u8>]) -> Value {
    Value::Tuple(args.iter().cloned().map(Value::Bytes).collect())
}

fn copied(files: &[Copied]) -> Value {
    let file = |file: &Copied| {
        let Copied { path, mode, bytes } = file;
        [Value::Bytes(path.clone()), number(*mode), Value::Bytes(bytes.clone())]
    };
    Value::Tuple(files.iter().flat_map(file).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use piecework::command::Usage;
    use std::time::Duration;

    fn order() -> Order {
        Order {
            results: "r.1".to_owned(),
            recipe: Bytes::from_static(b"recipe"),
            tries: 2,
            lost: 1,
            piece: Piece {
                seq: 7,
                args: vec![b"caf\xe9\0\n".to_vec(), Vec::new()],
                stdin: Some(b"\xff".to_vec()),
            },
            files: vec![Copied { path: b"a/b".to_vec(), mode: 0o644, bytes: b"\0".to_vec() }],
        }
    }

    #[test]
    fn orders_are_read_as_they_were_written() {
        let order = order();
        assert_eq!(Order::from_payload(&order.to_payload()).unwrap(), order);
    }

    #[test]
    fn reports_are_read_as_they_were_written() {
        let output = |end| Output {
            end,
            stdout: b"\xff\n".to_vec(),
            stderr: vec![],
            duration: Duration::from_millis(1500),
            usage: Usage { user: Duration::from_millis(250), ..Usage::default() },
            timed_out: true,
        };
        let finished = |result| Report::Finished {
            lease: 9,
            files: vec![Copied { path: b"c".to_vec(), mode: 0o755, bytes: Vec::new() }],
            finished: Finished {
                seq: 7,
                args: vec![b"a".to_vec()],
                tries: 1,
                lost: 0,
                host: ":".to_owned(),
                slot: 2,
                started: 1.5,
                sent: 0,
                received: 2,
                result,
            },
        };
        for report in [
            Report::Started { seq: 1, host: "here".to_owned() },
            Report::Part { seq: 1, lease: 2, is_stderr: true, bytes: b"\n".to_vec() },
            finished(Ok(output(End::Code(3)))),
            finished(Ok(output(End::Signal(9)))),
            finished(Err("no".to_owned())),
        ] {
            assert_eq!(Report::from_payload(&report.to_payload()).unwrap(), report);
        }
    }

    #[test]
    fn foreign_payloads_are_refused() {
        for value in [Value::None, Value::Int(1), Value::Tuple(vec![Value::Int(-1), Value::None])] {
            let payload = Payload::from_value(&value);
            assert!(Order::from_payload(&payload).is_err(), "{value}");
            assert!(Report::from_payload(&payload).is_err(), "{value}");
        }
    }
}
