//! The folders of the user that piecework keeps things in.

use anyhow::bail;
use std::env;
use std::path::PathBuf;

/// The folder of piecework's own within the user's data directory, as the XDG base directory
/// specification has it. It may not be there yet.
pub(crate) fn data() -> anyhow::Result<PathBuf> {
    let data = match (env::var_os("XDG_DATA_HOME"), env::var_os("HOME")) {
        (Some(data), _) if !data.is_empty() => PathBuf::from(data),
        (_, Some(home)) if !home.is_empty() => PathBuf::from(home).join(".local/share"),
        _ => bail!("neither HOME nor XDG_DATA_HOME is set; hint: set one, or name the place"),
    };
    Ok(data.join("piecework"))
}
