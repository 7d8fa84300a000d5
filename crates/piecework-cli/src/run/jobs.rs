//! How many commands run at a time.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::thread::available_parallelism;

use anyhow::bail;
use rustix::process::{Resource, getrlimit};

/// The open files of one running command: three pipes, its handle, and the connection that its
/// tasks come from.
const FILES_PER_JOB: u64 = 5;

/// The open files of everything else: standard streams, the event loop, the guard, the input, and
/// the other ends of the pipes of the one command that is just being started.
const FILES_OTHER: u64 = 40;

/// The argument of `-j`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Jobs(NonZeroUsize);

impl FromStr for Jobs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| "a whole number from 1 is needed".to_owned())
    }
}

/// Returns the number of jobs, by default one for each core.
///
/// # Errors
/// If so many commands would need more open files than this process may have.
pub(crate) fn checked(jobs: Option<Jobs>) -> anyhow::Result<usize> {
    let Some(Jobs(jobs)) = jobs else {
        return Ok(available_parallelism().map_or(1, NonZeroUsize::get));
    };
    let needed = (jobs.get() as u64).saturating_mul(FILES_PER_JOB).saturating_add(FILES_OTHER);
    match getrlimit(Resource::Nofile).current {
        Some(allowed) if needed > allowed => bail!(
            "{jobs} jobs need up to {needed} open files, and {allowed} are allowed\n\
             hint: ulimit -n {needed}, or fewer jobs"
        ),
        _ => Ok(jobs.get()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_counted_from_one() {
        assert!("1".parse::<Jobs>().is_ok());
        for wrong in ["0", "-1", "", "two", "1.5"] {
            assert!(wrong.parse::<Jobs>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn more_jobs_than_files_are_refused_at_once() {
        let error = checked(Some("1000000000".parse().unwrap())).unwrap_err().to_string();
        assert!(error.contains("open files") && error.contains("hint"), "{error}");
    }
}
