//! Where the log goes, how much of it, and in which form.

use anyhow::Context;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::Mutex;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// What `--log-…` says.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Log")]
pub(crate) struct LogArgs {
    /// What is logged: error, warn, info, debug, trace or off
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "info",
        env = "PIECEWORK_LOG_LEVEL",
        hide_env_values = true
    )]
    pub(crate) log_level: LevelFilter,

    /// Append the log to this file instead of writing it to standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,

    /// One line of text or one JSON object for each event
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl LogArgs {
    /// Begins to log.
    pub(crate) fn begin(&self) -> anyhow::Result<()> {
        let writer = match &self.log_file {
            None => BoxMakeWriter::new(std::io::stderr),
            Some(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                let failed = || format!("cannot write the log to '{}'", path.display());
                BoxMakeWriter::new(Mutex::new(file.with_context(failed)?))
            }
        };
        let colour = self.log_file.is_none() && crate::output::talk_is_coloured();
        let log = tracing_subscriber::fmt()
            .with_max_level(self.log_level)
            .with_writer(writer)
            .with_target(false)
            .with_ansi(colour);
        match self.log_format {
            LogFormat::Text => log.init(),
            LogFormat::Json => log.json().flatten_event(true).init(),
        }
        Ok(())
    }
}
