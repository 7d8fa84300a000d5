//! `piecework completions`: what a shell needs to complete our commands and flags.

use std::process::ExitCode;

use clap::Command;
use clap_complete::{Shell, generate};

use crate::output;

const EXAMPLES: &str = "\
Examples:
  piecework completions bash > ~/.local/share/bash-completion/completions/piecework
  piecework completions zsh > ~/.zfunc/_piecework        where fpath in ~/.zshrc holds ~/.zfunc
  piecework completions fish > ~/.config/fish/completions/piecework.fish";

/// Prints the completions for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// Whose language it is written in
    shell: ShellName,
}

/// The shells that completions are tested for.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ShellName {
    Bash,
    Zsh,
    Fish,
}

/// Prints the completions for the commands of `root`.
pub(crate) fn run(args: &CompletionsArgs, root: &Command) -> anyhow::Result<ExitCode> {
    let shell = match args.shell {
        ShellName::Bash => Shell::Bash,
        ShellName::Zsh => Shell::Zsh,
        ShellName::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut root.clone(), root.get_name(), &mut script);
    output::data_bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}
