//! `pool`: how many tasks that do nothing go through a pool of two in a second: child processes of
//! piecework's and of Python's, and threads.

use std::hint::black_box;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use piecework::{Concurrency, Manager, Pool};
use rayon::ThreadPoolBuilder;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use tokio::runtime::Runtime;

use crate::subject::{Role, Subject, Tell, Unit, in_rounds, thousands};
use crate::words::Words;

/// Who works.
const WORKERS: usize = 2;

/// How many tasks, and how many where nobody wants the figures.
const TASKS: u64 = 100_000;
const TASKS_QUICK: u64 = 1_000;

/// As many run before: what is started for the first one is there then.
const TASKS_BEFORE: u64 = 100;

/// Python's side, as the benchmark of Python's systems has it; seen from the root of the tree.
const SCRIPT: &str = "tests/interop/scripts/bench_tasks.py";

#[piecework::task]
fn same(number: u64) -> u64 {
    number
}

/// Measures all in turn, round by round, and tells each figure.
pub(crate) fn run(words: &Words) -> io::Result<()> {
    let tasks = words.amount(TASKS, TASKS_QUICK);
    let what = format!("tasks/s of {}, {WORKERS} workers", thousands(tasks));
    let subject = |role, name: &str, take: Box<dyn Fn() -> io::Result<Duration>>| {
        let (what, name) = (what.clone(), name.to_owned());
        let measure = Box::new(move |tell: &mut Tell<'_>| {
            tell(&what, Unit::PerSecond, tasks as f64 / take()?.as_secs_f64())
        });
        Subject { role, name, measure }
    };
    let mut subjects = vec![subject(Role::Floor, "rayon", Box::new(move || threads(tasks)))];
    if let Some(python) = words.programs.get("python") {
        for (name, chunk) in [("Python one by one", "1"), ("Python in chunks", "")] {
            let python = python.clone();
            let take = move || in_python(&python, tasks, chunk);
            subjects.push(subject(Role::Peer, name, Box::new(take)));
        }
    }
    subjects.push(subject(Role::Own, "piecework", Box::new(move || children(tasks))));
    let take = Box::new(move || workers(tasks));
    subjects.push(subject(Role::Own, "piecework over workers", take));
    in_rounds(words.rounds, &subjects)
}

/// Threads share memory: nothing travels, and no task can take the others down with it.
fn threads(tasks: u64) -> io::Result<Duration> {
    let pool = ThreadPoolBuilder::new().num_threads(WORKERS).build().map_err(io::Error::other)?;
    let run = |tasks: u64| -> Vec<u64> {
        pool.install(|| (0..tasks).into_par_iter().map(|number| black_box(same(number))).collect())
    };
    run(TASKS_BEFORE);
    let began = Instant::now();
    let results = run(tasks);
    checked(&results, tasks, began.elapsed())
}

fn children(tasks: u64) -> io::Result<Duration> {
    Runtime::new()?.block_on(async {
        let pool = Pool::local(WORKERS);
        pool.map(same, 0..TASKS_BEFORE).await.map_err(io::Error::other)?;
        let began = Instant::now();
        let results = pool.map(same, 0..tasks).await.map_err(io::Error::other)?;
        let took = began.elapsed();
        pool.close();
        pool.join().await;
        checked(&results, tasks, took)
    })
}

/// A worker with as many child processes, and a manager between it and the pool: in the same
/// process, which is what they would be as programs of their own but for the sockets.
fn workers(tasks: u64) -> io::Result<Duration> {
    Runtime::new()?.block_on(async {
        let manager = Manager::local().await.map_err(io::Error::other)?;
        let worker = manager.worker("task").concurrency(Concurrency::Processes(WORKERS));
        let working = tokio::spawn(worker.run());
        let pool = Pool::options().over(&manager, "task").await.map_err(io::Error::other)?;
        pool.map(same, 0..TASKS_BEFORE).await.map_err(io::Error::other)?;
        let began = Instant::now();
        let results = pool.map(same, 0..tasks).await.map_err(io::Error::other)?;
        let took = began.elapsed();
        working.abort();
        checked(&results, tasks, took)
    })
}

/// `multiprocessing.Pool.map`, which tells its seconds in its last line.
fn in_python(python: &Path, tasks: u64, chunk: &str) -> io::Result<Duration> {
    let (workers, before, tasks) =
        (WORKERS.to_string(), TASKS_BEFORE.to_string(), tasks.to_string());
    let output = Command::new(python)
        .env("PYTHONDONTWRITEBYTECODE", "1") // it would be litter in the tree
        .args([SCRIPT, "map", &workers, &before, &tasks, chunk])
        .output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    let seconds = told.lines().last().and_then(|line| line.parse().ok());
    let seconds = seconds.filter(|_| output.status.success()).ok_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        io::Error::other(format!("{SCRIPT}: {}: {}", output.status, said.trim_end()))
    })?;
    Ok(Duration::from_secs_f64(seconds))
}

fn checked(results: &[u64], tasks: u64, took: Duration) -> io::Result<Duration> {
    match results.iter().copied().eq(0..tasks) {
        true => Ok(took),
        false => Err(io::Error::other(format!("not the results of {tasks} tasks"))),
    }
}
