//! Parses a command line with the settings in it.

use std::ffi::OsString;
use std::mem;

use anyhow::Context;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, Error};

use crate::config::environment::Variables;
use crate::config::keys::{Key, Keys};
use crate::config::layers::{Layers, Setting};
use crate::{declined, exit};

/// Where the name of the command stands among the words: right after the program's own. In front
/// of it can be `--help` and `--version` only, and those end the program.
const COMMAND_PLACE: usize = 1;

/// Parses with the settings of this environment, and of the files that it leads to.
pub(crate) fn parse_with(
    command: &Command,
    typed: &[OsString],
    variables: &Variables,
) -> anyhow::Result<ArgMatches> {
    // Mistakes are met below, where a setting may have made good what is missing.
    let given = command.clone().ignore_errors(true).try_get_matches_from(typed);
    let given = given.unwrap_or_else(|error| error.exit());
    let Some((name, given)) = given.subcommand() else {
        return Ok(command.clone().get_matches_from(typed));
    };
    let keys = Keys::of(command);
    if keys.of_command(name).next().is_none() {
        return Ok(command.clone().get_matches_from(typed)); // works though a file is broken
    }
    let layers = Layers::find(&keys, variables)?;
    let is_given = |id: &str| {
        let source = given.value_source(id);
        matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    let settings = layers.settings(&keys, name, is_given);
    let (head, tail) = typed.split_at_checked(COMMAND_PLACE + 1).context("no command")?;
    let parse = |settings: &[&Of<'_, '_>]| {
        let words = settings.iter().flat_map(|(key, setting)| key.words(&setting.value));
        let words = head.iter().cloned().chain(words.flatten().map(OsString::from));
        command.clone().try_get_matches_from(words.chain(tail.iter().cloned()))
    };
    let all: Vec<_> = settings.iter().collect();
    let parsed = parse(&all).or_else(|error| match error.kind() {
        ErrorKind::MissingRequiredArgument => parse(&useful(&all, parse)),
        _ => Err(error),
    });
    parsed.map_err(|error| {
        if let Err(error) = command.clone().try_get_matches_from(typed) {
            declined::explained(error).exit(); // what was typed is wrong by itself
        }
        exit::usage(blame(&error, &settings))
    })
}

/// A setting and what it is of.
type Of<'k, 'c> = (&'k Key<'c>, Setting);

/// Leaves out the settings that need a flag which is not there: `block`, say, without `--pipe`.
fn useful<'s, 'k, 'c>(
    settings: &[&'s Of<'k, 'c>],
    parse: impl Fn(&[&Of<'k, 'c>]) -> Result<ArgMatches, Error>,
) -> Vec<&'s Of<'k, 'c>> {
    let is_complete = |settings: &[&Of<'k, 'c>]| {
        let error = parse(settings).err();
        error.is_none_or(|error| error.kind() != ErrorKind::MissingRequiredArgument)
    };
    let mut useful: Vec<&Of<'_, '_>> = Vec::new();
    let mut others = settings.to_vec();
    loop {
        // Each that is taken in may be what another needs.
        let before = useful.len();
        for setting in mem::take(&mut others) {
            useful.push(setting);
            if !is_complete(&useful) {
                others.extend(useful.pop());
            }
        }
        if useful.len() == before {
            break;
        }
    }
    // In their old order, by which one undoes another.
    let is_useful = |one: &&&Of<'_, '_>| useful.iter().any(|other| other.0.id() == one.0.id());
    settings.iter().filter(is_useful).copied().collect()
}

