//! A run from its master's side: feeds, has slots work, collects, and ends all of that in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use piecework::Manager;
use piecework_server::Config;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_local};

use super::board::Board;
use super::books::{Books, Known};
use super::collect::{Collector, Tally};
use super::embedded::{self, Embedded};
use super::feed::{self, Before, Fed, Feed};
use super::guard::Guard;
use super::halt::Halt;
use super::here;
use super::live::Live;
use super::notes::{self, Began, Doing};
use super::order_link::{OrderLink, Place};
use super::pieces::Pieces;
use super::print::{Look, Printer};
use super::recipe::Recipes;
use super::remote;
use super::slot::{self, Runner};
use super::slots::Slots;
use super::spec::Spec;
use super::stop::{Stage, Stop};
use super::turns::Turns;
use super::window::Window;
use crate::connect;
use crate::output::{Progress, Sink};
use crate::record::Records;
use crate::template::{Pattern, Template};

/// How often it is asked whether workers elsewhere have ended, once no more is given out.
const DRAIN_PERIOD: Duration = Duration::from_millis(20);

/// How many results from the books wait to be collected: enough that nobody waits for them; each
/// may be an open file or two.
const KEPT_AHEAD_MAX: usize = 32;

/// What a run is to do.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What its tasks have in common.
    pub(crate) spec: Spec,
    /// Their command.
    pub(crate) template: Template,
    /// What they work on.
    pub(crate) pieces: Pieces,
    /// The files that go along to other machines.
    pub(crate) transfers: Vec<Pattern>,
    /// What stays of the run.
    pub(crate) records: Option<Records>,
    /// Its books, and what they know, if it has a name.
    pub(crate) books: Option<(Arc<Books>, Known)>,
    /// When it is over before its input is.
    pub(crate) halt: Halt,
    /// How many commands run here at a time.
    pub(crate) jobs: usize,
    /// How results are printed.
    pub(crate) look: Look,
    /// What is shown meanwhile.
    pub(crate) progress: Progress,
    /// How far a stop has gone.
    pub(crate) stop: Stop,
    /// What ends the commands here if this process is killed.
    pub(crate) guard: Arc<Guard>,
}

/// What goes on while a run lasts, but for the slots.
struct Flow {
    collected: JoinHandle<anyhow::Result<Tally>>,
    live: Arc<Live>,
    /// How many orders were put so far.
    count: Arc<AtomicU64>,
}

/// Runs on a manager of its own, which others can join where it listens; `listening` is told where
/// that is.
///
/// # Errors
/// If an address cannot be had, the input not be read, or standard output takes no more.
pub(crate) async fn embedded(
    plan: Plan,
    config: Config,
    listening: impl FnOnce(&Embedded),
) -> anyhow::Result<Tally> {
    let listens = !config.listen.is_empty();
    let embedded = Embedded::open(config).await?;
    listening(&embedded);
    let Plan { jobs, ref stop, ref guard, .. } = plan;
    let (stop, guard) = (stop.clone(), guard.clone());
    let (feed, reports) = (embedded.session("feed"), embedded.session("collector"));
    let mut end = embedded.session("end");
    let sessions: Vec<_> = (0..jobs).map(|_| embedded.session("slot")).collect();
    let (speaker, began) = (embedded.session("run"), began(&plan));
    let results = embedded.results().to_owned();
    let books = plan.books.as_ref().map(|(books, _)| books.clone());
    let mut flow = start(plan, feed, reports, results, None);
    let speaking = listens.then(|| {
        let live = flow.live.clone();
        spawn_local(async move {
            loop {
                speaker.announce(&live.note(&began));
                tokio::time::sleep(notes::PERIOD).await;
            }
        })
    });
    let place = Place::Here(flow.live.clone(), books);
    let mut slots = employ(sessions, &place, &guard, &stop);
    let (over, ended) = oneshot::channel::<()>();
    // It owns the results, so it lives as long as the run, whether it listens or not.
    let serving = spawn_local(async move {
        match listens {
            true => embedded.serve(async { drop(ended.await) }).await,
            false => {
                let _ = ended.await;
                drop(embedded);
                Ok(())
            }
        }
    });

    let tally = tokio::select! {
        tally = &mut flow.collected => {
            let tally = tally.context("the collector panicked")?;
            end.close_tasks().await;
            if tally.is_err() {
                // There is no use in going on, and nobody reads what slots have to say.
                stop.go(Stage::Terminating);
                end.close_results().await;
            }
            slots.join().await?;
            tally
        }
        drained = drain(&mut slots, &mut end, &stop) => {
            drained?;
            end.close_results().await;
            tokio::select! {
                biased;
                tally = flow.collected => tally.context("the collector panicked")?,
                () = stop.reached(Stage::Abandoned) => Ok(Tally::default()),
            }
        }
    };
    if let Some(speaking) = speaking {
        speaking.abort();
    }
    drop(over);
    serving.await.context("the manager panicked")??;
    tally
}

