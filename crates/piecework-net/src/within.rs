//! Connections within one process: nothing listens anywhere, and nobody else can connect.

use crate::Stream;
use std::io;
use tokio::net::UnixStream;
use tokio::sync::mpsc;

/// Connections that wait to be accepted; whoever makes one more waits as well.
const BACKLOG: usize = 64;

/// Connects to the other half, [`Accepted`].
#[derive(Clone, Debug)]
pub struct Connector(mpsc::Sender<Stream>);

/// The connections that were made by a [`Connector`] and its clones.
#[derive(Debug)]
pub struct Accepted(mpsc::Receiver<Stream>);

/// Makes the two halves.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// let (connector, mut accepted) = piecework_net::within();
/// let mut client = connector.connect().await?;
/// let mut server = accepted.next().await.expect("one was made");
/// client.write_all(b"hello").await?;
/// let mut heard = [0; 5];
/// server.read_exact(&mut heard).await?;
/// assert_eq!(&heard, b"hello");
/// # Ok(())
/// # }
/// ```
pub fn within() -> (Connector, Accepted) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    (Connector(sender), Accepted(receiver))
}

impl Connector {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When the other half is gone, or the process has no descriptors left.
    pub async fn connect(&self) -> io::Result<Stream> {
        let (ours, theirs) = UnixStream::pair()?;
        let sent = self.0.send(Stream::Unix(theirs)).await;
        sent.map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
        Ok(Stream::Unix(ours))
    }
}

impl Accepted {
    /// The next connection; `None` once there is nobody who could make one.
    pub async fn next(&mut self) -> Option<Stream> {
        self.0.recv().await
    }
}
