//! One slot: takes a task, runs the command for it, settles it, and so on.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use piecework::command::{Command, CommandError, Part, Parts};
use tokio::sync::Mutex;
use tokio::time::{Instant, interval_at};

use super::guard::{Guard, RUN_ID_VARIABLE};
use super::link::{Link, Outcome, Ran, Task};
use super::stop::{Stage, Stop};
use crate::template::Given;

/// What all slots of a process have in common.
#[derive(Debug)]
pub(crate) struct Runner {
    /// What ends the commands if this process is killed.
    pub(crate) guard: Arc<Guard>,
    /// How far a stop has gone.
    pub(crate) stop: Stop,
}

/// More output than this is handed on while a command runs, so that no output is too much.
const PART_BYTES_MAX: usize = 1 << 20;

/// How often it is asked whether anybody still wants the result of a command that runs.
const WANTED_PERIOD: Duration = Duration::from_secs(1);

/// Works in slot `number` until there is no more work, or until a stop.
pub(crate) async fn work<L: Link>(
    mut link: L,
    runner: Arc<Runner>,
    number: usize,
) -> anyhow::Result<()> {
    while let Some(task) = link.take(&runner.stop).await? {
        runner.guard.start()?;
        if !link.started(&task).await? {
            continue;
        }
        let started = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64();
        let job = Job { task: &task, link: Mutex::new(&mut link), handed_on: AtomicU64::new(0) };
        let outcome = runner.run(&job, number).await;
        let ran = Ran { slot: number, started, handed_on: job.handed_on.into_inner() };
        link.settle(task, outcome, ran).await?;
    }
    link.close().await;
    Ok(())
}

/// A task that is run, and what it needs of its link meanwhile.
struct Job<'a, L> {
    task: &'a Task,
    link: Mutex<&'a mut L>,
    /// Bytes of output.
    handed_on: AtomicU64,
}

impl<L: Link> Job<'_, L> {
    async fn hand_on(&self, part: Part) {
        let (is_stderr, bytes) = match part {
            Part::Stdout(bytes) => (false, bytes),
            Part::Stderr(bytes) => (true, bytes),
        };
        self.handed_on.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        // A manager that is gone is met again when the task is settled.
        if let Err(error) = self.link.lock().await.hand_on(self.task, is_stderr, bytes).await {
            tracing::debug!(%error, "output is lost");
        }
    }

    async fn is_wanted(&self) -> bool {
        self.link.lock().await.is_wanted(self.task).await
    }
}

impl Runner {
    async fn run<L: Link>(&self, job: &Job<'_, L>, slot: usize) -> Outcome {
        match self.run_command(job, slot).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Failed(error),
        }
    }

    fn command(&self, task: &Task, slot: usize) -> Command {
        let Task { piece, recipe, .. } = task;
        let argument = piece.args.join(&b' ');
        let command = match recipe.given {
            Given::AsArgument => recipe.template.command(&argument),
            Given::OnStdin => recipe.template.command(b"").input(argument),
        };
        let command = match recipe.stderr_bytes_max {
            Some(bytes_max) => command.stderr_bytes_max(bytes_max),
            None => command,
        };
        command
            .env("PIECEWORK_SEQ", piece.seq.to_string())
            .env("PIECEWORK_SLOT", slot.to_string())
            .env("PIECEWORK_TASK_ID", task.id.to_string())
            .env("PIECEWORK_ATTEMPT", task.attempt.to_string())
            .env(RUN_ID_VARIABLE, self.guard.run_id())
    }

    /// Runs the command to its end, or to the end that a stop brings it.
    async fn run_command<L: Link>(
        &self,
        job: &Job<'_, L>,
        slot: usize,
    ) -> Result<Outcome, CommandError> {
        let recipe = &job.task.recipe;
        let running = self.command(job.task, slot).spawn()?;
        let group = running.group();
        let _watched = self.guard.watch(slot, group);
        let mut end = pin!(async {
            if !recipe.hands_on {
                return running.finish().await;
            }
            let parts = Parts { lines: recipe.lines, bytes_max: PART_BYTES_MAX };
            running.finish_in_parts(parts, async |part| job.hand_on(part).await).await
        });
        let mut tick = interval_at(Instant::now() + WANTED_PERIOD, WANTED_PERIOD);
        loop {
            tokio::select! {
                output = &mut end => return Ok(Outcome::Ended(output?)),
                () = self.stop.reached(Stage::Terminating) => break,
                // Not given up when the command ends meanwhile: that would end the connection.
                _ = tick.tick(), if recipe.hands_on => if !job.is_wanted().await { break },
            }
        }
        group.terminate();
        tokio::select! {
            _ = &mut end => {}
            () = self.stop.reached(Stage::Killing) => {
                group.kill();
                let _ = end.await;
            }
        }
        group.kill(); // what the command had started and did not end with it
        Ok(Outcome::Stopped)
    }
}
