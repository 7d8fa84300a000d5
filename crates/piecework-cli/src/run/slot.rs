//! One slot: takes a task, runs the command for it, settles it, and so on.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use piecework::command::{Command, CommandError, Part, Parts, Running};
use tokio::time::{Instant, interval_at};

use super::guard::{Guard, RUN_ID_VARIABLE};
use super::link::{Link, Outcome, Ran, Task};
use super::notes::Doing;
use super::stop::{Stage, Stop};
use crate::template::Given;

/// What all slots of a process have in common.
#[derive(Debug)]
pub(crate) struct Runner {
    /// What ends the commands if this process is killed.
    pub(crate) guard: Arc<Guard>,
    /// How far a stop has gone.
    pub(crate) stop: Stop,
    /// What the slots do.
    pub(crate) doing: Arc<Doing>,
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
        let _busy = runner.doing.begin(number, &task.recipe.run_id, task.piece.seq);
        let started = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64();
        let mut ran = Ran { slot: number, started, handed_on: 0 };
        let outcome = runner.run(&mut link, &task, &mut ran).await;
        link.settle(task, outcome.unwrap_or_else(Outcome::Failed), ran).await?;
    }
    link.close().await;
    Ok(())
}

impl Runner {
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
    async fn run<L: Link>(
        &self,
        link: &mut L,
        task: &Task,
        ran: &mut Ran,
    ) -> Result<Outcome, CommandError> {
        let mut running = self.command(task, ran.slot).spawn()?;
        let group = running.group();
        let _watched = self.guard.watch(ran.slot, group);
        let hands_on = task.recipe.hands_on;
        let stopped = hands_on && self.follow(link, task, &mut running, ran).await?;
        let mut end = pin!(running.finish());
        if !stopped {
            tokio::select! {
                output = &mut end => return output.map(Outcome::Ended),
                () = self.stop.reached(Stage::Terminating) => {}
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

    /// Hands on what a running command writes, until its end, or until something is to end it: then
    /// it returns true.
    async fn follow<L: Link>(
        &self,
        link: &mut L,
        task: &Task,
        running: &mut Running,
        ran: &mut Ran,
    ) -> Result<bool, CommandError> {
        let parts = Parts { lines: task.recipe.lines, bytes_max: PART_BYTES_MAX };
        let mut tick = interval_at(Instant::now() + WANTED_PERIOD, WANTED_PERIOD);
        loop {
            let (is_stderr, bytes) = tokio::select! {
                part = running.part(parts) => match part? {
                    None => return Ok(false),
                    Some(Part::Stdout(bytes)) => (false, bytes),
                    Some(Part::Stderr(bytes)) => (true, bytes),
                },
                () = self.stop.reached(Stage::Terminating) => return Ok(true),
                // Asked to the end: an answer that is given up would end the connection.
                _ = tick.tick() => match link.is_wanted(task).await {
                    true => continue,
                    false => return Ok(true),
                },
            };
            ran.handed_on += bytes.len() as u64;
            // A manager that is gone is met again when the task is settled.
            if let Err(error) = link.hand_on(task, is_stderr, bytes).await {
                tracing::debug!(%error, "output is lost");
            }
        }
    }
}
