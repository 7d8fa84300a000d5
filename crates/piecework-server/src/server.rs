//! The server as a whole: bind, run, stop.

use crate::clock::Clock;
use crate::committer::Committer;
use crate::complaints::Complaints;
use crate::config::{Config, ServerError, Shutdown, Storage};
use crate::connection::{self, Shared};
use crate::failures::Failures;
use crate::groups;
use crate::hub::Hub;
use crate::keyring::Keyring;
use crate::limits::{LAST_CALLS, Limits};
use crate::listener::{self, Source};
use crate::lobby::Lobby;
use crate::local::Local;
use crate::queue_spec::QueueSpec;
use crate::registry::Registry;
use crate::stage::{Stage, StageWatch, Stages};
use piecework_engine::{Disk, Engine};
use piecework_net::{Accepted, Address, Connector, Listener, within};
use piecework_state::{Ledger, Loading, Outcome, State};
use piecework_wire::Policy;
use rustix::process::{Resource, getrlimit};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// A manager that listens. It serves once [`Server::run`] is called.
#[derive(Debug)]
pub struct Server {
    hub: Arc<Hub>,
    /// Keeps what is decided, where anything is kept.
    committer: Option<Committer>,
    listeners: Vec<Listener>,
    /// Connections from within this process.
    within: Option<Accepted>,
    queues: Vec<QueueSpec>,
    keys: Keyring,
    /// Where any queue looks at its payloads.
    policy: Option<Policy>,
    /// Whether any queue goes by the values of what is put.
    sorts: bool,
    limits: Limits,
    shutdown: Shutdown,
}

impl Server {
    /// Makes the queues and listens.
    ///
    /// # Errors
    ///
    /// When the queues do not fit together, an address cannot be listened on, or what earlier runs
    /// have kept cannot be read.
    pub async fn bind(config: Config) -> Result<Self, ServerError> {
        let Config {
            listen,
            keys,
            mut queues,
            objects,
            open,
            anonymous,
            refused,
            payloads,
            policy,
            shutdown,
            limits,
            storage,
        } = config;
        let limits = limits.within(descriptors());
        let clock = Clock::start();
        // First: who runs a manager twice is told of the address rather than of the folder.
        let mut listeners = Vec::with_capacity(listen.len());
        for address in &listen {
            listeners.push(listener::bind(address, limits.backlog).await?);
        }
        let mut engine = open_engine(storage, limits.state.resident)?;
        // Handles of an earlier run may be alive in clients; more than a million of them a second
        // would be needed to reach the number that this run starts from.
        let mut state = restore(engine.as_deref_mut(), clock.now().micros(), limits.state)?;
        for name in state.names() {
            if !queues.iter().any(|queue| queue.name == name) {
                queues.push(QueueSpec::kept(name));
            }
        }
        let typeids_max = if open { limits.typeids_max } else { 0 };
        let mut out = Outcome::default();
        let mut registry = Registry::new(
            &mut state,
            &queues,
            payloads,
            anonymous,
            refused,
            typeids_max,
            &mut out,
        )?;
        registry.add_objects(&mut state, &objects, engine.is_some(), &mut out)?;
        if let Some(engine) = &mut engine {
            engine.commit(&out.records)?;
        }
        let policy = registry.is_policed().then_some(policy);
        let sorts = registry.sorts();
        let ledger = Ledger::new(state, engine.is_some());
        let hub = Arc::new(Hub::new(clock, ledger, registry));
        let start = |engine| Committer::start(Arc::clone(&hub), engine);
        let committer = engine.map(start).transpose().map_err(ServerError::Thread)?;
        let within = None;
        Ok(Self {
            hub,
            committer,
            listeners,
            within,
            queues,
            keys,
            policy,
            sorts,
            limits,
            shutdown,
        })
    }

    /// Where it listens, in the order of [`Config::listen`], ports as they came to be.
    pub fn addresses(&self) -> Vec<Address> {
        self.listeners.iter().map(|listener| listener.address().clone()).collect()
    }

    /// The named queues: those of [`Config::queues`], then those that earlier runs have left.
    pub fn queues(&self) -> &[QueueSpec] {
        &self.queues
    }

    /// Opens a session within this process; `name` is what lists show.
    pub fn local(&self, name: &str) -> Local {
        Local::open(Arc::clone(&self.hub), name)
    }

    /// What connects clients of this process, without an address; the last one that was asked for
    /// counts.
    pub fn connector(&mut self) -> Connector {
        let (connector, accepted) = within();
        self.within = Some(accepted);
        connector
    }

