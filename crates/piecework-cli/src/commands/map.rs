//! `piecework map`: one command, many arguments, all cores, results in order.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use piecework::{Address, Key, Manager};
use piecework_server::Config;

use crate::authkey::AuthkeyArgs;
use crate::commands::greeting;
use crate::input::{InputArgs, Opened};
use crate::output::{self, Progress, ProgressArgs};
use crate::record::{Done, Filler, RecordArgs};
use crate::run::collect::Tally;
use crate::run::gate::GateArgs;
use crate::run::guard::Guard;
use crate::run::halt::Halt;
use crate::run::jobs::{self, Jobs};
use crate::run::master::{self, Plan};
use crate::run::pieces::Pieces;
use crate::run::print::{Look, Tag};
use crate::run::program;
use crate::run::rlimit::LimitArgs;
use crate::run::spec::Spec;
use crate::run::stop::{Stage, Stop};
use crate::run::term_seq::TermSeq;
use crate::run::timeout::Timeout;
use crate::template::{Filling, Given, Pattern, Syntax, Template};
use crate::{connect, exit};

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
    /// Run up to N commands at a time: a number, N% of the cores, +N or -N beside them, 0 for as
    /// many as there may be [default: the number of cores]
    #[arg(
        short,
        long,
        short_alias = 'P',
        alias = "max-procs",
        value_name = "N",
        allow_hyphen_values = true
    )]
    jobs: Option<Jobs>,

    /// The command, with {} where the argument goes; then ::: and arguments, if they are not read
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    words: Vec<OsString>,

    #[command(flatten)]
    input: InputArgs,

    #[command(flatten)]
    running: RunningArgs,

    #[command(flatten)]
    printing: PrintingArgs,

    #[command(flatten, next_help_heading = "Records")]
    records: RecordArgs,

    #[command(flatten, next_help_heading = "Progress")]
    progress: ProgressArgs,

    #[command(flatten)]
    machines: MachineArgs,
}

/// How commands are run.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Running")]
struct RunningArgs {
    /// Print the commands instead of running them
    #[arg(long)]
    dry_run: bool,

    /// End a command that takes longer: 30s, 1.5m, or 200% of the median so far
    #[arg(long, value_name = "TIME|N%")]
    timeout: Option<Timeout>,

    /// Try a task that fails N times in all; attempts that were lost with their machine do not
    /// count
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    retries: u32,

    /// End the run early: never, or now or soon after fail=, success= or done= and a number or a
    /// percentage, as now,fail=1
    #[arg(
        long,
        alias = "halt-on-error",
        value_name = "WHEN,WHY=N",
        default_value = "never",
        hide_default_value = true
    )]
    halt: Halt,

    /// The signals by which commands are ended, with milliseconds after each
    #[arg(long, alias = "termseq", value_name = "SEQUENCE", default_value_t)]
    term_seq: TermSeq,

    /// Run commands in this folder; ... is one for each task, which goes with it
    #[arg(long, visible_alias = "workdir", value_name = "DIR")]
    wd: Option<PathBuf>,

    /// Set a variable for the commands, or hand one on to other machines; may be given several
    /// times
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<OsString>,

    #[command(flatten)]
    gate: GateArgs,

    #[command(flatten)]
    limits: LimitArgs,
}

/// How results are printed.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct PrintingArgs {
    /// Print results in the order of the arguments (this is the default)
    #[arg(short, long, overrides_with = "unordered")]
    keep_order: bool,

    /// Print each result as soon as its command ends
    #[arg(long, alias = "no-keep-order", overrides_with = "keep_order")]
    unordered: bool,

    /// Print each result whole (this is the default)
    #[arg(long, overrides_with_all = ["line_buffer", "ungroup"])]
    group: bool,

    /// Print lines as they come, instead of each result whole
    #[arg(long, visible_alias = "lb", overrides_with = "group")]
    line_buffer: bool,

    /// Print lines of all commands as they come: as --line-buffer --unordered
    #[arg(short = 'u', long, overrides_with = "group")]
    ungroup: bool,

    /// Put the arguments and a tab in front of each line of output
    #[arg(long, conflicts_with = "tagstring")]
    tag: bool,

    /// Put TEXT and a tab in front of each line of output; places as in the command
    #[arg(long, value_name = "TEXT")]
    tagstring: Option<OsString>,

    /// No progress, no summary, no word on tasks that failed
    #[arg(short, long)]
    quiet: bool,

    /// Changes nothing: what GNU parallel is told to do by these names is done anyway
    #[arg(
        long,
        aliases = ["will-cite", "no-notice", "silent", "quote"],
        action = clap::ArgAction::Count,
        hide = true
    )]
    gnu: u8,
}