/// An error of clap's that a setting brought about, with the name of the setting in front.
fn blame(error: &Error, settings: &[Of<'_, '_>]) -> String {
    // `--jobs <N>`, say.
    let flag = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) => flag.as_str(),
        _ => "",
    };
    let name = flag.trim_start_matches("--").split([' ', '=', '[']).next();
    let is_named = |key: &Key<'_>| name == Some(key.name());
    let any_is_named = settings.iter().any(|(key, _)| is_named(key));
    let blamed = settings.iter().filter(|(key, _)| !any_is_named || is_named(key));
    let places: Vec<String> =
        blamed.map(|(key, setting)| format!("{}: {}", setting.origin, key.path())).collect();
    let told = error.render().to_string();
    let told = told.strip_prefix("error: ").unwrap_or(&told);
    // After the first empty line clap says how the command is typed, which nobody did here.
    let told = told.split("\n\n").next().unwrap_or_default();
    format!("{}: {told}", places.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, ArgAction};
    use std::fs;
    use tempfile::TempDir;

    /// A command with every kind of flag.
    fn command() -> Command {
        let all = Arg::new("all").long("all").action(ArgAction::SetTrue).conflicts_with("count");
        let count = Arg::new("count").long("count").value_parser(clap::value_parser!(u8));
        let fast = Arg::new("fast").long("fast").action(ArgAction::SetTrue);
        let slow = Arg::new("slow").long("slow").action(ArgAction::SetTrue);
        let to = Arg::new("to").long("to").action(ArgAction::Append);
        let log = Arg::new("log").long("log").num_args(0..=1).default_missing_value("here");
        let again = Arg::new("again").long("again").action(ArgAction::SetTrue).requires("log");
        let thrice = Arg::new("thrice").long("thrice").action(ArgAction::SetTrue).requires("again");
        let more = Arg::new("more").long("more").action(ArgAction::SetTrue).requires("count");
        let words = Arg::new("words").num_args(0..).trailing_var_arg(true);
        let go = Command::new("go").args([all, count, to, log, again, thrice, more, words]);
        let go = go.args([fast.overrides_with("slow"), slow.overrides_with("fast")]);
        Command::new("test").subcommand_required(true).subcommands([go, Command::new("bare")])
    }

    /// Parses with this file as the only one and these variables.
    fn parsed(file: &str, typed: &str, variables: &[(&str, &str)]) -> Result<ArgMatches, String> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("it.toml");
        fs::write(&path, file).unwrap();
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        let named = [("PIECEWORK_CONFIG".into(), path.clone().into_os_string())];
        let typed: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
        let parsed = parse_with(&command(), &typed, &variables.chain(named).collect());
        let found = parsed.map_err(|error| error.to_string().replace(path.to_str().unwrap(), "F"));
        found.map(|matches| matches.subcommand().unwrap().1.clone())
    }

    #[track_caller]
    fn texts(matches: &ArgMatches, id: &str) -> Vec<String> {
        matches.get_many::<String>(id).unwrap_or_default().cloned().collect()
    }

    #[test]
    fn a_setting_stands_in_for_a_flag_that_is_not_given() {
        let file = "[go]\ncount = 3\nfast = true\nto = ['a b', '--x']\n";
        let matches = parsed(file, "test go --", &[]).unwrap();
        assert_eq!(matches.get_one::<u8>("count"), Some(&3));
        assert!(matches.get_flag("fast"));
        assert_eq!(texts(&matches, "to"), ["a b", "--x"]);
        let matches = parsed(file, "test go --count 5 --to c w --count 9", &[]).unwrap();
        assert_eq!(matches.get_one::<u8>("count"), Some(&5));
        assert_eq!(texts(&matches, "to"), ["c"], "a list that is given is not added to");
        assert_eq!(texts(&matches, "words"), ["w", "--count", "9"]);
    }

    #[test]
    fn the_environment_is_nearer_than_files() {
        let file = "[go]\ncount = 3\nfast = true\nto = 'file'\n";
        let variables = [
            ("PIECEWORK_GO_COUNT", "4"),
            ("PIECEWORK_GO_FAST", "false"),
            ("PIECEWORK_GO_TO", " a  b\n"),
        ];
        let matches = parsed(file, "test go", &variables).unwrap();
        assert_eq!(matches.get_one::<u8>("count"), Some(&4));
        assert!(!matches.get_flag("fast"));
        assert_eq!(texts(&matches, "to"), ["a", "b"]);
        let matches = parsed(file, "test go --count 5", &variables).unwrap();
        assert_eq!(matches.get_one::<u8>("count"), Some(&5));
        let matches = parsed(file, "test go", &[("PIECEWORK_GO_COUNT", "")]).unwrap();
        assert_eq!(matches.get_one::<u8>("count"), None, "an empty variable takes a value back");
    }

    #[test]
    fn a_flag_that_is_given_undoes_settings_that_do_not_go_with_it() {
        let matches = parsed("[go]\nfast = true\n", "test go --slow", &[]).unwrap();
        assert!(matches.get_flag("slow") && !matches.get_flag("fast"));
        let matches = parsed("[go]\nall = true\n", "test go --count 1", &[]).unwrap();
        assert!(!matches.get_flag("all"));
        let matches = parsed("[go]\ncount = 1\n", "test go --all", &[]).unwrap();
        assert_eq!(matches.get_one::<u8>("count"), None);
        let variables = [("PIECEWORK_GO_SLOW", "1"), ("PIECEWORK_GO_ALL", "yes")];
        let matches = parsed("[go]\nfast = true\ncount = 1\n", "test go", &variables).unwrap();
        assert!(matches.get_flag("slow") && !matches.get_flag("fast"));
        assert!(matches.get_flag("all") && matches.get_one::<u8>("count").is_none());
    }

    #[test]
    fn a_setting_makes_good_what_a_flag_needs() {
        let matches = parsed("[go]\nlog = 'x'\n", "test go --again", &[]).unwrap();
        assert_eq!(texts(&matches, "log"), ["x"]);
        let matches = parsed("[go]\nlog = true\n", "test go --again", &[]).unwrap();
        assert_eq!(texts(&matches, "log"), ["here"]);
    }

    #[test]
    fn a_setting_that_needs_a_flag_waits_for_it() {
        let matches = parsed("[go]\nagain = true\ncount = 3\n", "test go", &[]).unwrap();
        assert!(!matches.get_flag("again"));
        assert_eq!(matches.get_one::<u8>("count"), Some(&3));
        assert!(parsed("[go]\nagain = true\n", "test go --log=x", &[]).unwrap().get_flag("again"));
        let both = parsed("[go]\nagain = true\nlog = 'x'\n", "test go", &[]).unwrap();
        assert!(both.get_flag("again"));
        let variables = [("PIECEWORK_GO_THRICE", "1"), ("PIECEWORK_GO_LOG", "x")];
        let three = parsed("[go]\nagain = true\nmore = true\n", "test go", &variables).unwrap();
        assert!(three.get_flag("again") && three.get_flag("thrice") && !three.get_flag("more"));
    }

    #[test]
    fn a_wrong_value_is_told_with_its_place() {
        let error = parsed("[go]\nfast = true\ncount = 300\n", "test go", &[]).unwrap_err();
        let why = "invalid value '300' for '--count <count>': 300 is not in 0..=255";
        assert_eq!(error, format!("F: go.count: {why}"));
        let variables = [("PIECEWORK_GO_COUNT", "x")];
        let error = parsed("", "test go", &variables).unwrap_err();
        assert!(error.starts_with("PIECEWORK_GO_COUNT: go.count: invalid value 'x'"), "{error}");
        let error = parsed("[go]\nall = true\ncount = 1\n", "test go", &[]).unwrap_err();
        assert!(error.starts_with("F: go.") && error.contains("cannot be used with"), "{error}");
    }

    /// A `piecework map` within a task of another must not take that task's number for a flag.
    #[test]
    fn what_a_task_finds_in_its_environment_sets_nothing() {
        let command = <crate::Arguments as clap::CommandFactory>::command();
        for key in Keys::of(&command).all() {
            let variable = key.variable();
            let of_task = [
                "ATTEMPT",
                "DEADLINE",
                "ERROR_FILE",
                "PROGRESS",
                "QUEUE",
                "RUN_ID",
                "SEQ",
                "SERVER",
                "SLOT",
                "TASK_DIR",
                "TASK_ID",
                "WORKER_ID",
            ];
            assert!(
                !of_task.iter().any(|name| variable == format!("PIECEWORK_{name}")),
                "{variable}"
            );
        }
    }

    #[test]
    fn a_command_without_flags_works_though_a_file_is_broken() {
        assert!(parsed("= = =", "test bare", &[]).is_ok());
        assert!(parsed("= = =", "test go", &[]).unwrap_err().starts_with("cannot read"));
    }

    #[test]
    fn words_after_the_command_stay_where_they_are() {
        let matches = parsed("[go]\ncount = 3\n", "test go a -- b", &[]).unwrap();
        assert_eq!(texts(&matches, "words"), ["a", "--", "b"]);
    }
}
