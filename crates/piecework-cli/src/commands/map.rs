//! `piecework map`: one command, many arguments, all cores, results in order.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use piecework_server::{Config, Key};
use tokio::task::JoinSet;

use crate::input::{self, Input};
use crate::output::{self, Progress, Sink};
use crate::run::collect::{Collector, Tally};
use crate::run::embedded::Embedded;
use crate::run::feed::{self, Feed};
use crate::run::guard::Guard;
use crate::run::jobs::{self, Jobs};
use crate::run::live::Live;
use crate::run::order_link::{OrderLink, Place};
use crate::run::print::{Look, Printer};
use crate::run::recipe::{Recipes, Spec};
use crate::run::slot::{self, Runner};
use crate::run::stop::{Stage, Stop};
use crate::run::window::Window;
use crate::run::program;
use crate::template::{Given, Template};

/// More failures than this are told by the exit code after it.
const FAILED_CODE_MAX: u8 = 100;

/// The run itself went wrong.
const ERROR_CODE: u8 = 255;

/// Nobody reads our output any more; what a shell shows for SIGPIPE.
const PIPE_CODE: u8 = 128 + 13;

const EXAMPLES: &str = "\
Examples:
  piecework map wc -l {} ::: *.txt            count the lines of each file, in order
  ls *.wav | piecework map lame -V2 {} {}.mp3 one argument per line of standard input
  find . -type f -print0 | piecework map -0 sha256sum
                                              names that may hold anything, even newlines
  piecework map 'grep -c error {} | tee {}.n' ::: *.log
                                              one quoted word is a line for sh; {} is quoted for it
  piecework map -j4 < commands.txt            no command: each line is one

Each command finds in its environment PIECEWORK_SEQ (its number in the input), PIECEWORK_SLOT
(1 to the number of jobs), PIECEWORK_TASK_ID and PIECEWORK_ATTEMPT.

Ctrl-C: the first lets running commands end, the second asks them to end and kills them after two
seconds, the third kills them at once.

Exit code: 0 if all went well, else the number of tasks that failed, 101 for more than 100; 126 or
127 if the program cannot be run, 130 after Ctrl-C, 143 after SIGTERM, 255 for any other error.";

/// Runs a command for each argument, on all cores, with the results in order.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct MapArgs {
    /// Run up to N commands at a time [default: the number of cores]
    #[arg(short, long, value_name = "N")]
    jobs: Option<Jobs>,

    /// Read arguments that end with a zero byte instead of a newline
    #[arg(short = '0', long)]
    null: bool,

    /// Read arguments from FILE instead of standard input
    #[arg(short, long, value_name = "FILE")]
    arg_file: Option<PathBuf>,

    /// Print results in the order of the arguments (this is the default)
    #[arg(short, long, overrides_with = "unordered")]
    keep_order: bool,

    /// Print each result as soon as its command ends
    #[arg(long, overrides_with = "keep_order")]
    unordered: bool,

    /// Put the argument and a tab in front of each line of output
    #[arg(long)]
    tag: bool,

    /// No progress bar, no word on tasks that failed
    #[arg(long)]
    quiet: bool,

    /// The command, with {} where the argument goes; then ::: and arguments, if they are not read
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    words: Vec<OsString>,
}

/// Runs `piecework map`.
///
/// # Errors
/// Never: whatever goes wrong is told on standard error and by the exit code.
pub(crate) async fn run(args: MapArgs) -> anyhow::Result<ExitCode> {
    let code = map(args).await.unwrap_or_else(|error| {
        output::talk(format_args!("{error:#}"));
        ERROR_CODE
    });
    Ok(ExitCode::from(code))
}

async fn map(args: MapArgs) -> anyhow::Result<u8> {
    let jobs = jobs::checked(args.jobs)?;
    let (words, list) = input::split(&args.words)?;
    let template = Template::new(words.clone(), Given::AsArgument);
    if let Some(program) = template.program()
        && let Err(unusable) = program::look_up(&program)
    {
        output::talk(unusable.message(&program));
        return Ok(unusable.exit_code());
    }
    let separator = if args.null { 0 } else { b'\n' };
    let input = source(list, args.arg_file, separator)?;
    let look =
        Look { keep_order: !args.unordered, tag: args.tag, lines: false, quiet: args.quiet };
    let progress = Progress::new(args.quiet, input.len());
    let spec = Spec {
        run_id: String::new(),
        words: words.into_iter().map(OsString::into_vec).collect(),
        tries_max: 1,
        lines: false,
    };
    let ended = spread(&spec, input, jobs, look, &progress).await;
    progress.finish();
    let (tally, stop) = match ended {
        Err(error) if is_broken_pipe(&error) => return Ok(PIPE_CODE),
        ended => ended?,
    };
    if tally.failed > 0 && !args.quiet {
        output::talk(format_args!("{} of {} tasks failed", tally.failed, tally.done));
    }
    Ok(stop.exit_code().unwrap_or_else(|| failed_code(tally.failed)))
}

/// Where the arguments come from.
fn source(
    list: Option<Vec<OsString>>,
    file: Option<PathBuf>,
    separator: u8,
) -> anyhow::Result<Input> {
    match (list, file) {
        (Some(_), Some(file)) => anyhow::bail!(
            "arguments come from {} or from :::, not from both\nhint: leave one of them out",
            file.display()
        ),
        (Some(list), None) => Ok(Input::list(list)),
        (None, Some(file)) => Input::file(&file, separator),
        (None, None) => {
            if output::input_is_typed() {
                output::talk("reading arguments from the terminal, one a line; Ctrl-D ends them");
            }
            Ok(Input::stdin(separator))
        }
    }
}

/// Tells the user what each Ctrl-C does.
fn announce(quiet: bool, progress: Progress) -> impl Fn(Stage) + Clone + Send + Sync + 'static {
    move |stage| {
        let message = match stage {
            Stage::Draining => "no more tasks; waiting for running commands (again: end them)",
            Stage::Terminating => "asking running commands to end (again: kill them)",
            Stage::Working | Stage::Killing => return,
        };
        if !quiet {
            progress.aside(|| output::talk(message));
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
}

fn failed_code(failed: u64) -> u8 {
    u8::try_from(failed).ok().filter(|code| *code <= FAILED_CODE_MAX).unwrap_or(FAILED_CODE_MAX + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_counts_failures_up_to_a_hundred() {
        let codes = [0, 1, 100, 101, 256, u64::MAX].map(failed_code);
        assert_eq!(codes, [0, 1, 100, 101, 101, 101]);
    }
}
