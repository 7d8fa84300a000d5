//! The child's side: a process that serves its parent's calls, one after the other, and ends with
//! it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::set_hook;
use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use bytes::{Bytes, BytesMut};
use piecework_wire::frame::{self, FRAME_BYTES_MAX};
use rustix::stdio::dup2_stdin;

use crate::command::kill_all;
use crate::item::append;
use crate::tasks::panics::note;
use crate::tasks::{Packed, Packing, Panic, Task, TaskError, luggage, message};

/// What a child is called: by this it knows what it is.
pub(crate) const CHILD: &str = "piecework-child";

/// Calls that wait to be served: a parent makes one at a time, so its end is always heard.
const CALLS_MAX: usize = 2;

/// Whether this process is a child and serves its parent.
static SERVES: AtomicBool = AtomicBool::new(false);

/// Makes a program's child processes do what they are there for: call it first in `main`. In any
/// other process it only checks that each task has a name of its own.
///
/// # Panics
/// Two functions marked with [`task`](crate::task) have the same path, which happens to functions
/// within functions.
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
    if let Err(doubled) = Task::check() {
        panic!("{doubled}");
    }
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

/// Whether this process is a child that did not begin with [`init`]: it runs the program once more
/// instead, whose children would do the same, without end.
pub(crate) fn is_astray() -> bool {
    is_child() && !SERVES.load(Ordering::Relaxed)
}

fn is_child() -> bool {
    std::env::args_os().next().is_some_and(|name| name == CHILD)
}

fn serve() -> io::Result<()> {
    // The parent's socket came as standard input, which is nothing from here on.
    let mut stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    dup2_stdin(File::open("/dev/null")?)?;
    set_hook(Box::new(note));
    let (sender, calls) = sync_channel(CALLS_MAX);
    let reading = stream.try_clone()?;
    // Whatever a task is about: without a parent nobody wants it.
    thread::Builder::new().name("parent".to_owned()).spawn(move || {
        let code = read(&reading, &sender);
        kill_all();
        exit(code)
    })?;
    for (call, files) in calls {
        luggage::lay_out(files);
        stream.write_all(&answer(call))?;
    }
    Ok(())
}

/// Reads calls until the parent is gone.
fn read(stream: &UnixStream, calls: &SyncSender<(Bytes, Vec<OwnedFd>)>) -> i32 {
    let (mut received, mut files) = (BytesMut::new(), Vec::new());
    let mut chunk = vec![0; 64 << 10];
    loop {
        match frame::cut(&mut received, FRAME_BYTES_MAX) {
            Ok(Some(call)) => {
                // Its parent makes one call at a time, so what has come until now is of this one.
                if calls.send((call, std::mem::take(&mut files))).is_err() {
                    return 0;
                }
            }
            Ok(None) => match luggage::receive(stream, &mut chunk, &mut files) {
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

/// One call: the name of a task, and its arguments, time after time. Its reply has the results.
fn answer(call: Bytes) -> BytesMut {
    let failed = |why: &str| message::message(why, &Packed::default());
    let (name, arguments) = match message::read(call) {
        Ok(call) => call,
        Err(error) => return failed(&error.to_string()),
    };
    let Some(task) = Task::find(&name) else {
        return failed(&format!("this build of the program has no task {name:?}"));
    };
    let mut results = Packing::default();
    for tuple in arguments.iter() {
        results.add(|out| run(task, tuple, out));
    }
    message::message("", &results.done())
}

/// Runs a task, and appends its result or what it panicked with.
fn run(task: &Task, arguments: &[u8], out: &mut BytesMut) {
    let panicked = match task.run_caught(arguments, out) {
        Ok(()) => return,
        Err(TaskError::Panicked(panic)) => panic,
        Err(error) => {
            let (place, backtrace) = (task.name().to_owned(), String::new());
            Panic { message: error.to_string(), place, backtrace }
        }
    };
    append(&Err::<(), Panic>(panicked), out).expect("strings are plain data");
}
