//! The tasks of this repository, one file each; `cargo xtask` alone lists them.

mod bench;
mod check;
mod fuzz;
mod golden;
mod interop;
mod pictures;
mod python;
mod sim;
mod step;
mod test;
mod torture;

use std::process::ExitCode;

use step::{Outcome, say};

const USAGE: &str = "\
usage: cargo xtask TASK

  check [--full]         what a reviewer runs: format, lints, tidy rules, documentation
                         (--full also installs and runs cargo-deny and typos)
  test                   everything: check, unit and socket tests, doctests, interop, torture,
                         fuzz; of benchmarks only that they run
  interop [PYTEST-ARGS]  real Python interpreters against the built server
  bench                  every benchmark there is, in release mode (with the words below, all
                         that compare piecework with others)
  bench commands [--rounds N] [--write] | --quick
                         what a command costs under map, xargs and GNU parallel
  bench core|durable [--rounds N] [--write] | --quick
                         put, get and ack in memory, and on disk: piecework, CPython's manager,
                         beanstalkd, Redis and JetStream
  bench stock [--rounds N] [--write] | --quick
                         what Python's own clients see of CPython's server and of piecework
  bench python [--rounds N] [--write] | --quick
                         tasks through Pool, joblib, dask, Celery, CPython's manager, piecework
                         (--write puts the figures into docs/benchmarks.md)
  bench latency|memory|growth [--rounds N] [--write] | --quick
                         how soon a getter that waits has what is put; what servers take for an
                         item and for an idle client; piecework with more items, queues, getters
  bench pool [--rounds N] [--write] | --quick
                         tasks that do nothing through the Rust crate's Pool, multiprocessing.Pool
                         and rayon's threads
  fuzz [TARGET] [--seconds N] [--differential]
                         made-up bytes against every reader of a peer's bytes, or one of them,
                         60 seconds each (--differential has each Python read what was found)
  sim [--seeds N] [--from S]
                         simulated lives of a manager and its clients, 20,000 unless told
                         otherwise, each from a seed (SEED=N tells the story of one, --whole all
                         of it, else what is left when it fails and is shrunk)
  golden                 captures the wire's golden frames anew, from each Python found
  pictures               draws the pictures of the documentation anew
  torture [--minutes N] [--seed S] [--pause MILLISECONDS] [--keep]
                         kills a real manager, masters and workers again and again, for two
                         minutes, and sees that each task has its one result";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say(&format!("error: {message}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Outcome {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["check"] => check::run(check::Extent::Quick),
        ["check", "--full"] => check::run(check::Extent::Full),
        ["test"] => test::run(),
        ["interop", pytest_arguments @ ..] => interop::run(pytest_arguments),
        ["bench", words @ ..] => bench::run(words),
        ["fuzz", words @ ..] => fuzz::run(words),
        ["sim", words @ ..] => sim::run(words),
        ["golden"] => golden::run(),
        ["pictures"] => pictures::run(),
        ["torture", words @ ..] => torture::run(words),
        [] | ["help" | "-h" | "--help"] => {
            say(USAGE);
            Ok(())
        }
        unknown => Err(format!("unknown task `{}`\n\n{USAGE}", unknown.join(" "))),
    }
}
