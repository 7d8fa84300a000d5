//! The folders of the user that piecework keeps things in.

use anyhow::bail;
use std::env;
use std::path::PathBuf;

/// Which folder a manager keeps its items in.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct DataDirArgs {
    /// The folder that a manager keeps its items in; one manager at a time [default: piecework/data
    /// in the user's data directory, ~/.local/share as a rule]
    #[arg(long, value_name = "DIR", env = "PIECEWORK_DATA_DIR", hide_env_values = true)]
    pub(crate) data_dir: Option<PathBuf>,
}

impl DataDirArgs {
    /// The folder. It may not be there yet.
    pub(crate) fn folder(self) -> anyhow::Result<PathBuf> {
        self.data_dir.map_or_else(|| data().map(|data| data.join("data")), Ok)
    }
}

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
