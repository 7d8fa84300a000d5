//! Settings: what files and the environment say where the command line is silent.
//!
//! The flags themselves are the one list of what can be set. A setting is turned into the flag of
//! its name and put in front of what was typed, so that clap checks its value, and a flag that
//! undoes another (`--unordered`, `--keep-order`) undoes a setting just so.

mod environment;
mod files;
mod keys;
mod layers;

use std::env;
use std::ffi::OsString;

use anyhow::Context;
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, Error};
use toml::Value;

use crate::config::environment::Variables;
use crate::config::keys::{Key, Keys};
use crate::config::layers::{Layers, Setting};
use crate::exit;

/// Where the name of the command stands among the words: right after the program's own. In front
/// of it can be `--help` and `--version` only, and those end the program.
const COMMAND_PLACE: usize = 1;

/// Parses what was typed, the name of the program first, with the settings in it. As everywhere
/// with clap, `--help` and a mistake in what was typed end the program here.
///
/// # Errors
/// If a file cannot be read or used, or a setting has a wrong value: of exit code 2.
pub(crate) fn parse(command: &Command, typed: &[OsString]) -> anyhow::Result<ArgMatches> {
    parse_with(command, typed, &env::vars_os().collect())
}

/// The settings in force, each with where it comes from.
///
/// # Errors
/// As for [`parse`].
pub(crate) fn in_force(command: &Command) -> anyhow::Result<Vec<InForce>> {
    let keys = Keys::of(command);
    let layers = Layers::find(&keys, &env::vars_os().collect())?;
    let shared = keys.shared().filter_map(|key| Some((None, key, layers.shared(key)?)));
    let of_commands = keys.all().filter_map(|key| {
        let own = layers.find_setting(key)?;
        let said_above = key.is_shared() && layers.shared(key).is_some_and(|it| it == own);
        (!said_above).then_some((Some(key.command()), key, own))
    });
    let in_force = |(command, key, setting): (Option<&str>, &Key<'_>, Setting)| InForce {
        command: command.map(str::to_owned),
        key: key.name().to_owned(),
        value: setting.value,
        origin: setting.origin,
    };
    Ok(shared.chain(of_commands).map(in_force).collect())
}

/// A setting in force.
#[derive(Debug, serde::Serialize)]
pub(crate) struct InForce {
    /// Whose flag it is; None for all commands that have it.
    pub(crate) command: Option<String>,
    pub(crate) key: String,
    pub(crate) value: Value,
    /// The file, or the name of the variable.
    pub(crate) origin: String,
}

fn parse_with(
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
    let words = settings.iter().flat_map(|(key, setting)| key.words(&setting.value));
    let words = head.iter().cloned().chain(words.flatten().map(OsString::from));
    match command.clone().try_get_matches_from(words.chain(tail.iter().cloned())) {
        Ok(matches) => Ok(matches),
        Err(error) => {
            command.clone().get_matches_from(typed); // what was typed is wrong by itself
            Err(exit::usage(blame(&error, &settings)))
        }
    }
}

/// An error of clap's that a setting brought about, with the name of the setting in front.
fn blame(error: &Error, settings: &[(&Key<'_>, Setting)]) -> String {
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
        let words = Arg::new("words").num_args(0..).trailing_var_arg(true);
        let go = Command::new("go").args([all, count, to, log, again, words]);
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
    fn a_wrong_value_is_told_with_its_place() {
        let error = parsed("[go]\nfast = true\ncount = 300\n", "test go", &[]).unwrap_err();
        let why = "invalid value '300' for '--count <count>': 300 is not in 0..=255";
        assert_eq!(error, format!("F: go.count: {why}"));
        let variables = [("PIECEWORK_GO_COUNT", "x")];
        let error = parsed("", "test go", &variables).unwrap_err();
        assert!(error.starts_with("PIECEWORK_GO_COUNT: go.count: invalid value 'x'"), "{error}");
        let error = parsed("[go]\nall = true\ncount = 1\n", "test go", &[]).unwrap_err();
        assert!(error.starts_with("F: go.") && error.contains("cannot be used with"), "{error}");
        let error = parsed("[go]\nagain = true\n", "test go", &[]).unwrap_err();
        assert!(error.starts_with("F: go.again: ") && error.contains("--log"), "{error}");
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
