//! `piecework worker`: runs a command for each task of a manager.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context;
use piecework::{Manager, OpenError};
use tokio::task::JoinSet;

use crate::authkey::AuthkeyArgs;
use crate::run::answer::REPORT_STDERR_BYTES_MAX;
use crate::run::crew;
use crate::run::guard::Guard;
use crate::run::here;
use crate::run::jobs::{self, Jobs};
use crate::run::manager_link::{ManagerLink, Work};
use crate::run::notes::Doing;
use crate::run::program;
use crate::run::recipe::Recipe;
use crate::run::slot::{self, Runner};
use crate::run::stop::{self, Stage, Stop};
use crate::template::{Given, Template};
use crate::{connect, output};

const EXAMPLES: &str = "\
Examples:
  piecework worker 10.0.0.5 -- ./square {}       tasks of queue task, results to queue result
  piecework worker 10.0.0.5:5000 -j4 'wc -l < {}'
                                                 one quoted word is a line for sh
  piecework worker localhost --stdin --json -- jq .name
                                                 the task on standard input, a dict as the result

The manager is `piecework serve` or any Python program that serves a queue.Queue with
multiprocessing.managers, under the name NAME, get_NAME_queue or get_NAME.

A task replaces {} in the command, or is appended: a str as its text, bytes as they are, numbers as
Python prints them, lists and dicts as JSON. The result is what the command prints, without the
newline at its end: a str, or bytes where it is not UTF-8. A task that is None ends the slot that
gets it. A command that ends with another exit code than 0 has failed: its task is given back, and
tried again until its attempts are used up. A stock Python manager cannot count them: there the task
is put back at the end of its queue. Where the queue's leases end (lease=10m), a task's lease is
renewed every second while its command runs. With --json every end is a result, and the master
judges.

The first Ctrl-C or SIGTERM lets running commands end; the second ends them and gives their tasks
back. Exit code: 0 when the manager has ended or after the first signal, 69 if it cannot be reached,
77 if it has another authkey, 126 or 127 if the program cannot be run.";

/// Runs a command for each task of a manager.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct WorkerArgs {
    /// The manager's address: HOST, HOST:PORT or unix:PATH; the port is 5000 unless named
    #[arg(value_name = "ADDRESS")]
    manager: String,

    /// The queue that tasks come from
    #[arg(long, value_name = "NAME", default_value = "task")]
    queue: String,

    /// The queue that results go to
    #[arg(long, value_name = "NAME", default_value = "result")]
    results: String,

    /// Run up to N commands at a time [default: the number of cores]
    #[arg(short, long, value_name = "N")]
    jobs: Option<Jobs>,

    /// Run the commands of `piecework map`, whichever they are: whoever has the authkey can run
    /// anything here
    #[arg(long, conflicts_with_all = ["queue", "results", "stdin", "json", "words"])]
    exec: bool,

    /// Give the task on standard input; {} has no meaning then
    #[arg(long)]
    stdin: bool,

    /// Put a dict: exit_code, stdout, the tail of stderr, duration, host
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    authkey: AuthkeyArgs,

    /// The command, with {} where the task goes
    #[arg(value_name = "COMMAND", trailing_var_arg = true, required_unless_present = "exec")]
    words: Vec<OsString>,
}

