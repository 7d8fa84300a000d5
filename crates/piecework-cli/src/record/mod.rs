//! What stays of a run: the job log, the results, and what a later run reads from them.
//!
//! ```text
//!                    ┌─▶ results: folders, a table, or lines of JSON
//!  a task has ended ─┤
//!                    └─▶ job log ──▶ a later run: what is done, what failed
//! ```
//!
//! The results of a task are written before its line in the job log, so that a task with a line
//! has left everything. A run that is killed between the two runs that task again.

mod args;
mod base64;
mod file;
mod folders;
mod job_log;
mod json_lines;
mod log_lines;
mod results;
mod resume;
mod stream;
mod table;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use args::RecordArgs;
pub(crate) use folders::Filler;
pub(crate) use job_log::went_well;
pub(crate) use resume::{Done, Failed};
pub(crate) use stream::Written;

use self::job_log::JobLog;
use self::results::Results;
use crate::run::piece::Finished;

/// The records of a run.
#[derive(Debug)]
pub(crate) struct Records {
    log: Option<JobLog>,
    results: Option<Results>,
}

impl Records {
    /// Records the last word on a task. All of it is with the system on return.
    ///
    /// # Errors
    /// If it cannot be written: there is no use in going on.
    pub(crate) fn finished(
        &mut self,
        finished: &Finished,
        command: &[u8],
        written: &mut Written<'_>,
    ) -> anyhow::Result<()> {
        if let Some(results) = &mut self.results {
            results.add(finished, command, written)?;
        }
        if let Some(log) = &mut self.log {
            log.add(finished, command)?;
        }
        Ok(())
    }
}