/// Who does the work.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Other machines")]
struct MachineArgs {
    /// Let other machines join the run at this address; the line to run there is shown. May be
    /// given several times
    #[arg(long, value_name = "ADDRESS", conflicts_with = "connect")]
    listen: Vec<Address>,

    /// Have the run done by the workers of a manager that runs already, beside other runs
    #[arg(long, value_name = "ADDRESS", conflicts_with = "jobs")]
    connect: Option<Address>,

    #[command(flatten)]
    authkey: AuthkeyArgs,

    /// Give other machines the file that the argument names: short for --transferfile {}
    #[arg(long)]
    transfer: bool,

    /// Give other machines this file with each task; places as in the command; may be given several
    /// times
    #[arg(long, visible_alias = "tf", value_name = "FILE")]
    transferfile: Vec<OsString>,

    /// Bring this file back from other machines; places as in the command; may be given several
    /// times
    #[arg(long = "return", value_name = "FILE")]
    returns: Vec<OsString>,

    /// Remove the files of a task from other machines when it has ended
    #[arg(long)]
    cleanup: bool,

    /// Short for --transfer --return FILE --cleanup
    #[arg(long, value_name = "FILE")]
    trc: Vec<OsString>,
}

/// Runs `piecework map`.
///
/// # Errors
/// Those with an exit code of their own; for anything else that goes wrong it is 255.
pub(crate) async fn run(args: MapArgs) -> anyhow::Result<ExitCode> {
    let code = match map(args).await {
        Ok(code) => code,
        Err(error) if exit::has_code(&error) => return Err(error),
        Err(error) if is_broken_pipe(&error) => PIPE_CODE,
        Err(error) => {
            output::talk(format_args!("{error:#}"));
            ERROR_CODE
        }
    };
    Ok(ExitCode::from(code))
}

async fn map(args: MapArgs) -> anyhow::Result<u8> {
    let jobs = jobs::checked(args.jobs)?;
    let (template, pieces) = open(&args, jobs)?;
    if args.running.dry_run {
        return dry_run(&template, pieces);
    }
    if let Some(program) = template.program()
        && let Err(unusable) = program::look_up(&program)
    {
        output::talk(unusable.message(&program));
        return Ok(unusable.exit_code());
    }
    let quiet = args.printing.quiet;
    let progress = Progress::start(args.progress.kind(quiet), pieces.len());
    let stop = Stop::on_signals(announce(quiet, progress.clone()))?;
    let guard = Guard::new();
    let syntax = template.syntax();
    let plan = Plan {
        spec: Spec {
            returns: args.machines.returns(),
            cleanup: args.machines.cleanup || !args.machines.trc.is_empty(),
            ..args.running.spec(&guard, &template, args.printing.lines())?
        },
        transfers: args.machines.transfers(syntax),
        records: match args.records.any() {
            true => Some(args.records.open(&syntax.names, filler(&args.records, syntax))?),
            false => None,
        },
        halt: args.running.halt,
        look: args.printing.look(syntax, args.records.keeps_output()),
        template,
        pieces,
        jobs,
        progress: progress.clone(),
        stop: stop.clone(),
        guard: guard.clone(),
    };
    let began = Instant::now();
    let ended = match &args.machines.connect {
        Some(address) => shared(plan, address, &args.machines.authkey).await,
        None => embedded(plan, args.machines.listen, &args.machines.authkey).await,
    };
    guard.end();
    progress.finish();
    let tally = ended?;
    if !quiet {
        tell(&tally, began);
    }
    let by_failures = || args.running.halt.code_ended(tally.ended, tally.total);
    Ok(tally.halted.or_else(|| stop.exit_code()).unwrap_or_else(by_failures))
}

/// The command, and what it is run for.
fn open(args: &MapArgs, jobs: usize) -> anyhow::Result<(Template, Pieces)> {
    if let Some(failed) = args.records.failed()? {
        return Ok((Template::new(Vec::new(), Given::AsArgument), Pieces::of_failed(failed)));
    }
    let Opened { command, syntax, input } = args.input.open(&args.words, jobs)?;
    let done: Done = args.records.done(&syntax.names, filler(&args.records, &syntax))?;
    Ok((Template::new(command, syntax), Pieces::of_input(input, done)))
}

