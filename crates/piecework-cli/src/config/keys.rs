//! The keys that can be set: one for each flag of each command.

use clap::{Arg, ArgAction, Command};
use toml::Value;

/// In front of the variables that set a key.
const VARIABLE_PREFIX: &str = "PIECEWORK";

/// All keys.
#[derive(Debug)]
pub(crate) struct Keys<'c> {
    root: &'c Command,
    keys: Vec<Key<'c>>,
}

/// A flag of one command.
#[derive(Debug)]
pub(crate) struct Key<'c> {
    command: &'c str,
    name: &'c str,
    arg: &'c Arg,
}

/// What a key can be set to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// True or false.
    Switch,
    /// True, false or a value: a flag whose value may be left out.
    SwitchOrOne,
    /// One value.
    One,
    /// A list of values, for a flag that may be given several times.
    List,
}

impl<'c> Keys<'c> {
    /// The keys of all commands.
    pub(crate) fn of(root: &'c Command) -> Self {
        let of_command = |command: &'c Command| {
            let flags = command.get_arguments().filter(|arg| !arg.is_hide_set());
            flags.filter_map(|arg| {
                Some(Key { command: command.get_name(), name: arg.get_long()?, arg })
            })
        };
        Self { root, keys: root.get_subcommands().flat_map(of_command).collect() }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Key<'c>> {
        self.keys.iter()
    }

    /// The keys of one command.
    pub(crate) fn of_command(&self, name: &str) -> impl Iterator<Item = &Key<'c>> {
        self.all().filter(move |key| key.command == name)
    }

    /// One key for each name that several commands share.
    pub(crate) fn shared(&self) -> impl Iterator<Item = &Key<'c>> {
        let is_first = |key: &&Key<'c>| {
            let first = self.all().find(|other| other.is_shared() && other.name == key.name);
            first.is_some_and(|first| first.command == key.command)
        };
        self.all().filter(|key| key.is_shared()).filter(is_first)
    }

    /// The names of the commands.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &str> {
        self.root.get_subcommands().map(Command::get_name)
    }

    /// Tells whether clap would refuse both in one command line.
    pub(crate) fn conflict(&self, one: &Key<'c>, id: &str) -> bool {
        let Some(command) = self.root.find_subcommand(one.command) else { return false };
        let Some(other) = command.get_arguments().find(|arg| arg.get_id() == id) else {
            return false;
        };
        let refuses = |this: &Arg, that: &Arg| {
            command.get_arg_conflicts_with(this).iter().any(|arg| arg.get_id() == that.get_id())
        };
        refuses(one.arg, other) || refuses(other, one.arg)
    }
}

impl<'c> Key<'c> {
    pub(crate) fn command(&self) -> &'c str {
        self.command
    }

    pub(crate) fn name(&self) -> &'c str {
        self.name
    }

    /// What clap calls its argument.
    pub(crate) fn id(&self) -> &str {
        self.arg.get_id().as_str()
    }

    /// As it stands in a file: `map.jobs`.
    pub(crate) fn path(&self) -> String {
        format!("{}.{}", self.command, self.name)
    }

    /// A flag with a variable of its own means the same for every command that has it: its key
    /// may stand above the tables.
    pub(crate) fn is_shared(&self) -> bool {
        self.arg.get_env().is_some()
    }

    /// The variable that sets it: `PIECEWORK_MAP_JOBS`, or `PIECEWORK_CONNECT` of a shared one.
    pub(crate) fn variable(&self) -> String {
        if let Some(own) = self.arg.get_env() {
            return own.to_string_lossy().into_owned();
        }
        let words = format!("{VARIABLE_PREFIX}_{}_{}", self.command, self.name);
        words.replace('-', "_").to_ascii_uppercase()
    }

    pub(crate) fn kind(&self) -> Kind {
        let may_be_left_out = self.arg.get_num_args().is_some_and(|range| range.min_values() == 0);
        match self.arg.get_action() {
            ArgAction::Append => Kind::List,
            action if !action.takes_values() => Kind::Switch,
            _ if may_be_left_out => Kind::SwitchOrOne,
            _ => Kind::One,
        }
    }

    /// The words of a command line that mean the same as this value; None if it is of a kind that
    /// the flag does not take.
    pub(crate) fn words(&self, value: &Value) -> Option<Vec<String>> {
        let with = |value: &Value| Some(format!("--{}={}", self.name, scalar(value)?));
        match (self.kind(), value) {
            (_, Value::Array(values)) if values.is_empty() => Some(Vec::new()),
            (Kind::Switch | Kind::SwitchOrOne, Value::Boolean(false)) => Some(Vec::new()),
            (Kind::Switch | Kind::SwitchOrOne, Value::Boolean(true)) => {
                Some(vec![format!("--{}", self.name)])
            }
            (Kind::Switch, _) => None,
            (Kind::List, Value::Array(values)) => values.iter().map(with).collect(),
            (Kind::List | Kind::One | Kind::SwitchOrOne, value) => Some(vec![with(value)?]),
        }
    }
}

impl Kind {
    /// What an error asks for.
    pub(crate) fn wanted(self) -> &'static str {
        match self {
            Self::Switch => "true or false",
            Self::SwitchOrOne => "true, false, a text or a number",
            Self::One => "a text or a number",
            Self::List => "a list of texts or numbers",
        }
    }
}

/// A value as it is typed.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}
