//! The recipe of a run as it travels: a dict of plain data, so that Python can read it too, and
//! later versions can add to it.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use piecework_wire::{Payload, Value};

use super::gate::GateArgs;
use super::rlimit::Limit;
use super::term_seq::TermSeq;
use super::timeout::Timeout;

/// What all tasks of a run have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spec {
    /// The run.
    pub(crate) run_id: String,
    /// The template, as [`Template::to_words`](crate::template::Template::to_words) writes it.
    pub(crate) words: Vec<Vec<u8>>,
    /// How often a task is tried in all, if its command fails.
    pub(crate) tries_max: u32,
    /// Whether output is handed on line by line.
    pub(crate) lines: bool,
    /// What has to be true before a command starts.
    pub(crate) gate: GateArgs,
    /// How long a command may take.
    pub(crate) timeout: Option<Timeout>,
    /// How a command is ended that has to.
    pub(crate) term_seq: TermSeq,
    /// What a command may use.
    pub(crate) limits: Vec<Limit>,
    /// Where it runs, if not where its worker does.
    pub(crate) dir: Option<Vec<u8>>,
    /// Variables of its environment.
    pub(crate) env: Vec<(Vec<u8>, Vec<u8>)>,
    /// The files that come back from another machine; places as in the command.
    pub(crate) returns: Vec<Vec<u8>>,
    /// Whether the files of a task are removed from another machine when it has ended.
    pub(crate) cleanup: bool,
}

impl Spec {
    /// Writes it. What is not asked for is left out.
    pub(crate) fn to_bytes(&self) -> Bytes {
        let Self {
            run_id, words, tries_max, lines, gate, timeout, term_seq, limits, dir, env, ..
        } = self;
        let text = |text: &dyn ToString| Value::Str(text.to_string());
        let mut entries = vec![
            ("run_id", text(run_id)),
            ("words", list(words.iter().cloned().map(Value::Bytes))),
            ("tries_max", Value::Int((*tries_max).into())),
        ];
        if *lines {
            entries.push(("lines", Value::Bool(true)));
        }
        entries.extend(gate.delay.map(|delay| ("delay", Value::Float(delay.as_secs_f64()))));
        let memfree = gate.memfree.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        entries.extend(memfree.map(|bytes| ("memfree", Value::Int(bytes))));
        entries.extend(gate.load.map(|load| ("load", text(&load))));
        entries.extend(timeout.map(|timeout| ("timeout", text(&timeout))));
        if *term_seq != TermSeq::default() {
            entries.push(("term_seq", text(term_seq)));
        }
        if !limits.is_empty() {
            entries.push(("limits", list(limits.iter().map(|limit| text(limit)))));
        }
        entries.extend(dir.clone().map(|dir| ("dir", Value::Bytes(dir))));
        if !env.is_empty() {
            let pair = |(name, value): (Vec<u8>, Vec<u8>)| [name, value].map(Value::Bytes);
            entries.push(("env", list(env.iter().cloned().flat_map(pair))));
        }
        if !self.returns.is_empty() {
            entries.push(("returns", list(self.returns.iter().cloned().map(Value::Bytes))));
        }
        if self.cleanup {
            entries.push(("cleanup", Value::Bool(true)));
        }
        let entry = |(key, value): (&str, Value)| (Value::Str(key.to_owned()), value);
        let dict = Value::Dict(entries.into_iter().map(entry).collect());
        Payload::from_value(&dict).into_bytes()
    }

    /// Reads it.
    ///
    /// # Errors
    /// If it is anything else, or says what this version does not know: half of a recipe is none.
    pub(crate) fn from_bytes(bytes: &Bytes) -> anyhow::Result<Self> {
        let value = Payload::from_bytes(bytes.clone())?.value();
        let Value::Dict(entries) = value.context("a recipe cannot be read")? else {
            bail!("a recipe is no dict")
        };
        let mut spec = Self::default();
        for (key, value) in entries {
            let Value::Str(key) = key else { bail!("a recipe has {key} for a key") };
            spec.set(&key, value).with_context(|| {
                format!("the recipe of a run: {key}; hint: the same piecework on all machines")
            })?;
        }
        Ok(spec)
    }

