//! One slot: takes a task, runs the command for it, settles it, and so on.

use std::pin::pin;
use std::sync::Arc;
use std::time::SystemTime;

use piecework::command::{Command, CommandError};

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

/// Works in slot `number` until there is no more work, or until a stop.
pub(crate) async fn work<L: Link>(
    mut link: L,
    runner: Arc<Runner>,
    number: usize,
) -> anyhow::Result<()> {
    while let Some(task) = link.take(&runner.stop).await? {
        runner.guard.start()?;
        link.started(&task).await?;
        let started = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64();
        let outcome = runner.run(&task, number).await;
        let ran = Ran { slot: number, started, handed_on: 0 };
        link.settle(task, outcome, ran).await?;
    }
    link.close().await;
    Ok(())
}

impl Runner {
    async fn run(&self, task: &Task, slot: usize) -> Outcome {
        match self.run_command(self.command(task, slot), slot).await {
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
    async fn run_command(&self, command: Command, slot: usize) -> Result<Outcome, CommandError> {
        let running = command.spawn()?;
        let group = running.group();
        let _watched = self.guard.watch(slot, group);
        let mut end = pin!(running.finish());
        tokio::select! {
            output = &mut end => return Ok(Outcome::Ended(output?)),
            () = self.stop.reached(Stage::Terminating) => group.terminate(),
        }
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