    /// Serves until `shutdown` completes or a client that may do so asks for it; then accepts
    /// nobody more, gives up calls that wait, answers others for a moment still, and returns.
    ///
    /// # Errors
    ///
    /// When something that was decided could not be kept, then or at the end.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServerError> {
        let stages = Arc::<Stages>::default();
        let shared = Arc::new(Shared {
            hub: Arc::clone(&self.hub),
            keys: self.keys,
            policy: self.policy,
            sorts: self.sorts,
            permits: Arc::new(Semaphore::new(self.limits.connections_max)),
            lobby: Lobby::new(self.limits.unauthenticated_max),
            failures: Mutex::new(Failures::new(&self.limits)),
            complaints: Complaints::new(),
            limits: self.limits,
            shutdown: self.shutdown,
            stages: Arc::clone(&stages),
        });
        let mut accepting = JoinSet::new();
        let within = self.within.map(Source::Within);
        for source in self.listeners.into_iter().map(Source::Socket).chain(within) {
            accepting.spawn(accept(source, Arc::clone(&shared)));
        }
        tokio::select! {
            () = shutdown => tracing::info!("stopping"),
            () = self.hub.asked_to_stop() => tracing::info!("stopping: a client asked for it"),
            () = self.hub.run_timer() => unreachable!("the timer runs for ever"),
            () = groups::watch(&self.hub) => unreachable!("it watches for ever"),
        }
        self.hub.stop();
        stages.reach(Stage::LastCalls);
        let mut ended = pin!(async { while accepting.join_next().await.is_some() {} });
        if timeout(LAST_CALLS, &mut ended).await.is_err() {
            stages.reach(Stage::Over);
            ended.await;
        }
        if let Some(committer) = self.committer {
            let closed = tokio::task::spawn_blocking(|| committer.close()).await;
            closed.map_err(|_| ServerError::Lost)??;
        }
        Ok(())
    }
}

/// The engine that keeps what is decided, if anything does.
fn open_engine(
    storage: Storage,
    resident_max: u64,
) -> Result<Option<Box<dyn Engine>>, ServerError> {
    match storage {
        Storage::Memory => Ok(None),
        Storage::Disk { folder, sync } => {
            let disk = Disk::open(&folder, sync)?.loading_at_most(resident_max);
            Ok(Some(Box::new(disk)))
        }
    }
}

/// The state that earlier runs have left in the engine.
fn restore(
    engine: Option<&mut (dyn Engine + 'static)>,
    first_handle: u64,
    limits: piecework_state::Limits,
) -> Result<State, ServerError> {
    let mut loading = Loading::new(first_handle, limits);
    if let Some(engine) = engine {
        let mut added = Ok(());
        engine.load(&mut |record| {
            if added.is_ok() {
                added = loading.add(record);
            }
        })?;
        added?;
    }
    Ok(loading.finish())
}

/// Accepts connections until the server stops, then waits for those it has.
async fn accept(mut source: Source, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    let mut stage = StageWatch::new(Arc::clone(&shared.stages));
    loop {
        let permit = Arc::clone(&shared.permits).acquire_owned();
        let accepted = async {
            let permit = permit.await.expect("the permits are never closed");
            shared.lobby.opens().await;
            (source.accept(&shared.complaints).await, permit)
        };
        tokio::select! {
            () = stage.reached(Stage::LastCalls) => break,
            (stream, permit) = accepted => {
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    connection::serve(stream, &shared).await;
                    drop(permit);
                });
            }
            // Ended connections are collected as they end, not at the end of all.
            Some(ended) = connections.join_next() => report(ended),
        }
    }
    // While clients are still answered, they may connect: each proxy of a stock worker that has
    // just seen the end is released over a connection of its own.
    while !connections.is_empty() {
        tokio::select! {
            () = stage.reached(Stage::Over) => break,
            stream = source.accept(&shared.complaints) => {
                let shared = Arc::clone(&shared);
                connections.spawn(async move { connection::serve(stream, &shared).await });
            }
            Some(ended) = connections.join_next() => report(ended),
        }
    }
    drop(source);
    while let Some(ended) = connections.join_next().await {
        report(ended);
    }
}

/// How many files and sockets this process may have open.
fn descriptors() -> usize {
    let allowed = getrlimit(Resource::Nofile).current;
    allowed.and_then(|allowed| usize::try_from(allowed).ok()).unwrap_or(usize::MAX)
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task did not end well");
    }
}
