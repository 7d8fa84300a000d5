//! Settings: what files and the environment say where the command line is silent.
//!
//! The flags themselves are the one list of what can be set. A setting is turned into the flag of
//! its name and put in front of what was typed, so that clap checks its value, and a flag that
//! undoes another (`--unordered`, `--keep-order`) undoes a setting just so.

mod environment;
mod files;
mod keys;
mod layers;
mod parse;

use std::env;
use std::ffi::OsString;

use clap::{ArgMatches, Command};
use toml::Value;

use crate::config::keys::{Key, Keys};
use crate::config::layers::{Layers, Setting};

/// Parses what was typed, the name of the program first, with the settings in it. As everywhere
/// with clap, `--help` and a mistake in what was typed end the program here.
///
/// # Errors
/// If a file cannot be read or used, or a setting has a wrong value: of exit code 2.
pub(crate) fn parse(command: &Command, typed: &[OsString]) -> anyhow::Result<ArgMatches> {
    parse::parse_with(command, typed, &env::vars_os().collect())
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
