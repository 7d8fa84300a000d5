//! Runs a bout from its options, and says how it went.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::books::{Balance, Books};
use super::bout::{Bout, Counts, Outcome};
use super::cast::Stage;
use super::logs::wrong_lines;
use super::proxy::Proxy;
use super::schedule::Schedule;
use crate::python::Python;
use crate::server::binary;

/// So many names of what is wrong are printed; all of them are in the files.
const NAMES_MAX: usize = 10;

/// What a bout is like.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long blows fall.
    pub lasts: Duration,
    /// What they follow from.
    pub seed: u64,
    /// The time between two of them, on average.
    pub pause: Duration,
    /// Where the Python programs are.
    pub programs: PathBuf,
    /// Whether logs and records are kept even if all is well.
    pub keep: bool,
}

/// Runs a bout and prints its figures; `false` if anything was lost, doubled or left over.
///
/// # Errors
///
/// When it cannot be run: no binary, no Python, no `/proc`.
pub fn run(options: &Options, out: &mut dyn Write) -> io::Result<bool> {
    if !Path::new("/proc/self/environ").exists() {
        return Err(io::Error::other(
            "no /proc here, by which processes are found; run it on Linux",
        ));
    }
    let pythons = Python::find_all()?;
    let folder = tempfile::Builder::new().prefix("piecework-torture-").tempdir()?;
    let manager = free_address()?;
    let proxy = Proxy::start(manager)?;
    let stage = Stage {
        binary: std::path::absolute(binary()?)?,
        pythons: pythons.iter().map(executable).collect::<io::Result<_>>()?,
        programs: std::path::absolute(&options.programs)?,
        folder: folder.path().to_owned(),
        manager,
        proxy: proxy.address(),
        seed: options.seed,
        mark: mark(),
    };
    stage.prepare()?;
    let versions: Vec<_> = pythons.iter().map(Python::version).collect();
    let (seed, minutes) = (options.seed, options.lasts.as_secs_f64() / 60.0);
    writeln!(out, "torture: seed {seed}, {minutes} minutes, Python {}", versions.join(", "))?;
    writeln!(out, "files: {}", folder.path().display())?;
    let outcome = bout(&stage, proxy, options, out);
    let well = outcome.and_then(|outcome| report(&outcome, &stage, out));
    if options.keep || !matches!(well, Ok(true)) {
        let kept = folder.keep();
        writeln!(out, "seed {seed}; logs, records and the manager's data: {}", kept.display())?;
    }
    well
}

fn bout(
    stage: &Stage,
    proxy: Proxy,
    options: &Options,
    out: &mut dyn Write,
) -> io::Result<Outcome> {
    let mut bout = Bout::start(stage, proxy, out)?;
    bout.strike_for(options.lasts, Schedule::new(options.seed, options.pause))?;
    bout.drain()
}

/// A port that is free at an address of loopback which nobody else's connections come from. On
/// 127.0.0.1, while the manager is down, a client could be given the manager's own port as its own:
/// it would then talk to itself, and keep the manager from coming back.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.2:0")?.local_addr()
}

/// The program itself, which may have been found by a script that starts it: a kill is to hit one
/// process that is Python.
fn executable(python: &Python) -> io::Result<PathBuf> {
    let output = python.run("import sys; print(sys.executable)", &[])?;
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end()))
}

/// What tells the processes of this bout from all others.
fn mark() -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    format!("{}-{now:x}", std::process::id())
}

/// Prints the figures; whether all is well.
fn report(outcome: &Outcome, stage: &Stage, out: &mut dyn Write) -> io::Result<bool> {
    let books = Books::read(&stage.records())?;
    let balance = books.balance();
    let (tasks, results) = (books.confirmed(), books.results());
    writeln!(
        out,
        "tasks       {tasks:>6}  confirmed, of which {} after a reply was lost",
        books.known
    )?;
    writeln!(
        out,
        "results     {results:>6}  recorded, and {} delivered again after a kill",
        books.redelivered
    )?;
    writeln!(out, "kills       {:>6}", outcome.tally.kills())?;
    writeln!(out, "{}", outcome.tally)?;
    let restarts: Vec<_> =
        outcome.restarts.iter().map(|(target, count)| format!("{target} {count}")).collect();
    let sum: usize = outcome.restarts.values().sum();
    writeln!(out, "restarts    {sum:>6}  {}", restarts.join(", "))?;
    let mut wrongs = wrongs(outcome, &books, &balance);
    wrongs.push(("errors in logs", wrong_lines(&stage.logs())?));
    for (what, names) in &wrongs {
        writeln!(out, "{what:<40} {}", names.len())?;
        for name in names.iter().take(NAMES_MAX) {
            writeln!(out, "    {name}")?;
        }
    }
    Ok(tasks > 0 && wrongs.iter().all(|(_, names)| names.is_empty()))
}

fn in_words(counts: &Counts) -> String {
    let [ready, delayed, leased, dead] = counts.items;
    format!("{}: {ready} ready, {delayed} delayed, {leased} leased, {dead} dead", counts.queue)
}

/// Everything that must not be, each kind with what there is of it.
fn wrongs(outcome: &Outcome, books: &Books, balance: &Balance) -> Vec<(&'static str, Vec<String>)> {
    let with_id = |results: &[(u64, String)]| {
        results.iter().map(|(id, result)| format!("item {id}: {result}")).collect()
    };
    let left = match &outcome.counts {
        Some(counts) => counts.iter().filter(|counts| !counts.are_zero()).map(in_words).collect(),
        None => vec!["unknown: the masters did not end, or the manager does not answer".to_owned()],
    };
    let ends = outcome.tally.unexpected.iter();
    vec![
        ("lost", balance.lost.clone()),
        ("duplicates", with_id(&balance.duplicates)),
        ("results of no task, or wrong", with_id(&balance.strange)),
        ("tasks never confirmed", balance.unconfirmed.clone()),
        ("new keys taken for known ones", books.refused.iter().cloned().collect()),
        ("ids given to two items", books.ids_reused.iter().map(u64::to_string).collect()),
        ("queues that did not drain", left),
        ("unexpected", ends.map(|(end, count)| format!("{end} ({count} times)")).collect()),
        ("leftover processes", outcome.leftover.clone()),
    ]
}