    fn set(&mut self, key: &str, value: Value) -> anyhow::Result<()> {
        match (key, value) {
            ("run_id", Value::Str(id)) => self.run_id = id,
            ("words", Value::List(words)) => self.words = all_bytes(words)?,
            ("tries_max", Value::Int(tries)) => self.tries_max = u32::try_from(tries)?,
            ("lines", Value::Bool(lines)) => self.lines = lines,
            ("delay", Value::Float(delay)) => {
                self.gate.delay = Some(Duration::try_from_secs_f64(delay)?);
            }
            ("memfree", Value::Int(bytes)) => self.gate.memfree = Some(u64::try_from(bytes)?),
            ("load", Value::Str(load)) => self.gate.load = Some(read(&load)?),
            ("timeout", Value::Str(timeout)) => self.timeout = Some(read(&timeout)?),
            ("term_seq", Value::Str(term_seq)) => self.term_seq = term_seq.parse()?,
            ("limits", Value::List(limits)) => {
                for limit in limits {
                    let Value::Str(limit) = limit else { bail!("{limit} is no text") };
                    self.limits.push(read(&limit)?);
                }
            }
            ("dir", Value::Bytes(dir)) => self.dir = Some(dir),
            ("env", Value::List(pairs)) => {
                let mut words = all_bytes(pairs)?.into_iter();
                while let (Some(name), Some(value)) = (words.next(), words.next()) {
                    self.env.push((name, value));
                }
            }
            ("returns", Value::List(returns)) => self.returns = all_bytes(returns)?,
            ("cleanup", Value::Bool(cleanup)) => self.cleanup = cleanup,
            (_, value) => bail!("{value} is not known here"),
        }
        Ok(())
    }
}

fn list(values: impl Iterator<Item = Value>) -> Value {
    Value::List(values.collect())
}

fn all_bytes(values: Vec<Value>) -> anyhow::Result<Vec<Vec<u8>>> {
    let bytes = |value| match value {
        Value::Bytes(bytes) => Ok(bytes),
        other => bail!("{other} where bytes were expected"),
    };
    values.into_iter().map(bytes).collect()
}

/// Reads what a flag would say.
fn read<T: FromStr<Err = String>>(text: &str) -> anyhow::Result<T> {
    text.parse().map_err(anyhow::Error::msg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_is_read_as_it_was_written() {
        let full = Spec {
            run_id: "7".to_owned(),
            words: vec![b"wc".to_vec(), b"\xff{}".to_vec()],
            tries_max: 3,
            lines: true,
            gate: GateArgs {
                delay: Some(Duration::from_millis(250)),
                memfree: Some(1 << 30),
                load: Some("80%".parse().unwrap()),
            },
            timeout: Some("200%".parse().unwrap()),
            term_seq: "INT,10,KILL,5".parse().unwrap(),
            limits: vec!["cpu=5".parse().unwrap(), "nice=3".parse().unwrap()],
            dir: Some(b"/tmp".to_vec()),
            env: vec![(b"A".to_vec(), b"1=2".to_vec()), (b"B".to_vec(), Vec::new())],
            returns: vec![b"{}.out".to_vec()],
            cleanup: true,
        };
        for spec in [full, Spec::default()] {
            assert_eq!(Spec::from_bytes(&spec.to_bytes()).unwrap(), spec);
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let unknown = Value::Dict(vec![(Value::Str("colour".into()), Value::Int(1))]);
        let bytes = Payload::from_value(&unknown).into_bytes();
        let why = format!("{:#}", Spec::from_bytes(&bytes).unwrap_err());
        assert!(why.contains("colour") && why.contains("hint"), "{why}");
    }
}
