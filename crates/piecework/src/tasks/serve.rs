//! The child's side: a process that serves its parent's calls, one after the other, and ends with
//! it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::set_hook;
use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use bytes::{Bytes, BytesMut};
use piecework_wire::frame::{self, FRAME_BYTES_MAX};
use piecework_wire::{Payload, Request, reply};
use rustix::stdio::dup2_stdin;

use crate::item::to_payload;
use crate::tasks::panics::note;
use crate::tasks::{Panic, Task, TaskError};

/// What a child is called: by this it knows what it is.
pub(crate) const CHILD: &str = "piecework-child";

/// Calls that wait to be served: a parent makes one at a time, so its end is always heard.
const CALLS_MAX: usize = 2;

/// The most tasks in one call.
pub(crate) const BATCH_MAX: usize = 10_000;

/// Whether this process is a child and serves its parent.
static SERVES: AtomicBool = AtomicBool::new(false);

/// Makes a program's child processes do what they are there for: call it first in `main`. In any
/// other process it does nothing.
///
/// ```
/// #[piecework::task]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     piecework::init();
///     // ...
/// }
/// ```
pub fn init() {
    if is_child() {
        SERVES.store(true, Ordering::Relaxed);
        // `main` may run in a runtime, in which no task could have one of its own.
        let served = thread::scope(|scope| scope.spawn(serve).join());
        let code = match served {
            Ok(Ok(())) => 0,
            Ok(Err(error)) => {
                tracing::error!(%error, "a child process cannot talk to its parent");
                1
            }
            Err(_) => 1,
        };
        exit(code);
    }
}

fn is_child() -> bool {
    std::env::args_os().next().is_some_and(|name| name == CHILD)
}

/// Whether this is a child process that goes about as if it were none: its own children would do
/// the same, without an end.
pub(super) fn is_astray() -> bool {
    is_child() && !SERVES.load(Ordering::Relaxed)
}

fn serve() -> io::Result<()> {
    // The parent's socket came as standard input, which is nothing from here on.
    let mut stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    dup2_stdin(File::open("/dev/null")?)?;
    set_hook(Box::new(note));
    let (sender, calls) = sync_channel(CALLS_MAX);
    let reading = stream.try_clone()?;
    // Whatever a task is about: without a parent nobody wants it.
    thread::Builder::new().name("parent".to_owned()).spawn(move || exit(read(reading, &sender)))?;
    for call in calls {
        let mut out = BytesMut::new();
        answer(&call, &mut out);
        stream.write_all(&out)?;
    }
    Ok(())
}

/// Reads calls until the parent is gone.
fn read(mut stream: UnixStream, calls: &SyncSender<Bytes>) -> i32 {
    let mut received = BytesMut::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        match frame::cut(&mut received, FRAME_BYTES_MAX) {
            Ok(Some(call)) => {
                if calls.send(call).is_err() {
                    return 0;
                }
            }
            Ok(None) => match stream.read(&mut chunk) {
                Ok(0) | Err(_) => return 0,
                Ok(count) => received.extend_from_slice(chunk.get(..count).unwrap_or_default()),
            },
            Err(error) => {
                tracing::error!(%error, "the parent's words make no sense");
                return 1;
            }
        }
    }
}

/// One call: the name of a task, and a list of tuples of arguments. Its reply is a list of results.
fn answer(call: &[u8], out: &mut BytesMut) {
    let done = Request::parse(call).and_then(|request| {
        let name = request.method().to_owned();
        let arguments = request.arg(0).map_or(Ok(Vec::new()), |list| list.elements(BATCH_MAX))?;
        Ok((name, arguments))
    });
    match done {
        Err(error) => reply::error(out, "builtins", "ValueError", Some(&error.to_string())),
        Ok((name, arguments)) => match Task::find(&name) {
            None => {
                let message = format!("this build of the program has no task {name:?}");
                reply::error(out, "builtins", "LookupError", Some(&message));
            }
            Some(task) => {
                let results: Vec<_> = arguments.iter().map(|tuple| run(task, tuple)).collect();
                reply::returned_payloads(out, &results);
            }
        },
    }
}

fn run(task: &Task, arguments: &Payload) -> Payload {
    let panicked = match task.run_caught(arguments) {
        Ok(result) => return result,
        Err(TaskError::Panicked(panic)) => panic,
        Err(error) => {
            let (place, backtrace) = (task.name().to_owned(), String::new());
            Panic { message: error.to_string(), place, backtrace }
        }
    };
    to_payload(&Err::<(), Panic>(panicked)).expect("strings are plain data")
}
