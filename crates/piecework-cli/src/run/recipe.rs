//! What all tasks of a run have in common. It travels with each of them, so that a worker on
//! another machine needs to know nothing before.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use bytes::Bytes;
use piecework::command::Command;

use super::files::{self, Folder};
use super::gate::Gate;
use super::piece::Piece;
use super::rlimit;
use super::spec::Spec;
use super::term_seq::TermSeq;
use super::timeout::Timeouts;
use crate::template::{Filling, Given, Pattern, Template};

/// The recipes that a worker has at hand: as many runs as may share a manager at a time.
const AT_HAND_MAX: usize = 16;

/// How a run's commands are run, ready to do so.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// The run that it belongs to.
    pub(crate) run_id: String,
    /// How often a task is tried in all, if its command fails.
    pub(crate) tries_max: u32,
    /// Whether output is handed on while the command runs.
    pub(crate) hands_on: bool,
    /// Whether it is handed on line by line.
    pub(crate) lines: bool,
    /// What has to be true before a command starts.
    pub(crate) gate: Option<Gate>,
    /// How long a command may take.
    pub(crate) timeouts: Option<Timeouts>,
    /// How a command is ended that has to.
    pub(crate) term_seq: TermSeq,
    template: Template,
    /// What is put in front of the command to limit it.
    prefix: Vec<OsString>,
    dir: Option<Vec<u8>>,
    /// What comes back from another machine.
    returns: Vec<Pattern>,
    /// Whether files are removed there.
    pub(crate) cleanup: bool,
    env: Vec<(Vec<u8>, Vec<u8>)>,
    /// How much of the end of its standard error is kept; all that a person reads, if not said.
    stderr_bytes_max: Option<usize>,
    /// Whether the one argument is given on standard input.
    on_stdin: bool,
}

impl Recipe {
    /// Prepares what travelled.
    ///
    /// # Errors
    /// If it asks for what this machine cannot do.
    pub(crate) fn of(spec: Spec) -> anyhow::Result<Self> {
        let template = Template::from_words(spec.words)?;
        let pattern = |text: &Vec<u8>| Pattern::new(text, template.syntax());
        Ok(Self {
            returns: spec.returns.iter().map(pattern).collect(),
            cleanup: spec.cleanup,
            run_id: spec.run_id,
            tries_max: spec.tries_max,
            hands_on: true,
            lines: spec.lines,
            gate: Gate::new(spec.gate)?,
            timeouts: spec.timeout.map(Timeouts::new),
            term_seq: spec.term_seq,
            template,
            prefix: rlimit::prefix(&spec.limits).context("cannot limit commands")?,
            dir: spec.dir,
            env: spec.env,
            stderr_bytes_max: None,
            on_stdin: false,
        })
    }

    /// A recipe for plain tasks of one argument each, whose output is collected whole.
    pub(crate) fn plain(template: Template, given: Given, stderr_bytes_max: Option<usize>) -> Self {
        Self {
            run_id: String::new(),
            tries_max: 1,
            hands_on: false,
            lines: false,
            gate: None,
            timeouts: None,
            term_seq: TermSeq::default(),
            template,
            prefix: Vec::new(),
            dir: None,
            returns: Vec::new(),
            cleanup: false,
            env: Vec::new(),
            stderr_bytes_max,
            on_stdin: given == Given::OnStdin,
        }
    }

    /// The folder for one task.
    ///
    /// # Errors
    /// As [`Folder::of`].
    pub(crate) fn folder(&self) -> anyhow::Result<Folder> {
        Folder::of(self.dir.as_deref())
    }

    /// The files that come back from another machine.
    pub(crate) fn returns(&self, piece: &Piece, slot: usize) -> Vec<Vec<u8>> {
        files::paths(&self.returns, &Filling { args: &piece.args, seq: piece.seq, slot })
    }

    /// The command for one piece.
    pub(crate) fn command(&self, piece: &Piece, slot: usize, folder: &Folder) -> Command {
        let filling = Filling { args: &piece.args, seq: piece.seq, slot };
        let mut command = self.template.command(&filling);
        if let Some(stdin) = &piece.stdin {
            command = command.input(stdin.clone());
        } else if self.on_stdin {
            command = command.input(piece.args.concat());
        }
        if let Some(bytes_max) = self.stderr_bytes_max {
            command = command.stderr_bytes_max(bytes_max);
        }
        if self.dir.is_some() {
            command = command.current_dir(folder.path());
        }
        for (name, value) in &self.env {
            command = command.env(OsStr::from_bytes(name), OsStr::from_bytes(value));
        }
        if self.prefix.is_empty() { command } else { command.via(self.prefix.clone()) }
    }
}

/// The recipes of the runs that a worker works for, read once each.
#[derive(Debug, Default)]
pub(crate) struct Recipes(Mutex<VecDeque<(Bytes, Arc<Recipe>)>>);

impl Recipes {
    /// Reads a recipe, unless it is at hand.
    ///
    /// # Errors
    /// If it is none, or asks for what this machine cannot do.
    pub(crate) fn read(&self, bytes: &Bytes) -> anyhow::Result<Arc<Recipe>> {
        let mut at_hand = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, recipe)) = at_hand.iter().find(|(known, _)| known == bytes) {
            return Ok(recipe.clone());
        }
        let recipe = Arc::new(Recipe::of(Spec::from_bytes(bytes)?)?);
        at_hand.push_front((bytes.clone(), recipe.clone()));
        at_hand.truncate(AT_HAND_MAX);
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_is_read_only_once() {
        let template = Template::new(vec!["wc".into()], Given::AsArgument);
        let bytes = Spec { words: template.to_words(), ..Spec::default() }.to_bytes();
        let recipes = Recipes::default();
        let first = recipes.read(&bytes).unwrap();
        assert!(Arc::ptr_eq(&first, &recipes.read(&bytes).unwrap()));
    }
}
