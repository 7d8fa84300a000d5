//! A connected stream, TCP or Unix, with the options that a connection to a manager needs.

use crate::{Address, Peer};
use bytes::{Buf, BufMut};
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, IoSlice, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// How often a silent peer's host is asked, in vain, before the connection ends.
const QUESTIONS: u32 = 3;

/// The pieces that are written at a time: a large reply has three.
const PIECES_MAX: usize = 4;

/// A connected stream.
#[derive(Debug)]
pub enum Stream {
    /// To or from anywhere.
    Tcp(TcpStream),
    /// Within this machine.
    Unix(UnixStream),
}

/// Calls the same method of whichever stream it is.
macro_rules! either {
    ($stream:expr, $it:ident => $call:expr) => {
        match $stream {
            Self::Tcp($it) => $call,
            Self::Unix($it) => $call,
        }
    };
}

impl Stream {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When nobody is there, or cannot be found.
    pub async fn connect(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => TcpStream::connect(address.as_str()).await.map(Self::Tcp),
            Address::Unix(path) => UnixStream::connect(path).await.map(Self::Unix),
        }
    }

    /// Sends at once what is written, and ends the connection when the peer's host has not been
    /// heard of for as long as `silence`: it is asked after half of that, and sent bytes are to be
    /// acknowledged within it. The peer of a Unix socket cannot vanish without a word.
    ///
    /// # Errors
    ///
    /// When the system refuses an option.
    pub fn set_up(&self, silence: Duration) -> io::Result<()> {
        let Self::Tcp(stream) = self else { return Ok(()) };
        stream.set_nodelay(true)?;
        let socket = SockRef::from(stream);
        // The kernel counts in whole seconds, from one on.
        let second = Duration::from_secs(1);
        let keepalive = TcpKeepalive::new()
            .with_time((silence / 2).max(second))
            .with_interval((silence / 2 / QUESTIONS).max(second))
            .with_retries(QUESTIONS);
        socket.set_tcp_keepalive(&keepalive)?;
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(silence))?;
        Ok(())
    }

    /// Acknowledges what has been read, now. CPython leaves Nagle's algorithm on: what it writes in
    /// two pieces comes only when the first is acknowledged, which the kernel would put off for
    /// 40 ms. The option does not last, so it is set again after each read that leaves us waiting
    /// for the rest of something. Where the system has no such option, that wait remains.
    pub fn acknowledge_now(&self) {
        #[cfg(target_os = "linux")]
        if let Self::Tcp(stream) = self
            && let Err(error) = SockRef::from(stream).set_tcp_quickack(true)
        {
            tracing::debug!(%error, "TCP_QUICKACK");
        }
    }

    /// Who is at the other end.
    ///
    /// # Errors
    ///
    /// When the connection has ended already.
    pub fn peer(&self) -> io::Result<Peer> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().map(Peer::Host),
            Self::Unix(stream) => {
                let credentials = stream.peer_cred()?;
                // 0 is a process that cannot be seen from here, in another container.
                let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok());
                Ok(Peer::Process { pid: pid.filter(|pid| *pid > 0), user: credentials.uid() })
            }
        }
    }

    /// Writes all of it, as far as that can be done without waiting; what was not written remains.
    ///
    /// # Errors
    ///
    /// What has ended the connection.
    pub fn poll_write_all(
        &mut self,
        context: &mut Context<'_>,
        bytes: &mut impl Buf,
    ) -> Poll<io::Result<()>> {
        while bytes.has_remaining() {
            let one = bytes.chunk();
            let written = if one.len() == bytes.remaining() {
                // The kernel spends less on a piece than on a list of one piece.
                ready!(Pin::new(&mut *self).poll_write(context, one))?
            } else {
                let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
                let count = bytes.chunks_vectored(&mut pieces);
                let pieces = pieces.get(..count).unwrap_or_default();
                ready!(Pin::new(&mut *self).poll_write_vectored(context, pieces))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            bytes.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Asks the system, whatever the runtime has heard of the socket so far, for up to as many
    /// bytes as `buffer` has room for; 0 at the end.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is nothing, or what has ended the connection.
    pub fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(self, stream => (&*SockRef::from(stream)).read(buffer))
    }

    /// Reads what there is, without waiting; 0 at the end.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is nothing, or what has ended the connection.
    pub fn try_read_buf(&self, buffer: &mut impl BufMut) -> io::Result<usize> {
        either!(self, stream => stream.try_read_buf(buffer))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_read(context, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(context, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(context))
    }
}
