//! `piecework map`: one command, many arguments, all cores, results in order.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use piecework::{Address, Key, Manager};
use piecework_server::Config;

pub use self::flags::MapArgs;
use crate::authkey::AuthkeyArgs;
use crate::commands::greeting;
use crate::input::Opened;
use crate::output::{self, Progress};
use crate::record::{Done, Filler, RecordArgs};
use crate::run::books::{Books, Known};
use crate::run::collect::Tally;
use crate::run::guard::Guard;
use crate::run::jobs;
use crate::run::master::{self, Plan};
use crate::run::pieces::Pieces;
use crate::run::program;
use crate::run::spec::Spec;
use crate::run::stop::{Stage, Stop};
use crate::template::{Filling, Given, Pattern, Syntax, Template};
use crate::{connect, exit, folders};

mod flags;

/// The run itself went wrong.
const ERROR_CODE: u8 = 255;

/// Nobody reads our output any more; what a shell shows for SIGPIPE.
const PIPE_CODE: u8 = 128 + 13;

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
    let books = books(&args.records, &template)?;
    let kept = books.as_ref().map(|(books, _)| books.clone());
    let quiet = args.printing.quiet;
    let progress = Progress::start(args.progress.kind(quiet), pieces.len());
    let stop = Stop::on_signals(announce(quiet, progress.clone()))?;
    let guard = Guard::new();
    let syntax = template.syntax();
    let plan = Plan {
        spec: Spec {
            returns: args.machines.returns(),
            cleanup: args.machines.cleanup || !args.machines.trc.is_empty(),
            ..args.running.spec(guard.run_id(), &template, args.printing.lines())?
        },
        transfers: args.machines.transfers(syntax),
        records: match args.records.any() {
            true => Some(args.records.open(&syntax.names, filler(&args.records, syntax))?),
            false => None,
        },
        books,
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
    kept.map_or(Ok(()), |books| books.close())?;
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

/// The books of the run, if it has a name.
fn books(records: &RecordArgs, template: &Template) -> anyhow::Result<Option<(Arc<Books>, Known)>> {
    let Some(wanted) = records.books() else { return Ok(None) };
    Books::open(&folders::data()?.join("runs"), &wanted, template).map(Some)
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
    let manager = tokio::select! {
        manager = Manager::connect(address.to_string(), key) => manager.map_err(connect::failed)?,
        () = plan.stop.reached(Stage::Draining) => return Ok(Tally::default()),
    };
    master::shared(plan, &manager).await
}

/// Tells the user what each Ctrl-C does.
fn announce(quiet: bool, progress: Progress) -> impl Fn(Stage) + Clone + Send + Sync + 'static {
    move |stage| {
        let message = match stage {
            Stage::Draining => "no more tasks; waiting for running commands (again: end them)",
            Stage::Terminating => "asking running commands to end (again: kill them)",
            Stage::Working | Stage::Killing | Stage::Abandoned => return,
        };
        if !quiet {
            progress.aside(|| output::talk(message));
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
}
