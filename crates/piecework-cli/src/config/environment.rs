//! The layer of settings in the environment: `PIECEWORK_MAP_JOBS=8` and its like.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use toml::Value;

use crate::config::keys::{Key, Kind};
use crate::exit;

/// The environment of a process.
pub(crate) type Variables = BTreeMap<OsString, OsString>;

/// The value that a variable gives the key; None if there is no such variable.
///
/// # Errors
/// If it is no value for this key.
pub(crate) fn value(key: &Key<'_>, variables: &Variables) -> anyhow::Result<Option<Value>> {
    let name = key.variable();
    let Some(text) = variables.get(OsStr::new(&name)) else { return Ok(None) };
    let Some(text) = text.to_str() else {
        return Err(exit::usage(format!(
            "{name}: its bytes are not UTF-8; hint: use the flag --{} for such a value",
            key.name()
        )));
    };
    let value = match key.kind() {
        Kind::Switch => match switch(text) {
            Some(on) => Value::Boolean(on),
            None => {
                let told = format!("{name}: '{text}' is neither yes nor no; hint: use 1 or 0");
                return Err(exit::usage(told));
            }
        },
        // Takes back what a file says: the flag has its default.
        Kind::One if text.is_empty() => Value::Array(Vec::new()),
        Kind::SwitchOrOne => switch(text).map_or_else(|| text.into(), Value::Boolean),
        Kind::One => text.into(),
        Kind::List => text.split_whitespace().collect::<Vec<_>>().into(),
    };
    Ok(Some(value))
}

/// The words for on and off that people try.
fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "" | "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::Keys;
    use clap::{Arg, ArgAction, Command};
    use std::os::unix::ffi::OsStringExt;

    fn found(value: impl Into<OsString>) -> Result<Option<Value>, String> {
        let quick = Arg::new("quick").long("very-quick").action(ArgAction::SetTrue);
        let root = Command::new("test").subcommand(Command::new("go").arg(quick));
        let keys = Keys::of(&root);
        let key = keys.all().next().unwrap();
        let variables = [("PIECEWORK_GO_VERY_QUICK".into(), value.into())].into();
        super::value(key, &variables).map_err(|error| error.to_string())
    }

    #[test]
    fn a_switch_is_turned_by_the_words_for_it() {
        for on in ["1", "true", "YES", "on"] {
            assert_eq!(found(on), Ok(Some(true.into())), "{on}");
        }
        for off in ["", "0", "False", "no", "off"] {
            assert_eq!(found(off), Ok(Some(false.into())), "{off}");
        }
        assert!(found("perhaps").unwrap_err().contains("'perhaps' is neither yes nor no"));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let error = found(OsString::from_vec(vec![0xff])).unwrap_err();
        assert!(error.starts_with("PIECEWORK_GO_VERY_QUICK: its bytes are not UTF-8"), "{error}");
    }
}
