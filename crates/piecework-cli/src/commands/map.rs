//! `piecework map`: one command, many arguments, all cores, results in order.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::ExitCode;

use piecework::{Address, Key, Manager};
use piecework_server::Config;

use crate::authkey::AuthkeyArgs;
use crate::commands::greeting;
use crate::connect;
use crate::input::{self, Input};
use crate::output::{self, Progress};
use crate::run::collect::Tally;
use crate::run::guard::Guard;
use crate::run::jobs::{self, Jobs};
use crate::run::master::{self, Plan};
use crate::run::print::Look;
use crate::run::program;
use crate::run::recipe::Spec;
use crate::run::stop::{Stage, Stop};
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

Other machines: with --listen 0.0.0.0:5000 the run shows what to start on them, at any time:
`piecework worker HOST --exec`. They take tasks as they are ready for them; what a machine had that
is lost goes to others. With --connect ADDRESS several runs share one manager and its workers.

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

    /// Print lines as they come, instead of each result whole
    #[arg(long)]
    line_buffer: bool,

    /// Let other machines join the run at this address; the line to run there is shown. May be
    /// given several times
    #[arg(long, value_name = "ADDRESS", conflicts_with = "connect")]
    listen: Vec<Address>,

    /// Have the run done by the workers of a manager that runs already, beside other runs
    #[arg(long, value_name = "ADDRESS", conflicts_with = "jobs")]
    connect: Option<Address>,

    #[command(flatten)]
    authkey: AuthkeyArgs,

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
    let lines = args.line_buffer;
    let look = Look { keep_order: !args.unordered, tag: args.tag, lines, quiet: args.quiet };
    let progress = Progress::new(args.quiet, input.len());
    let stop = Stop::on_signals(announce(look.quiet, progress.clone()))?;
    let guard = Guard::new();
    let plan = Plan {
        spec: Spec {
            run_id: guard.run_id().to_owned(),
            words: words.into_iter().map(OsString::into_vec).collect(),
            tries_max: 1,
            lines,
        },
        input,
        jobs,
        look,
        progress: progress.clone(),
        stop: stop.clone(),
        guard: guard.clone(),
    };
    let ended = match &args.connect {
        Some(address) => shared(plan, address, &args.authkey).await,
        None => embedded(plan, args.listen, &args.authkey).await,
    };
    guard.end();
    progress.finish();
    let tally = match ended {
        Err(error) if is_broken_pipe(&error) => return Ok(PIPE_CODE),
        ended => ended?,
    };
    if tally.failed > 0 && !args.quiet {
        output::talk(format_args!("{} of {} tasks failed", tally.failed, tally.done));
    }
    Ok(stop.exit_code().unwrap_or_else(|| failed_code(tally.failed)))
}

/// Runs on a manager of its own.
async fn embedded(
    plan: Plan,
    listen: Vec<Address>,
    authkey: &AuthkeyArgs,
) -> anyhow::Result<Tally> {
    if listen.is_empty() {
        let mut config = Config::new(Key::new(Vec::new())); // nobody can connect
        config.listen.clear();
        config.queues.clear();
        return master::embedded(plan, config, |_| ()).await;
    }
    let authkey = authkey.find_or_make()?;
    authkey.check(&listen, false)?;
    let mut config = Config::new(authkey.key.clone());
    config.listen = listen;
    config.queues.clear();
    let (quiet, progress) = (plan.look.quiet, plan.progress.clone());
    master::embedded(plan, config, |embedded| {
        if !quiet {
            let addresses = embedded.addresses();
            progress.aside(|| output::talk(greeting::join(&addresses, &authkey)));
        }
    })
    .await
}

/// Runs on a manager that others use, too.
async fn shared(plan: Plan, address: &Address, authkey: &AuthkeyArgs) -> anyhow::Result<Tally> {
    let key = authkey.require()?.key;
    let manager = Manager::connect(address.to_string(), key).await.map_err(connect::failed)?;
    master::shared(plan, &manager).await
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
