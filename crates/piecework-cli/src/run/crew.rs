//! A worker for the runs of a manager: `piecework worker HOST --exec`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use piecework::Manager;
use tokio::task::{JoinSet, spawn_local};

use super::guard::Guard;
use super::here;
use super::notes::{self, Doing, Note};
use super::order_link::{OrderLink, Place};
use super::recipe::Recipes;
use super::remote;
use super::slot::{self, Runner};
use super::stop::{self, Stage, Stop};
use crate::authkey::AuthkeyArgs;
use crate::{connect, output};

/// Works for whichever runs the manager has, until it ends or a stop.
///
/// # Errors
/// If the manager cannot be reached, or is a stock Python one.
pub(crate) async fn run(
    address: &str,
    authkey: &AuthkeyArgs,
    jobs: usize,
) -> anyhow::Result<ExitCode> {
    let key = authkey.require()?.key;
    let stop = Stop::on_signals(announce)?;
    let manager = tokio::select! {
        manager = Manager::connect(address, key) => manager.map_err(connect::failed)?,
        () = stop.reached(Stage::Draining) => {
            return Ok(ExitCode::from(stop.exit_code().unwrap_or_default()));
        }
    };
    let host = here::host();
    let guard = Guard::new();
    let doing = Doing::new();
    let runner = Arc::new(Runner {
        guard: guard.clone(),
        stop: stop.clone(),
        doing: doing.clone(),
        worker_id: here::worker_id(),
    });
    let recipes = Arc::new(Recipes::default());
    let first = remote::Session::open(&manager).await.map_err(connect::failed)?;
    let speaker = remote::Session::open(&manager).await.map_err(connect::failed)?;
    let speaking = spawn_local(speak(speaker, doing, host.clone(), jobs));
    let mut slots = JoinSet::new();
    let mut employ = |session, number| {
        let place = Place::Host(host.as_str().into());
        let (manager, recipes, runner) = (manager.clone(), recipes.clone(), runner.clone());
        slots.spawn_local(work(manager, session, place, recipes, runner, number));
    };
    employ(first, 1);
    for number in 2..=jobs {
        match remote::Session::open(&manager).await {
            Ok(session) => employ(session, number),
            // The first slots may have done all there was to do.
            Err(error) if error.is_gone() => break,
            Err(error) => return Err(connect::failed(error)),
        }
    }
    let ended = tokio::select! {
        ended = join(slots, &stop) => ended,
        () = stop.should_be_over() => Err(stop::not_given_back()),
    };
    speaking.abort();
    guard.end();
    ended?;
    let cold = stop.stage() >= Stage::Terminating;
    Ok(match stop.exit_code() {
        Some(code) if cold => ExitCode::from(code),
        _ => ExitCode::SUCCESS,
    })
}

/// Works in one slot. One connection that is cut is not the end of the manager.
async fn work(
    manager: Manager,
    mut session: remote::Session,
    place: Place,
    recipes: Arc<Recipes>,
    runner: Arc<Runner>,
    number: usize,
) -> anyhow::Result<()> {
    loop {
        let link = OrderLink::new(session, place.clone(), recipes.clone());
        let ended = match slot::work(link, runner.clone(), number).await {
            Err(error) if remote::is_end(&error) && runner.stop.stage() == Stage::Working => error,
            ended => return ended,
        };
        session = match remote::Session::open(&manager).await {
            Ok(session) => session,
            Err(_) => return Err(ended),
        };
    }
}

/// Tells the manager what this worker does, whenever that has changed.
async fn speak(session: remote::Session, doing: Arc<Doing>, host: String, slots: usize) {
    let mut told = None;
    loop {
        let note = Some(doing.note(&host, slots));
        if note != told {
            let said = note.as_ref().map(Note::text).unwrap_or_default();
            if session.announce(&said).await.is_err() {
                return; // the slots find out, too
            }
            told = note;
        }
        tokio::time::sleep(notes::PERIOD).await;
    }
}

/// Waits until every slot has ended. The end of the manager is the end of the work.
async fn join(mut slots: JoinSet<anyhow::Result<()>>, stop: &Stop) -> anyhow::Result<()> {
    let mut first = Ok(());
    while let Some(ended) = slots.join_next().await {
        let ended = ended.context("a slot panicked").flatten();
        let ended = match ended {
            Err(error) if remote::is_end(&error) => {
                if stop.stage() == Stage::Working {
                    output::talk("the manager has ended");
                }
                stop.go(Stage::Terminating); // what still runs is of no use to anybody
                Ok(())
            }
            ended => ended,
        };
        if ended.is_err() {
            stop.go(Stage::Draining);
        }
        first = first.and(ended);
    }
    first
}

fn announce(stage: Stage) {
    match stage {
        Stage::Draining => output::talk("no more tasks; waiting for running commands"),
        Stage::Terminating => output::talk("ending running commands and giving their tasks back"),
        Stage::Working | Stage::Killing | Stage::Abandoned => {}
    }
}
