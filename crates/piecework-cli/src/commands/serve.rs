//! `piecework serve`: a manager on the network.

use crate::authkey::AuthkeyArgs;
use crate::commands::greeting;
use crate::folders::DataDirArgs;
use crate::logging::LogArgs;
use crate::{authkey, exit, output};
use piecework_server::{
    Address, Config, Limits, ObjectSpec, Payloads, QueueSpec, Server, Shutdown, Storage,
    SyncPolicy, measure,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

const EXAMPLES: &str = "\
Examples:
  piecework serve                                  queues task and result, for this machine
  piecework serve --listen 0.0.0.0:5000            the same for every machine that has the key
  piecework serve --listen unix:/run/user/1000/pw  for this machine, at a path in place of a port
  piecework serve --queue task:answers=result,attempts=0 --queue result
                                                   kill any worker at any time: each task put
                                                   ends with exactly one result
  piecework serve --queue jobs:maxsize=100 --queue done
                                                   Python asks for get_jobs_queue(), jobs(), ...

Options of a queue, after its name and a colon, separated by commas:
  ack=auto|explicit|none   what acknowledges an item (auto: what an unmodified program does anyway)
  answers=NAME             an item is acknowledged by its answer in queue NAME
  attempts=N               failed attempts after which an item is dead; 0: never (default 5)
  lease=10m                how long a worker may hold an item; default: as long as it is connected
  expire=24h               items that nobody fetches for so long are dropped; default: never
  fresh                    what earlier runs have left in it is dropped
  lifo                     the youngest item first, as in queue.LifoQueue
  maxbytes=SIZE            bytes of ready items at most, as 64MiB; a put waits, or raises queue.Full
  maxsize=N                ready items at most, as in queue.Queue(N)
  once=1h                  how long put_once() remembers a key
  payloads=any|data        what may be put, as --payloads says it for all
  priority                 the lowest item first, as in queue.PriorityQueue
  stop=VALUE               an item of this value stops a worker and needs no answer (default None)";

/// Serves named queues to Python programs and piecework's own commands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ServeArgs {
    /// Address to listen on: HOST:PORT, where port 0 takes a free one, or unix:PATH; may be given
    /// several times
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5000")]
    listen: Vec<Address>,

    /// A queue, registered as get_NAME_queue, get_NAME and NAME; '*' registers any name on first
    /// use [default: task and result]
    #[arg(long, value_name = "NAME[:OPTIONS]")]
    queue: Vec<String>,

    /// An object that all clients share, registered as NAME and get_NAME: a Lock, Event, dict, list
    /// or another of SyncManager's types; a number says how many permits or parties. It ends with
    /// this process, unless 'keep' is said of a dict, list, set, Namespace or Value. May be given
    /// several times
    #[arg(long, value_name = "NAME:TYPE[=NUMBER][,keep]")]
    object: Vec<ObjectSpec>,

    /// Where items are kept: on disk, or in memory, gone with this process
    #[arg(long, value_name = "ENGINE", default_value = "disk")]
    engine: EngineName,

    #[command(flatten)]
    data_dir: DataDirArgs,

    /// When what was decided is safe from a loss of power: before the reply (always), so long after
    /// it at most (interval:100ms), or when the system likes (never). A killed manager loses
    /// nothing under any of them
    #[arg(long, value_name = "WHEN", default_value = "interval:100ms", value_parser = sync)]
    sync: SyncPolicy,

    /// Bytes of items in memory at most, as 512MiB or 2G. Beyond, items are read back from disk
    /// when their turn comes [default: 1GiB]; with --engine memory, a put raises queue.Full,
    /// unless it answers a task [default: no bound]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,

    /// Another value for one of the limits, as connections=500; may be given several times. The
    /// limits and what happens at them: docs/operations.md
    #[arg(long, value_name = "NAME=VALUE", value_parser = limit)]
    limit: Vec<String>,

    /// Let any client that knows the key stop the manager, not only this user's own
    #[arg(long)]
    allow_shutdown: bool,

    /// Listen beyond this machine even with an authkey of less than 16 bytes
    #[arg(long)]
    allow_weak_authkey: bool,

    /// Which items may be put: plain data and harmless classes, or any pickle [default: data where
    /// it listens beyond this machine, any elsewhere]
    #[arg(long, value_name = "KIND")]
    payloads: Option<PayloadsName>,

    /// A class that `data` lets in too: mypkg.Thing, or all of mypkg.*; may be given several times
    #[arg(long, value_name = "CLASS")]
    allow_class: Vec<String>,

    #[command(flatten)]
    authkey: AuthkeyArgs,

    /// One more key that lets clients in, with the name that logs and lists show for it: while a
    /// key is being changed there are two. May be given several times
    #[arg(long, value_name = "NAME=FILE", value_parser = named_file)]
    also_authkey_file: Vec<(String, PathBuf)>,

    /// The weakest digest that clients may authenticate with; sha256 keeps out Pythons up to 3.11
    #[arg(long, value_name = "DIGEST", default_value = "md5")]
    min_digest: MinDigest,

    #[command(flatten)]
    log: LogArgs,
}

/// The engines there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum EngineName {
    /// Keeps everything, in a folder of its own.
    Disk,
    /// Keeps nothing.
    Memory,
}

/// The digests that `--min-digest` can name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum MinDigest {
    /// HMAC-MD5, all that Pythons up to 3.11 know.
    Md5,
    /// HMAC-SHA256 or better.
    Sha256,
}

