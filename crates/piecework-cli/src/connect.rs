//! How a command reaches a manager, and what it exits with when it cannot.

use crate::authkey::AuthkeyArgs;
use crate::exit;
use piecework::{CallError, Error, Manager};

/// Which manager.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ConnectArgs {
    /// The manager: HOST, HOST:PORT, or unix:PATH
    #[arg(
        long,
        value_name = "ADDRESS",
        global = true, // for the commands within a command
        default_value = "127.0.0.1:5000",
        env = "PIECEWORK_CONNECT",
        hide_env_values = true
    )]
    pub(crate) connect: String,

    #[command(flatten)]
    pub(crate) authkey: AuthkeyArgs,
}

impl ConnectArgs {
    /// Reaches the manager.
    pub(crate) async fn manager(&self) -> anyhow::Result<Manager> {
        let key = self.authkey.require()?.key;
        Manager::connect(&self.connect, key).await.map_err(failed)
    }
}

/// Gives an error of the client its exit code.
pub(crate) fn failed(error: impl Into<Error>) -> anyhow::Error {
    let error = error.into();
    let call = match &error {
        Error::Address(_) => return exit::usage(error),
        Error::Call(call) => call,
        _ => return error.into(),
    };
    match call {
        gone if gone.is_gone() => exit::unavailable(error),
        CallError::WrongKey { .. } => exit::no_permission(error),
        CallError::Remote { class, .. } if class == "PermissionError" => exit::no_permission(error),
        CallError::Remote { class, message } if class == "Full" => {
            exit::try_later(if message.is_empty() { "the queue is full" } else { message })
        }
        _ => error.into(),
    }
}
