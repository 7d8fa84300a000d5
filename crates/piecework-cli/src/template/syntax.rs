//! What a template is told: how its words are to be read, and what its places are filled with.

/// What stands for the arguments unless `-I` names something else.
const PLACEHOLDER: &[u8] = b"{}";

/// What is a place in a command and what is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// How the task reaches the command.
    pub(crate) given: Given,
    /// What stands for the arguments: `{}`, or what `-I` names. Never empty.
    pub(crate) placeholder: Vec<u8>,
    /// The names of the columns, for `{name}`.
    pub(crate) names: Vec<Vec<u8>>,
    /// Whether `{}` takes the word around it with it, once for each argument (`-X`), instead of
    /// standing for all arguments with spaces between.
    pub(crate) repeat_context: bool,
}

impl From<Given> for Syntax {
    fn from(given: Given) -> Self {
        let placeholder = PLACEHOLDER.to_vec();
        Self { given, placeholder, names: Vec::new(), repeat_context: false }
    }
}

/// How the task reaches the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// In the place of `{}` and its like, or appended where there is none.
    AsArgument,
    /// On standard input; of all places only `{#}` and `{%}` have a meaning.
    OnStdin,
}

/// What the places of a template are filled with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filling<'task> {
    /// The arguments of the task.
    pub(crate) args: &'task [Vec<u8>],
    /// Its number in the input, from 1.
    pub(crate) seq: u64,
    /// The slot that runs it, from 1.
    pub(crate) slot: usize,
}