/// What `--payloads` can say.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum PayloadsName {
    /// Every pickle; whoever gets it runs what it says.
    Any,
    /// None, numbers, str, bytes, containers, and classes that can do no harm.
    Data,
}

/// Serves until a signal or a client says stop.
pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    args.log.begin()?;
    raise_descriptors();
    let authkey = args.authkey.find_or_make()?;
    let mut config = Config::new(authkey.key.clone());
    for (name, file) in &args.also_authkey_file {
        config.keys = config.keys.with(name, authkey::read(file)?.key);
    }
    if args.min_digest == MinDigest::Sha256 {
        config.keys = config.keys.without_md5();
    }
    let weakest = config.keys.len_min();
    config.listen = args.listen;
    if args.allow_shutdown {
        config.shutdown = Shutdown::Anyone;
    }
    let named = args.queue.iter().filter(|queue| *queue != "*");
    let named: Vec<QueueSpec> =
        named.map(|queue| queue.parse()).collect::<Result<_, String>>().map_err(exit::usage)?;
    config.open = named.len() < args.queue.len();
    if !named.is_empty() {
        config.queues = named;
    }
    config.objects = args.object;
    for limit in &args.limit {
        config.limits.set(limit).map_err(exit::usage)?;
    }
    match (args.memory, args.engine) {
        (Some(bytes), EngineName::Disk) => config.limits.state.resident = bytes,
        (Some(bytes), EngineName::Memory) => config.limits.state.bytes = bytes,
        (None, _) => {}
    }
    config.storage = storage(args.engine, args.data_dir, args.sync)?;
    config.payloads = payloads(args.payloads, &config.listen);
    for pattern in &args.allow_class {
        config.policy = config.policy.allow(pattern).map_err(exit::usage)?;
    }
    // Before anybody can know that it listens: whoever does may say stop at once.
    let stop = stop_signal()?;
    let server = Server::bind(config).await.map_err(exit::cannot_create)?;
    let addresses = server.addresses();
    authkey::check(weakest, &addresses, args.allow_weak_authkey)?;
    output::data(&greeting::greeting(&addresses, server.queues(), &authkey));
    server.run(stop).await.map_err(exit::io_error)?;
    Ok(ExitCode::SUCCESS)
}

/// Where what is decided is kept.
fn storage(engine: EngineName, data_dir: DataDirArgs, sync: SyncPolicy) -> anyhow::Result<Storage> {
    match engine {
        EngineName::Memory => Ok(Storage::Memory),
        EngineName::Disk => Ok(Storage::Disk { folder: data_dir.folder()?, sync }),
    }
}

/// `always`, `never` or `interval:100ms`.
fn sync(text: &str) -> Result<SyncPolicy, String> {
    let expected = "expected always, interval:100ms or never";
    match text.split_once(':') {
        None if text == "always" => Ok(SyncPolicy::Always),
        None if text == "never" => Ok(SyncPolicy::Never),
        Some(("interval", lasts)) => {
            let lasts = measure::duration(lasts).ok_or(expected)?;
            Ok(SyncPolicy::Interval(lasts))
        }
        _ => Err(expected.to_owned()),
    }
}

/// `NAME=FILE`.
fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() => Ok((name.to_owned(), file.into())),
        _ => Err("expected a name for the key and its file, as new=/etc/piecework.key".to_owned()),
    }
}

/// A size in bytes.
fn size(text: &str) -> Result<u64, String> {
    measure::bytes(text).ok_or_else(|| "expected a size, as 512M or 512MiB".to_owned())
}

/// Checks the name and value of a limit, so that a wrong one is met at the door.
fn limit(text: &str) -> Result<String, String> {
    Limits::default().set(text).map(|()| text.to_owned())
}

/// On this machine no program must break; from others, only what can do no harm comes in unasked.
fn payloads(asked: Option<PayloadsName>, listen: &[Address]) -> Payloads {
    match asked {
        Some(PayloadsName::Any) => Payloads::Any,
        Some(PayloadsName::Data) => Payloads::Data,
        None if listen.iter().all(Address::is_local) => Payloads::Any,
        None => Payloads::Data,
    }
}

/// Takes all the descriptors that the system lets us have: each connection is one. Not done by
/// commands that start others, which would inherit it and may not expect so many.
fn raise_descriptors() {
    let allowed = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: allowed.maximum, ..allowed };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// Completes at the first SIGINT or SIGTERM. A second one ends the process at once.
pub(crate) fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut next = async move || {
        tokio::select! {
            _ = interrupt.recv() => 130,
            _ = terminate.recv() => 143,
        }
    };
    Ok(async move {
        next().await;
        tokio::spawn(async move { std::process::exit(next().await) });
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_from_other_machines_are_data_unless_said_otherwise() {
        let of = |listen: &[&str]| {
            let listen: Vec<Address> = listen.iter().map(|text| text.parse().unwrap()).collect();
            payloads(None, &listen)
        };
        assert_eq!(
            of(&["127.0.0.1:5000", "localhost:0", "[::1]:5000", "/run/piecework"]),
            Payloads::Any
        );
        assert_eq!(of(&["127.0.0.1:5000", "0.0.0.0:5000"]), Payloads::Data);
        assert_eq!(of(&["example.org:5000"]), Payloads::Data);
        assert_eq!(
            payloads(Some(PayloadsName::Any), &["0.0.0.0:1".parse().unwrap()]),
            Payloads::Any
        );
    }
}