/// Runs on a manager that others use, too; its workers do the work.
///
/// # Errors
/// If the manager is lost, the input cannot be read, or standard output takes no more.
pub(crate) async fn shared(plan: Plan, manager: &Manager) -> anyhow::Result<Tally> {
    let reports = remote::Session::begin_run(manager).await.map_err(connect::failed)?;
    let feed = remote::Session::open(manager).await.map_err(connect::failed)?;
    let results = reports.results().to_owned();
    let began = began(&plan);
    let speaker = remote::Session::open(manager).await.map_err(connect::failed)?;
    let withdrawer = remote::Session::open(manager).await.map_err(connect::failed)?;
    let (tell, drained) = oneshot::channel();
    let stop = plan.stop.clone();
    let flow = start(plan, feed, reports, results.clone(), Some(drained));
    let withdraw = async {
        stop.reached(Stage::Draining).await;
        let withdrawn = withdrawer.withdraw(&results).await.unwrap_or_default();
        let _ = tell.send(flow.count.load(Ordering::Relaxed).saturating_sub(withdrawn));
        std::future::pending().await // what was begun is waited for
    };
    let speak = async {
        while speaker.announce(&flow.live.note(&began)).await.is_ok() {
            tokio::time::sleep(notes::PERIOD).await;
        }
        std::future::pending().await // the collector finds out, too
    };
    tokio::select! {
        () = speak => unreachable!("it goes on"),
        () = withdraw => unreachable!("it goes on"),
        tally = flow.collected => tally.context("the collector panicked")?,
    }
}

/// What notes say of a run from its beginning on.
fn began(plan: &Plan) -> Began {
    let (id, words) = (plan.spec.run_id.clone(), plan.template.words());
    Began { at: Instant::now(), id, command: notes::command(words) }
}

/// Starts to feed and to collect.
fn start<B: Board>(
    plan: Plan,
    feed: B,
    reports: B,
    results: String,
    drained: Option<oneshot::Receiver<u64>>,
) -> Flow {
    let Plan { spec, template, pieces, transfers, records, books, halt, .. } = plan;
    let Plan { jobs, look, progress, stop, .. } = plan;
    let (window, turns) = (Arc::new(Window::new(jobs)), Arc::new(Turns::default()));
    let count = Arc::<AtomicU64>::default();
    let live = Arc::new(Live::new(window.clone(), progress.clone(), halt, stop.clone()));
    let (give_out, kept) = mpsc::channel(KEPT_AHEAD_MAX);
    let before = books.map(|(books, known)| Before { books, known, kept: give_out });
    let books = before.as_ref().map(|before| before.books.clone());
    let feed = Feed {
        board: feed,
        results,
        recipe: spec.to_bytes(),
        before,
        window: window.clone(),
        turns: turns.clone(),
        transfers,
        look: look.clone(),
        count: count.clone(),
        stop: stop.clone(),
    };
    let fed: oneshot::Receiver<Fed> = feed::start(pieces, feed, progress.clone());
    let collector = Collector {
        printer: Printer::new(look, window.clone(), turns, Sink::open(progress)),
        window,
        live: live.clone(),
        returns: spec.returns.iter().map(|text| Pattern::new(text, template.syntax())).collect(),
        template,
        records,
        books,
        kept,
        stop,
        is_shared: drained.is_some(),
        drained,
        tally: Tally::default(),
    };
    Flow { collected: spawn_local(collector.run(reports, fed)), live, count }
}

/// Has a slot work over each session.
fn employ(
    sessions: Vec<embedded::Session>,
    place: &Place,
    guard: &Arc<Guard>,
    stop: &Stop,
) -> Slots {
    let runner = Arc::new(Runner {
        guard: guard.clone(),
        stop: stop.clone(),
        doing: Doing::new(),
        worker_id: here::worker_id(),
    });
    let recipes = Arc::new(Recipes::default());
    Slots::start(sessions.into_iter().enumerate().map(|(at, session)| {
        let link = OrderLink::new(session, place.clone(), recipes.clone());
        let runner = runner.clone();
        move || slot::work(link, runner, at + 1)
    }))
}

/// Returns when a stop has begun and nothing runs any more, here or elsewhere; or when it does not
/// matter any more what runs elsewhere.
async fn drain(slots: &mut Slots, end: &mut embedded::Session, stop: &Stop) -> anyhow::Result<()> {
    // A slot that fails ends the run; without a stop it ends only at the end.
    tokio::select! {
        failed = slots.failure() => return Err(failed),
        () = stop.reached(Stage::Draining) => {}
    }
    end.close_tasks().await;
    let elsewhere = async {
        slots.join().await?;
        while end.taken().await > 0 {
            tokio::time::sleep(DRAIN_PERIOD).await;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        drained = elsewhere => return drained,
        () = stop.reached(Stage::Terminating) => {}
    }
    // Commands are ended; of those that had ended before, slots still tell.
    tokio::select! {
        joined = slots.join() => joined,
        () = stop.reached(Stage::Abandoned) => Ok(()),
    }
}
