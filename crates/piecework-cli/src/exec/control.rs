//! Listens to the programs under `piecework exec`: each connection is one manager, being served.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use crate::exec::request::{Answer, Offer, Request};
use crate::exec::serving::{self, Running};
use crate::output;

/// A program with thousands of typeids fits; one that writes nonsense does not fill our memory.
const REQUEST_BYTES_MAX: u64 = 1 << 20;

/// Accepting fails when open files run out; ten tries a second until there are some again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The ear of `piecework exec`.
#[derive(Debug)]
pub(crate) struct Control {
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Control {
    /// Starts to listen on the socket.
    pub(crate) fn listen(socket: &Path, allow_weak_authkey: bool) -> anyhow::Result<Self> {
        let listener = UnixListener::bind(socket)
            .with_context(|| format!("cannot listen on {}", socket.display()))?;
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, allow_weak_authkey, stopped));
        Ok(Self { stop, accepting })
    }

    /// Stops all managers, and returns when their addresses are free.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.accepting.await {
            output::talk(format_args!("exec: {error}"));
        }
    }
}

async fn accept(listener: UnixListener, allow_weak_authkey: bool, mut stop: watch::Receiver<bool>) {
    let mut managers = JoinSet::new();
    let stop_of_manager = stop.clone();
    loop {
        tokio::select! {
            () = told(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    managers.spawn(manager(stream, allow_weak_authkey, stop_of_manager.clone()));
                }
                Err(error) => {
                    output::talk(format_args!("exec: cannot hear a program: {error}"));
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = managers.join_next() => {}
        }
    }
    while managers.join_next().await.is_some() {}
}

async fn told(stop: &mut watch::Receiver<bool>) {
    // An error means that whoever could tell is gone, which is as good.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// One manager of the program, from its request to its end.
async fn manager(stream: UnixStream, allow_weak_authkey: bool, stop: watch::Receiver<bool>) {
    let (reader, writer) = stream.into_split();
    let mut program = Program { lines: BufReader::new(reader), writer };
    if let Err(error) = program.serve(allow_weak_authkey, stop).await {
        output::talk(format_args!("exec: {error:#}"));
    }
}

/// The connection to a program.
struct Program {
    lines: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Program {
    async fn serve(&mut self, weak: bool, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        let Some(Request::Serve(offer)) = self.request().await? else {
            return Ok(());
        };
        let Some(mut running) = self.start(offer, weak).await? else {
            return Ok(());
        };
        tokio::select! {
            ended = running.ended() => return ended,
            // A program that stops or ends, and one that talks nonsense, is not served any more.
            _ = self.request() => {}
            () = told(&mut stop) => {}
        }
        running.stop().await
        // The connection closes now, which tells the program that the address is free.
    }

    /// Starts to serve, and answers. `None` if that was not possible.
    async fn start(&mut self, offer: Offer, weak: bool) -> anyhow::Result<Option<Running>> {
        let (answer, running) = match Running::start(offer, weak).await {
            Ok(running) => (Answer::Serving { address: running.address().clone() }, Some(running)),
            Err(error) => {
                let errno = serving::errno(&error);
                (Answer::Failed { error: format!("{error:#}"), errno }, None)
            }
        };
        let mut line = serde_json::to_vec(&answer).context("cannot write an answer")?;
        line.push(b'\n');
        self.writer.write_all(&line).await.context("cannot answer the program")?;
        Ok(running)
    }

    /// Reads one request; `None` at the end of the connection.
    async fn request(&mut self) -> anyhow::Result<Option<Request>> {
        let mut line = Vec::new();
        let mut lines = (&mut self.lines).take(REQUEST_BYTES_MAX);
        lines.read_until(b'\n', &mut line).await.context("cannot hear a program")?;
        if line.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(&line).map(Some).context("cannot read the request of a program")
    }
}
