//! What a task and its result are on the queues of a run: tuples that Python can read too.

use std::time::Duration;

use anyhow::{Context, bail};
use piecework::command::{End, Output};
use piecework_wire::{Payload, Value};

/// A task of a run: its number in the input, from 1, and its argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The number.
    pub(crate) seq: u64,
    /// The argument.
    pub(crate) argument: Vec<u8>,
}

/// What became of a piece: what its command left behind, or why it could not be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    /// The piece.
    pub(crate) piece: Piece,
    /// Its result.
    pub(crate) result: Result<Output, String>,
}

impl Piece {
    /// Returns the payload of the task: `(seq, argument)`.
    pub(crate) fn to_payload(&self) -> Payload {
        Payload::from_value(&Value::Tuple(self.values()))
    }

    /// Reads the payload of a task.
    ///
    /// # Errors
    /// If it is anything else.
    pub(crate) fn from_payload(payload: &Payload) -> anyhow::Result<Self> {
        match payload.value().context("a task cannot be read")? {
            Value::Tuple(values) => Self::from_values(values),
            _ => bail!("a task of this run is not a tuple"),
        }
    }

    fn values(&self) -> Vec<Value> {
        vec![number(self.seq), Value::Bytes(self.argument.clone())]
    }

    fn from_values(values: Vec<Value>) -> anyhow::Result<Self> {
        match <[Value; 2]>::try_from(values) {
            Ok([Value::Int(seq), Value::Bytes(argument)]) => {
                Ok(Self { seq: u64::try_from(seq)?, argument })
            }
            _ => bail!("a task of this run is not (seq, argument)"),
        }
    }
}

impl Finished {
    /// Returns the payload of the result: `(task, end, stdout, stderr, seconds)`, where `end` is
    /// the exit code, the signal as a negative number, or a str that says why there is none.
    pub(crate) fn to_payload(&self) -> Payload {
        let piece = Value::Tuple(self.piece.values());
        let mut values = vec![piece];
        match &self.result {
            Ok(Output { end, stdout, stderr, duration }) => values.extend([
                Value::Int(signed(*end).into()),
                Value::Bytes(stdout.clone()),
                Value::Bytes(stderr.clone()),
                Value::Float(duration.as_secs_f64()),
            ]),
            Err(error) => values.push(Value::Str(error.clone())),
        }
        Payload::from_value(&Value::Tuple(values))
    }

    /// Reads the payload of a result.
    ///
    /// # Errors
    /// If it is anything else.
    pub(crate) fn from_payload(payload: &Payload) -> anyhow::Result<Self> {
        let Value::Tuple(values) = payload.value().context("a result cannot be read")? else {
            bail!("a result of this run is not a tuple")
        };
        let mut values = values.into_iter();
        let Some(Value::Tuple(piece)) = values.next() else {
            bail!("a result of this run does not name its task")
        };
        let piece = Piece::from_values(piece)?;
        let result = match [values.next(), values.next(), values.next(), values.next()] {
            [Some(Value::Str(error)), None, None, None] => Err(error),
            [
                Some(Value::Int(end)),
                Some(Value::Bytes(stdout)),
                Some(Value::Bytes(stderr)),
                Some(Value::Float(seconds)),
            ] => {
                let end = end_of(i32::try_from(end)?);
                let duration = Duration::try_from_secs_f64(seconds)?;
                Ok(Output { end, stdout, stderr, duration })
            }
            _ => bail!("the result of task {} is of another shape", piece.seq),
        };
        Ok(Self { piece, result })
    }
}

/// An end as Python's `subprocess` counts it: signals are negative.
pub(crate) fn signed(end: End) -> i32 {
    match end {
        End::Code(code) => code,
        End::Signal(signal) => -signal,
    }
}

fn end_of(signed: i32) -> End {
    if signed < 0 { End::Signal(-signed) } else { End::Code(signed) }
}

/// Counts of tasks stay far below the largest number that Python and we have in common.
fn number(count: u64) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_were_written() {
        let piece = Piece { seq: 7, argument: b"caf\xe9\0\n".to_vec() };
        assert_eq!(Piece::from_payload(&piece.to_payload()).unwrap(), piece);
        let output = |end| Output {
            end,
            stdout: b"\xff\n".to_vec(),
            stderr: vec![],
            duration: Duration::from_millis(1500),
        };
        for result in [Ok(output(End::Code(3))), Ok(output(End::Signal(9))), Err("no".to_owned())] {
            let finished = Finished { piece: piece.clone(), result };
            assert_eq!(Finished::from_payload(&finished.to_payload()).unwrap(), finished);
        }
    }

    #[test]
    fn foreign_payloads_are_refused() {
        for value in [Value::None, Value::Int(1), Value::Tuple(vec![Value::Int(-1), Value::None])] {
            let payload = Payload::from_value(&value);
            assert!(Piece::from_payload(&payload).is_err(), "{value}");
            assert!(Finished::from_payload(&payload).is_err(), "{value}");
        }
    }
}
