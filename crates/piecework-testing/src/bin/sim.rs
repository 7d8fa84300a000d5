//! Lives many simulated lives, or tells the story of one: `cargo xtask sim` builds it and runs it.

use piecework_testing::sim::{self, Counts, Failure};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Enough to see each kind of planted defect many times over.
const SEEDS: u64 = 20_000;

fn main() -> ExitCode {
    // What does not hold is told below, with its seed; by itself each panic would be told at once.
    std::panic::set_hook(Box::new(|_| {}));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match std::env::var("SEED") {
        Ok(seed) => number("SEED", &seed).and_then(|seed| tell(seed, &arguments)),
        Err(_) => run(&arguments),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say(&format!("error: {message}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the one place of the simulator that prints")]
fn say(text: &str) {
    eprintln!("{text}");
}

fn number(name: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{name} is `{text}`, and should be a whole number"))
}

/// Tells the story of one life: the whole of it, or what is left of a failure.
fn tell(seed: u64, arguments: &[&str]) -> Result<(), String> {
    match sim::live(seed) {
        Err(failure) if arguments != ["--whole"] => {
            report(*failure);
            Err(format!("seed {seed} fails; its whole story: SEED={seed} cargo xtask sim --whole"))
        }
        _ => {
            let (lines, failed) = sim::trace(seed);
            lines.iter().for_each(|line| say(line));
            failed.map_or(Ok(()), |what| Err(format!("seed {seed} fails: {what}")))
        }
    }
}

/// Shrinks a failure, and tells what is left.
fn report(failure: Failure) {
    let (programs, faults, steps) = failure.size();
    let small = sim::shrink(failure);
    small.trace.iter().for_each(|line| say(line));
    let (few, fewer, short) = small.size();
    say(&format!(
        "\n{}\n\nshrunk to {few} of {programs} programs, {fewer} of {faults} faults, \
         {short} of {steps} steps",
        small.what
    ));
}

/// Lives many lives, on all cores.
fn run(arguments: &[&str]) -> Result<(), String> {
    let (mut seeds, mut from) = (SEEDS, 1);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = |next: Option<&&str>| number(word, next.copied().unwrap_or_default());
        match *word {
            "--seeds" => seeds = value(words.next())?,
            "--from" => from = value(words.next())?,
            other => {
                return Err(format!("unknown word `{other}`: there are --seeds N and --from S"));
            }
        }
    }
    let begin = Instant::now();
    let (counts, failure, lived) = live_all(from, seeds);
    let seconds = begin.elapsed().as_secs_f64();
    for (what, count) in &counts {
        say(&format!("{count:>12}  {what}"));
    }
    say(&format!("{lived} lives in {seconds:.1} s: {:.0} a second", lived as f64 / seconds));
    match failure {
        None => Ok(()),
        Some(failure) => {
            let seed = failure.seed;
            report(failure);
            Err(format!("after {lived} lives, seed {seed} fails: SEED={seed} cargo xtask sim"))
        }
    }
}

/// Lives so many lives from this seed on, until one fails.
fn live_all(from: u64, seeds: u64) -> (Counts, Option<Failure>, u64) {
    let (next, lived) = (AtomicU64::new(from), AtomicU64::new(0));
    let failed = AtomicBool::new(false);
    let results = Mutex::new((Counts::new(), None::<Failure>));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let mut counts = Counts::new();
                while !failed.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds {
                        break;
                    }
                    lived.fetch_add(1, Ordering::Relaxed);
                    match sim::live(seed) {
                        Ok(life) => add(&mut counts, life),
                        Err(failure) => {
                            failed.store(true, Ordering::Relaxed);
                            let mut results = results.lock().expect("nobody panics with it");
                            // Cores are not equally fast: the first seed is the one to be told.
                            if results.1.as_ref().is_none_or(|other| seed < other.seed) {
                                results.1 = Some(*failure);
                            }
                        }
                    }
                }
                add(&mut results.lock().expect("nobody panics with it").0, counts);
            });
        }
    });
    let (counts, failure) = results.into_inner().expect("nobody panics with it");
    (counts, failure, lived.into_inner())
}

fn add(counts: &mut Counts, more: Counts) {
    for (what, count) in more {
        *counts.entry(what).or_default() += count;
    }
}
