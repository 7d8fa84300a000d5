//! Reads the elements of a pickled tuple one after the other, and says which is odd.

use std::time::Duration;

use anyhow::{Context, bail};
use piecework::command::{End, Output, Usage};
use piecework_wire::{Payload, Value};

use super::files::Copied;

/// The elements of a tuple, taken one after the other.
pub(super) struct Values {
    what: &'static str,
    left: std::vec::IntoIter<Value>,
}

impl Values {
    pub(super) fn of(payload: &Payload, what: &'static str) -> anyhow::Result<Self> {
        match payload.value().with_context(|| format!("{what} of a run cannot be read"))? {
            Value::Tuple(values) => Ok(Self { what, left: values.into_iter() }),
            other => bail!("{what} of a run is no tuple but {other}"),
        }
    }

    pub(super) fn next(&mut self) -> Value {
        self.left.next().unwrap_or(Value::None)
    }

    pub(super) fn odd<T>(&self, wanted: &str, found: &Value) -> anyhow::Result<T> {
        bail!("{} of a run has {found} where {wanted} was expected", self.what)
    }

    pub(super) fn number<T: TryFrom<i64>>(&mut self) -> anyhow::Result<T> {
        let value = self.next();
        match value {
            Value::Int(number) => {
                T::try_from(number).or_else(|_| self.odd("a number in range", &value))
            }
            _ => self.odd("a number", &value),
        }
    }

    pub(super) fn float(&mut self) -> anyhow::Result<f64> {
        match self.next() {
            Value::Float(number) => Ok(number),
            other => self.odd("a float", &other),
        }
    }

    pub(super) fn truth(&mut self) -> anyhow::Result<bool> {
        match self.next() {
            Value::Bool(truth) => Ok(truth),
            other => self.odd("a bool", &other),
        }
    }

    pub(super) fn text(&mut self) -> anyhow::Result<String> {
        match self.next() {
            Value::Str(text) => Ok(text),
            other => self.odd("a str", &other),
        }
    }

    pub(super) fn bytes(&mut self) -> anyhow::Result<Vec<u8>> {
        match self.next() {
            Value::Bytes(bytes) => Ok(bytes),
            other => self.odd("bytes", &other),
        }
    }

    pub(super) fn bytes_or_none(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        match self.next() {
            Value::Bytes(bytes) => Ok(Some(bytes)),
            Value::None => Ok(None),
            other => self.odd("bytes or None", &other),
        }
    }

    pub(super) fn columns(&mut self) -> anyhow::Result<Vec<Vec<u8>>> {
        let Value::Tuple(values) = self.next() else { return self.odd("a tuple", &Value::None) };
        let mut columns = Self { what: self.what, left: values.into_iter() };
        let count = columns.left.len();
        (0..count).map(|_| columns.bytes()).collect()
    }

    pub(super) fn files(&mut self) -> anyhow::Result<Vec<Copied>> {
        let Value::Tuple(values) = self.next() else { return self.odd("a tuple", &Value::None) };
        let count = values.len() / 3;
        let mut parts = Self { what: self.what, left: values.into_iter() };
        let file = |_| {
            let (path, mode, bytes) = (parts.bytes()?, parts.number()?, parts.bytes()?);
            Ok(Copied { path, mode, bytes })
        };
        (0..count).map(file).collect()
    }

    pub(super) fn output(&mut self) -> anyhow::Result<Result<Output, String>> {
        let end = match self.next() {
            Value::Str(why) => return Ok(Err(why)),
            Value::Int(end) => end_of(i32::try_from(end)?),
            other => return self.odd("an end", &other),
        };
        let (stdout, stderr) = (self.bytes()?, self.bytes()?);
        let (duration, timed_out) = (self.duration()?, self.truth()?);
        let (user, system) = (self.duration()?, self.duration()?);
        let usage = Usage { user, system, max_rss_bytes: self.number()? };
        Ok(Ok(Output { end, stdout, stderr, duration, usage, timed_out }))
    }

    pub(super) fn duration(&mut self) -> anyhow::Result<Duration> {
        Duration::try_from_secs_f64(self.float()?).context("a time of a run is out of range")
    }
}

fn end_of(signed: i32) -> End {
    if signed < 0 { End::Signal(-signed) } else { End::Code(signed) }
}
