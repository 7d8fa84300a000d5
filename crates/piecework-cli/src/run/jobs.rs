//! How many commands run at a time.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::thread::available_parallelism;

use anyhow::bail;
use rustix::process::{Resource, getrlimit};

/// The open files of one running command: both ends of the pipes that it writes to, the one of its
/// input, its handle, and the connection that its tasks come from.
const FILES_PER_JOB: u64 = 7;

/// The open files of a thread that has commands: its event loop, and what the one that it is
/// starting is given.
const FILES_PER_THREAD: u64 = 6;

/// The open files of everything else: standard streams, the event loop, the guard, the input.
const FILES_OTHER: u64 = 40;

/// More open files than this are not asked for, whatever the system allows.
const ALL_FILES_MAX: u64 = 4_096;

/// The argument of `-j`, as GNU parallel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jobs {
    /// So many.
    Count(usize),
    /// So many for each hundred cores.
    Percent(usize),
    /// So many more than there are cores, or fewer.
    Beside(isize),
    /// As many as the system lets one process have.
    All,
}

impl FromStr for Jobs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is no number of jobs; hint: 4, 50%, +1, -1, or 0 for all");
        let (sign, digits) = match text.as_bytes().first() {
            Some(b'+') => (1, text.get(1..)),
            Some(b'-') => (-1, text.get(1..)),
            _ => (0, Some(text)),
        };
        let digits = digits.ok_or_else(wrong)?;
        let (digits, is_percent) = match digits.strip_suffix('%') {
            Some(digits) => (digits, true),
            None => (digits, false),
        };
        let number: usize = digits.parse().map_err(|_| wrong())?;
        match (sign, is_percent, number) {
            (0, false, 0) => Ok(Self::All),
            (0, false, count) => Ok(Self::Count(count)),
            (0, true, percent) if percent > 0 => Ok(Self::Percent(percent)),
            (1 | -1, false, by) => {
                isize::try_from(by).map(|by| Self::Beside(sign * by)).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        }
    }
}

/// Returns the number of jobs, by default one for each core; one at least.
///
/// # Errors
/// If so many commands would need more open files than this process may have.
pub(crate) fn checked(jobs: Option<Jobs>) -> anyhow::Result<usize> {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    let allowed = getrlimit(Resource::Nofile).current;
    let threads_files = cores as u64 * FILES_PER_THREAD;
    let fit = |files: u64| {
        let jobs = files.saturating_sub(FILES_OTHER + threads_files) / FILES_PER_JOB;
        usize::try_from(jobs).unwrap_or(usize::MAX)
    };
    let jobs = match jobs {
        None => return Ok(cores.min(allowed.map_or(cores, fit)).max(1)),
        Some(Jobs::Count(count)) => count,
        Some(Jobs::Percent(percent)) => cores.saturating_mul(percent) / 100,
        Some(Jobs::Beside(by)) => cores.saturating_add_signed(by),
        Some(Jobs::All) => fit(allowed.unwrap_or(ALL_FILES_MAX).min(ALL_FILES_MAX)),
    };
    let jobs = jobs.max(1);
    match allowed {
        Some(allowed) if jobs > fit(allowed).max(1) => {
            let needed = (jobs as u64).saturating_mul(FILES_PER_JOB);
            let needed = needed.saturating_add(FILES_OTHER + threads_files);
            bail!(
                "{jobs} jobs need up to {needed} open files, and {allowed} are allowed\n\
                 hint: ulimit -n {needed}, or fewer jobs"
            )
        }
        _ => Ok(jobs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_counted_from_one() {
        for (text, jobs) in [
            ("1", Jobs::Count(1)),
            ("150%", Jobs::Percent(150)),
            ("+2", Jobs::Beside(2)),
            ("-1", Jobs::Beside(-1)),
            ("0", Jobs::All),
        ] {
            assert_eq!(text.parse(), Ok(jobs), "{text}");
        }
        for wrong in ["", "two", "1.5", "0%", "+5%", "--1", "+"] {
            assert!(wrong.parse::<Jobs>().is_err(), "{wrong}");
        }
        assert_eq!(checked(Some(Jobs::Beside(-1_000))).unwrap(), 1);
    }

    #[test]
    fn more_jobs_than_files_are_refused_at_once() {
        let error = checked(Some("1000000000".parse().unwrap())).unwrap_err().to_string();
        assert!(error.contains("open files") && error.contains("hint"), "{error}");
    }
}