/// What fills the places in the folder of `--results`, if there are any.
fn filler(records: &RecordArgs, syntax: &Syntax) -> Option<Filler> {
    let text = records.results_pattern()?.as_bytes();
    let pattern = Pattern::new(text, syntax);
    if !pattern.has_place() {
        return None;
    }
    Some(Arc::new(move |seq, args: &[Vec<u8>]| pattern.filled(&Filling { args, seq, slot: 0 })))
}

/// Prints the commands.
fn dry_run(template: &Template, pieces: Pieces) -> anyhow::Result<u8> {
    for piece in pieces {
        let piece = piece?;
        let filling = Filling { args: &piece.args, seq: piece.seq, slot: 1 };
        let mut line = template.line(&filling);
        line.push(b'\n');
        output::data_bytes(&line).context("cannot write to standard output")?;
    }
    Ok(0)
}

/// Sums up, for people: what failed, and how it went if somebody watches.
fn tell(tally: &Tally, began: Instant) {
    let summary = &tally.summary;
    if summary.failed() == 0 && !output::talk_is_watched() {
        return;
    }
    if summary.failed() > 1
        && let Some(table) = summary.table(output::talk_width(), output::talk_is_coloured())
    {
        output::pass_on(format!("{table}\n").as_bytes());
    }
    output::talk(summary.line(began.elapsed()));
}

impl RunningArgs {
    fn spec(&self, guard: &Guard, template: &Template, lines: bool) -> anyhow::Result<Spec> {
        Ok(Spec {
            run_id: guard.run_id().to_owned(),
            words: template.to_words(),
            tries_max: self.retries,
            lines,
            gate: self.gate.clone(),
            timeout: self.timeout,
            term_seq: self.term_seq.clone(),
            limits: self.limits.limits(),
            dir: self.wd.clone().map(|dir| dir.into_os_string().into_vec()),
            returns: Vec::new(),
            cleanup: false,
            env: self.env.iter().map(variable).collect::<anyhow::Result<_>>()?,
        })
    }
}

impl MachineArgs {
    /// The files that go along; none if no other machine can take part.
    fn transfers(&self, syntax: &Syntax) -> Vec<Pattern> {
        if self.listen.is_empty() && self.connect.is_none() {
            return Vec::new();
        }
        let whole =
            (self.transfer || !self.trc.is_empty()).then_some(syntax.placeholder.as_slice());
        let named = self.transferfile.iter().map(|file| file.as_bytes());
        whole.into_iter().chain(named).map(|text| Pattern::new(text, syntax)).collect()
    }

    fn returns(&self) -> Vec<Vec<u8>> {
        self.returns.iter().chain(&self.trc).map(|file| file.as_bytes().to_vec()).collect()
    }
}

/// `NAME=VALUE`, or the value that `NAME` has here.
fn variable(given: &OsString) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let bytes = given.as_bytes();
    let equals = bytes.iter().position(|byte| *byte == b'=');
    let (name, value) = match equals {
        Some(at) => {
            let (name, value) = bytes.split_at(at);
            (name, value.get(1..).unwrap_or_default().to_vec())
        }
        None => {
            let value = std::env::var_os(given).ok_or_else(|| {
                exit::usage(format!("--env {0}: {0} is not set here", given.display()))
            })?;
            (bytes, value.into_vec())
        }
    };
    if name.is_empty() {
        return Err(exit::usage(format!("--env {}: expected NAME=VALUE", given.display())));
    }
    Ok((name.to_vec(), value))
}

impl PrintingArgs {
    /// Whether lines are printed as they come.
    fn lines(&self) -> bool {
        self.line_buffer || self.ungroup
    }

    fn look(&self, syntax: &Syntax, silent: bool) -> Look {
        let pattern = self.tagstring.as_ref().map(|text| Pattern::new(text.as_bytes(), syntax));
        let tag = self.tag.then_some(Tag::Arguments).or(pattern.map(Tag::Pattern));
        let keep_order = !self.unordered && !self.ungroup;
        Look { keep_order, tag, lines: self.lines(), silent, quiet: self.quiet }
    }
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
