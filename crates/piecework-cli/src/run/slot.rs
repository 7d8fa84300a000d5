//! One slot: takes a task, runs the command for it, settles it, and so on.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use piecework::command::{Command, CommandError, Output, Part, Parts, Running};
use tokio::time::{Instant, interval_at};

use super::files::{self, Folder};
use super::guard::{GUARD_VARIABLE, Guard};
use super::link::{Link, Outcome, Ran, Task};
use super::notes::Doing;
use super::recipe::Recipe;
use super::remote;
use super::stop::{Stage, Stop};
use super::timeout::Timeouts;
use crate::output;

/// What all slots of a process have in common.
#[derive(Debug)]
pub(crate) struct Runner {
    /// What ends the commands if this process is killed.
    pub(crate) guard: Arc<Guard>,
    /// How far a stop has gone.
    pub(crate) stop: Stop,
    /// What the slots do.
    pub(crate) doing: Arc<Doing>,
    /// What tells this worker from others, for the commands.
    pub(crate) worker_id: String,
}

/// Why a command that runs is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum MustEnd {
    /// This process stops, or nobody wants the result any more.
    Stop,
    /// Its time is up.
    Timeout,
    /// Its output is not taken, for this reason.
    Refused(String),
}

/// More output than this is handed on while a command runs, so that no output is too much. A
/// manager holds a few such parts of a run.
const PART_BYTES_MAX: usize = 512 << 10;

/// How often it is asked whether anybody still wants the result of a command that runs; what runs
/// under a lease says so by that.
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
        let may_begin = runner.pass_gate(&mut link, &task).await;
        let mut ran = Ran::begin(number);
        let outcome = match may_begin {
            true => runner.run(&mut link, &task, &mut ran).await,
            false => Ok(Outcome::Stopped),
        };
        link.settle(task, outcome.unwrap_or_else(Outcome::Failed), ran).await?;
    }
    link.close().await;
    Ok(())
}

impl Runner {
    /// Waits until a command may start here; false if it need not any more.
    async fn pass_gate<L: Link>(&self, link: &mut L, task: &Task) -> bool {
        if let Some(gate) = &task.recipe.gate {
            let mut opens = pin!(gate.open(&self.stop, |missing| output::talk(missing)));
            let mut tick = interval_at(Instant::now() + WANTED_PERIOD, WANTED_PERIOD);
            loop {
                tokio::select! {
                    () = &mut opens => break,
                    _ = tick.tick() => if !link.is_wanted(task).await { return false },
                }
            }
        }
        self.stop.stage() == Stage::Working
    }

    fn command(&self, task: &Task, slot: usize, folder: &Folder) -> Command {
        let (seq, slot_text) = (task.piece.seq.to_string(), slot.to_string());
        let mut command = task.recipe.command(&task.piece, slot, folder);
        if let Some(limit) = task.recipe.timeouts.as_ref().and_then(Timeouts::limit) {
            let deadline = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default() + limit;
            command = command.env("PIECEWORK_DEADLINE", deadline.as_secs_f64().to_string());
        }
        if let Folder::Own(own) = folder {
            command = command.env("PIECEWORK_TASK_DIR", own.path());
        }
        // What scripts for GNU parallel look for.
        let command = command.env("PARALLEL_SEQ", &seq).env("PARALLEL_JOBSLOT", &slot_text);
        command
            .env("PIECEWORK_SEQ", seq)
            .env("PIECEWORK_SLOT", slot_text)
            .env("PIECEWORK_TASK_ID", task.id.to_string())
            .env("PIECEWORK_ATTEMPT", task.attempt.to_string())
            .env("PIECEWORK_WORKER_ID", &self.worker_id)
            .env("PIECEWORK_RUN_ID", &task.recipe.run_id)
            .env(GUARD_VARIABLE, self.guard.run_id())
    }

    /// Runs a task where its files are, and takes those along that go back.
    async fn run<L: Link>(
        &self,
        link: &mut L,
        task: &Task,
        ran: &mut Ran,
    ) -> Result<Outcome, String> {
        let folder = task.recipe.folder().map_err(|error| format!("{error:#}"))?;
        let Some(brought) = &task.files else {
            return self.run_in(&folder, link, task, ran).await.map_err(|error| error.to_string());
        };
        files::write_all(brought, folder.path()).map_err(|error| format!("{error:#}"))?;
        let outcome = self.run_in(&folder, link, task, ran).await;
        let returned = task.recipe.returns(&task.piece, ran.slot);
        let mut outcome = outcome.map_err(|error| error.to_string());
        if let Ok(Outcome::Ended(output)) = &mut outcome {
            for path in &returned {
                match files::read_all(std::slice::from_ref(path), folder.path()) {
                    Ok(files) => ran.files.extend(files),
                    Err(error) => output.stderr.extend(format!("{error:#}\n").bytes()),
                }
            }
        }
        if task.recipe.cleanup {
            files::clean(&returned, folder.path());
            let brought: Vec<_> = brought.iter().map(|file| file.path.clone()).collect();
            files::clean(&brought, folder.path());
        }
        outcome
    }

