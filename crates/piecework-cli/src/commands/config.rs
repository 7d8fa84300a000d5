//! `piecework config`: which settings are in force, and who made them.

use std::fmt::Write;
use std::process::ExitCode;

use clap::Command;

use crate::config::{self, InForce};
use crate::output;

const EXAMPLES: &str = "\
Examples:
  piecework config show             what is not at its default, as a file of settings
  piecework config show --origin    the same, each with the file or variable it comes from

A setting is a flag by its long name: in a file as jobs = 8 under [map], in the environment as
PIECEWORK_MAP_JOBS=8. What is nearer wins: the flag, the environment, ./piecework.toml,
~/.config/piecework/config.toml, /etc/piecework/config.toml. PIECEWORK_CONFIG=FILE has that file
read in place of all three, PIECEWORK_CONFIG= none.";

/// Shows settings from files and the environment.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

/// What is done with the settings.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show the settings in force
    Show(ShowArgs),
}

/// Shows the settings in force, as a file of settings.
#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// Say for each the file or the variable that it comes from
    #[arg(long)]
    origin: bool,

    /// Print them as JSON, with their origins
    #[arg(long)]
    json: bool,
}

/// Prints the settings for the commands of `root`.
pub(crate) fn run(args: &ConfigArgs, root: &Command) -> anyhow::Result<ExitCode> {
    let Action::Show(show) = &args.action;
    let settings = config::in_force(root)?;
    if show.json {
        output::data(&format!("{}\n", serde_json::to_string_pretty(&settings)?));
    } else {
        output::data(&as_file(&settings, show.origin));
    }
    Ok(ExitCode::SUCCESS)
}

/// The settings as a file that would bring them about.
fn as_file(settings: &[InForce], with_origin: bool) -> String {
    if settings.is_empty() {
        return "# nothing is set: every flag has its default\n".to_owned();
    }
    let mut text = String::new();
    let mut table = None;
    for setting in settings {
        if setting.command != table {
            table.clone_from(&setting.command);
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}[{}]", table.as_deref().unwrap_or_default());
        }
        let origin = if with_origin { format!("  # {}", setting.origin) } else { String::new() };
        let _ = writeln!(text, "{} = {}{origin}", setting.key, setting.value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(command: Option<&str>, key: &str, value: impl Into<toml::Value>) -> InForce {
        let origin = "F".to_owned();
        InForce {
            command: command.map(str::to_owned),
            key: key.to_owned(),
            value: value.into(),
            origin,
        }
    }

    #[test]
    fn what_is_shown_can_be_a_file_itself() {
        let settings = [
            setting(None, "connect", "a\"b"),
            setting(Some("map"), "jobs", 8),
            setting(Some("map"), "quiet", true),
            setting(Some("serve"), "queue", vec!["a", "b"]),
        ];
        let table = "\n[map]\njobs = 8\nquiet = true\n\n[serve]\nqueue = [\"a\", \"b\"]\n";
        let plain = as_file(&settings, false);
        assert_eq!(plain, format!("connect = 'a\"b'\n{table}"));
        let with_origin = as_file(&settings, true);
        assert!(with_origin.contains("\njobs = 8  # F\n"), "{with_origin}");
        assert_eq!(plain.parse::<toml::Table>(), with_origin.parse::<toml::Table>());
        assert!(as_file(&[], false).starts_with("# nothing"));
    }
}