/// Runs `piecework worker`.
///
/// # Errors
/// If the manager cannot be reached or refuses; each with its exit code.
pub(crate) async fn run(args: WorkerArgs) -> anyhow::Result<ExitCode> {
    let jobs = jobs::checked(args.jobs)?;
    if args.exec {
        return crew::run(&args.manager, &args.authkey, jobs).await;
    }
    let given = if args.stdin { Given::OnStdin } else { Given::AsArgument };
    let template = Template::new(args.words, given);
    if let Some(program) = template.program()
        && let Err(unusable) = program::look_up(&program)
    {
        output::talk(unusable.message(&program));
        return Ok(ExitCode::from(unusable.exit_code()));
    }
    let key = args.authkey.require()?.key;
    let stop = Stop::on_signals(announce)?;
    let stderr_bytes_max = args.json.then_some(REPORT_STDERR_BYTES_MAX);
    let recipe = Arc::new(Recipe::plain(template, given, stderr_bytes_max));
    let work = Arc::new(Work {
        recipe,
        queue: args.queue,
        results: args.results,
        json: args.json,
        host: here::host(),
        taken: 0.into(),
        closed: false.into(),
    });
    let guard = Guard::new();
    let runner = Arc::new(Runner {
        guard: guard.clone(),
        stop: stop.clone(),
        doing: Doing::new(),
        worker_id: here::worker_id(),
    });
    let connected = async {
        let manager = Manager::connect(&args.manager, key).await?;
        let first = ManagerLink::open(&manager, work.clone()).await?;
        Ok::<_, piecework::Error>((manager, first))
    };
    let Some(connected) = unless_stopped(&stop, connected).await else {
        return Ok(exit_code(&stop));
    };
    let (manager, first) = connected.map_err(connect::failed)?;
    let mut slots = JoinSet::new();
    slots.spawn_local(slot::work(first, runner.clone(), 1));
    for number in 2..=jobs {
        slots.spawn_local(one_more(manager.clone(), work.clone(), runner.clone(), number));
    }
    let ended = join(slots, &stop).await;
    guard.end();
    ended?;
    if work.closed.load(Ordering::Relaxed) {
        output::talk(format_args!("the manager at {} closed the connection", manager.address()));
    }
    Ok(exit_code(&stop))
}

/// The exit code of a worker without an error: only a stop that gave tasks back shows in it.
fn exit_code(stop: &Stop) -> ExitCode {
    let cold = stop.stage() >= Stage::Terminating;
    match stop.exit_code() {
        Some(code) if cold => ExitCode::from(code),
        _ => ExitCode::SUCCESS,
    }
}

/// Waits until a connection is up, but not once a stop has begun: a manager that hangs never
/// answers, and as long as no task was taken nothing is lost with the connection.
async fn unless_stopped<T>(stop: &Stop, opening: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = stop.reached(Stage::Draining) => None,
        opened = opening => Some(opened),
    }
}

/// Works in one more slot, unless the manager is gone by then: the first slots may have done all
/// there was to do.
async fn one_more(
    manager: Manager,
    work: Arc<Work>,
    runner: Arc<Runner>,
    number: usize,
) -> anyhow::Result<()> {
    let opening = ManagerLink::open(&manager, work.clone());
    match unless_stopped(&runner.stop, opening).await {
        None => Ok(()),
        Some(Ok(link)) => slot::work(link, runner, number).await,
        Some(Err(OpenError::Call(error))) if error.is_gone() => {
            work.closed.store(true, Ordering::Relaxed);
            Ok(())
        }
        Some(Err(error)) => Err(connect::failed(error)),
    }
}

/// Waits until every slot has ended. The first error is the worker's, once the others are done.
async fn join(mut slots: JoinSet<anyhow::Result<()>>, stop: &Stop) -> anyhow::Result<()> {
    let joined = async {
        let mut first = Ok(());
        while let Some(ended) = slots.join_next().await {
            let ended = ended.context("a slot panicked").flatten();
            if ended.is_err() {
                stop.go(Stage::Draining);
            }
            first = first.and(ended);
        }
        first
    };
    tokio::select! {
        joined = joined => joined,
        () = stop.should_be_over() => Err(stop::not_given_back()),
    }
}

fn announce(stage: Stage) {
    match stage {
        Stage::Draining => output::talk("no more tasks; waiting for running commands"),
        Stage::Terminating => output::talk("ending running commands and giving their tasks back"),
        Stage::Working | Stage::Killing | Stage::Abandoned => {}
    }
}
