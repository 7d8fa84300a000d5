//! What all tasks of a run have in common. It travels with each of them, so that a worker on
//! another machine needs to know nothing before.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use bytes::Bytes;
use piecework_wire::{Payload, Value};

use crate::template::{Given, Template};

/// The recipes that a worker has at hand: as many runs as may share a manager at a time.
const AT_HAND_MAX: usize = 16;

/// How a run's commands are run, as it travels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spec {
    /// The run that it belongs to.
    pub(crate) run_id: String,
    /// The words of the command.
    pub(crate) words: Vec<Vec<u8>>,
    /// How often a task is tried in all, if its command fails.
    pub(crate) tries_max: u32,
    /// Whether output is handed on line by line.
    pub(crate) lines: bool,
}

/// How a run's commands are run.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// The run that it belongs to.
    pub(crate) run_id: String,
    /// The command.
    pub(crate) template: Template,
    /// How the command gets the argument.
    pub(crate) given: Given,
    /// How often a task is tried in all, if its command fails.
    pub(crate) tries_max: u32,
    /// Whether output is handed on while the command runs.
    pub(crate) hands_on: bool,
    /// Whether it is handed on line by line.
    pub(crate) lines: bool,
    /// How much of the end of its standard error is kept; all that a person reads, if not said.
    pub(crate) stderr_bytes_max: Option<usize>,
}

impl Spec {
    /// Writes it for the way: a dict, so that later versions can add to it.
    pub(crate) fn to_bytes(&self) -> Bytes {
        let words = self.words.iter().cloned().map(Value::Bytes).collect();
        let entries = [
            ("run_id", Value::Str(self.run_id.clone())),
            ("words", Value::List(words)),
            ("tries_max", Value::Int(self.tries_max.into())),
            ("lines", Value::Bool(self.lines)),
        ];
        let entries = entries.map(|(key, value)| (Value::Str(key.to_owned()), value));
        Payload::from_value(&Value::Dict(entries.into())).into_bytes()
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
            match (key.to_string().trim_matches('"'), value) {
                ("run_id", Value::Str(id)) => spec.run_id = id,
                ("words", Value::List(words)) => {
                    let bytes = |word| match word {
                        Value::Bytes(bytes) => Ok(bytes),
                        other => bail!("a word of a recipe is {other}"),
                    };
                    spec.words = words.into_iter().map(bytes).collect::<Result<_, _>>()?;
                }
                ("tries_max", Value::Int(tries)) => spec.tries_max = u32::try_from(tries)?,
                ("lines", Value::Bool(lines)) => spec.lines = lines,
                (key, value) => bail!(
                    "a recipe has {key} = {value}, which this version of piecework does not know; \
                     hint: the same version on all machines"
                ),
            }
        }
        Ok(spec)
    }

    fn recipe(self) -> anyhow::Result<Recipe> {
        let words = self.words.into_iter().map(OsString::from_vec).collect();
        Ok(Recipe {
            run_id: self.run_id,
            template: Template::new(words, Given::AsArgument),
            given: Given::AsArgument,
            tries_max: self.tries_max,
            hands_on: true,
            lines: self.lines,
            stderr_bytes_max: None,
        })
    }
}

/// The recipes of the runs that a worker works for, read once each.
#[derive(Debug, Default)]
pub(crate) struct Recipes(Mutex<VecDeque<(Bytes, Arc<Recipe>)>>);

impl Recipes {
    /// Reads a recipe, unless it is at hand.
    ///
    /// # Errors
    /// As [`Spec::from_bytes`].
    pub(crate) fn read(&self, bytes: &Bytes) -> anyhow::Result<Arc<Recipe>> {
        let mut at_hand = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, recipe)) = at_hand.iter().find(|(known, _)| known == bytes) {
            return Ok(recipe.clone());
        }
        let recipe = Arc::new(Spec::from_bytes(bytes)?.recipe()?);
        at_hand.push_front((bytes.clone(), recipe.clone()));
        at_hand.truncate(AT_HAND_MAX);
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_is_read_as_it_was_written_and_only_once() {
        let spec = Spec {
            run_id: "7".to_owned(),
            words: vec![b"wc".to_vec(), b"\xff{}".to_vec()],
            tries_max: 3,
            lines: true,
        };
        let bytes = spec.to_bytes();
        assert_eq!(Spec::from_bytes(&bytes).unwrap(), spec);
        let recipes = Recipes::default();
        let first = recipes.read(&bytes).unwrap();
        assert!(Arc::ptr_eq(&first, &recipes.read(&bytes).unwrap()));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let unknown = Value::Dict(vec![(Value::Str("colour".into()), Value::Int(1))]);
        let bytes = Payload::from_value(&unknown).into_bytes();
        let why = Spec::from_bytes(&bytes).unwrap_err().to_string();
        assert!(why.contains("colour"), "{why}");
    }
}