    /// Runs the command to its end, or to the end that a stop brings it.
    async fn run_in<L: Link>(
        &self,
        folder: &Folder,
        link: &mut L,
        task: &Task,
        ran: &mut Ran,
    ) -> Result<Outcome, CommandError> {
        let mut running = self.command(task, ran.slot, folder).spawn()?;
        let group = running.group();
        let _watched = self.guard.watch(ran.slot, group);
        let recipe = &task.recipe;
        let followed = match recipe.hands_on {
            true => self.follow(link, task, &mut running, ran).await?,
            false => None,
        };
        let mut end = pin!(running.finish());
        let why = match followed {
            Some(why) => why,
            None => {
                let mut tick = interval_at(Instant::now() + WANTED_PERIOD, WANTED_PERIOD);
                loop {
                    tokio::select! {
                        biased; // what has ended is not stopped
                        output = &mut end => return output.map(|it| self.ended(recipe, it)),
                        why = self.must_end(recipe, ran) => break why,
                        _ = tick.tick() => if !self.is_wanted(link, task).await {
                            break MustEnd::Stop;
                        },
                    }
                }
            }
        };
        // What has ended is not stopped, though this process may be yet to hear of it.
        let had_ended = !group.is_alive();
        let output = tokio::select! {
            output = recipe.term_seq.run(group, &mut end) => output,
            () = self.stop.reached(Stage::Killing) => {
                group.kill();
                end.await
            }
        };
        group.kill(); // what the command had started and did not end with it
        match why {
            MustEnd::Refused(why) => Ok(Outcome::Failed(why)),
            MustEnd::Stop | MustEnd::Timeout if had_ended => {
                output.map(|output| self.ended(recipe, output))
            }
            MustEnd::Stop => Ok(Outcome::Stopped),
            MustEnd::Timeout => Ok(Outcome::Ended(Output { timed_out: true, ..output? })),
        }
    }

    fn ended(&self, recipe: &Recipe, output: Output) -> Outcome {
        if let Some(timeouts) = &recipe.timeouts
            && output.end.is_success()
        {
            timeouts.ended(output.duration);
        }
        Outcome::Ended(output)
    }

    /// Returns when a running command has to be ended, and why.
    async fn must_end(&self, recipe: &Recipe, ran: &Ran) -> MustEnd {
        let expired = async {
            match &recipe.timeouts {
                Some(timeouts) => timeouts.expired(ran.began).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.stop.reached(Stage::Terminating) => MustEnd::Stop,
            () = expired => MustEnd::Timeout,
        }
    }

    /// Hands on what a running command writes, until its end, or until it has to be ended: then it
    /// returns why.
    async fn follow<L: Link>(
        &self,
        link: &mut L,
        task: &Task,
        running: &mut Running,
        ran: &mut Ran,
    ) -> Result<Option<MustEnd>, CommandError> {
        let parts = Parts { lines: task.recipe.lines, bytes_max: PART_BYTES_MAX };
        let mut tick = interval_at(Instant::now() + WANTED_PERIOD, WANTED_PERIOD);
        loop {
            if self.stop.stage() >= Stage::Killing {
                return Ok(Some(MustEnd::Stop)); // however much there still is to read
            }
            let (is_stderr, bytes) = tokio::select! {
                biased; // a command that ends in time has not timed out
                part = running.part(parts) => match part? {
                    None => return Ok(None),
                    Some(Part::Stdout(bytes)) => (false, bytes),
                    Some(Part::Stderr(bytes)) => (true, bytes),
                },
                why = self.must_end(&task.recipe, ran) => return Ok(Some(why)),
                _ = tick.tick() => match self.is_wanted(link, task).await {
                    true => continue,
                    false => return Ok(Some(MustEnd::Stop)),
                },
            };
            if !is_stderr {
                ran.handed_on += bytes.len() as u64;
            }
            let begun = Instant::now();
            match self.unless_killing(link.hand_on(task, is_stderr, bytes, &self.stop)).await {
                // The time that our own reader takes is not the command's.
                Some(Ok(true)) => ran.began += begun.elapsed(),
                Some(Err(error)) if !remote::is_end(&error) => {
                    let why = format!("its output was not taken: {error:#}");
                    return Ok(Some(MustEnd::Refused(why)));
                }
                // A manager that is gone is met again when the task is settled.
                Some(Err(_) | Ok(false)) | None => return Ok(Some(MustEnd::Stop)),
            }
        }
    }

    /// Whether to go on. Asked to the end: an answer that is given up would end the connection.
    async fn is_wanted<L: Link>(&self, link: &mut L, task: &Task) -> bool {
        self.unless_killing(link.is_wanted(task)).await.unwrap_or(false)
    }

    /// Waits for the manager, but not once commands are killed: one that is cut off may answer no
    /// more.
    async fn unless_killing<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            answer = answer => Some(answer),
            () = self.stop.reached(Stage::Killing) => None,
        }
    }
}
