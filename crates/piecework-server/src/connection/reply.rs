//! Replies: gathered in a buffer while there are requests, then written together, once what they
//! tell of is kept. What they carry goes back if they cannot be sent.

use super::Connection;
use crate::ended::Ended;
use crate::hub::Called;
use crate::limits::{COPY_BYTES_MAX, OUT_BYTES_KEPT};
use crate::session::{self, PyError};
use bytes::{Buf, BytesMut};
use piecework_state::Reply;
use std::io;

/// Where a reply ends that is written for itself, behind the buffer.
const LARGE: usize = usize::MAX;

/// What a client is told whose call was decided and not kept.
const NOT_KEPT: &str = "the manager could not keep what it had decided, and stops; it is not known \
     whether this call was kept; hint: the manager's log says why";

impl Connection<'_> {
    /// Sends what a call on the object `ident` came to, or will come to.
    pub(super) async fn answer(&mut self, ident: &str, called: Called) -> Result<(), Ended> {
        match called {
            Called::Replied(reply) => self.reply(reply).await,
            Called::Served(reply) => {
                // Who has waited goes first: it saves him the time that a reply takes to be sent.
                // Where there is something to keep, he does in any case.
                if self.shared.hub.is_kept() {
                    tokio::task::yield_now().await;
                }
                self.reply(reply).await
            }
            Called::Lost => Err(self.lost().await.into()),
            Called::Parked(reply) => match self.wait(ident, reply).await? {
                Some(reply) => self.reply(reply).await,
                None => Ok(()),
            },
        }
    }

    /// Sends a reply with the next flush; or takes it back if nobody waits for it any more.
    pub(super) async fn reply(&mut self, reply: Reply) -> Result<(), Ended> {
        let Some(open) = &self.open else { return Ok(()) };
        if self.is_interrupted() {
            open.hub.unsent(open.id, reply);
            return Ok(());
        }
        let out = &mut self.session.out;
        let large = session::write(&reply, COPY_BYTES_MAX, out);
        let end = if large.is_some() { LARGE } else { out.len() };
        self.unsent.push(end, reply);
        match large {
            Some(large) => Ok(Box::pin(self.send_large(large)).await?),
            None => Ok(()),
        }
    }

    /// Something that was decided could not be kept: the client is told so instead of all that was
    /// gathered for it, and the connection ends.
    pub(super) async fn lost(&mut self) -> io::Error {
        self.take_back();
        PyError::runtime_error(NOT_KEPT).write(&mut self.session.out);
        // It ends either way.
        let _ = self.write_out().await;
        io::Error::other(NOT_KEPT)
    }

    /// Writes what the session has to say, once it may. What replies carry that cannot be sent goes
    /// back.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        if !self.session.out.is_empty() && self.may_tell().await? {
            self.write_out().await?;
        }
        Ok(())
    }

    /// Has what was decided until now kept; false if nobody waits to be told any more.
    async fn may_tell(&mut self) -> io::Result<bool> {
        if self.shared.hub.is_kept() { Ok(true) } else { Box::pin(self.keep()).await }
    }

    /// Waits until what the replies tell of is kept; false if its client has made another call
    /// meanwhile. One that is gone must not take its items along.
    async fn keep(&mut self) -> io::Result<bool> {
        if self.shared.hub.keep().await.is_err() {
            return Err(self.lost().await);
        }
        if self.socket.unread() < self.shared.limits.pipeline_bytes_max
            && let Err(gone) = self.socket.look()
        {
            self.take_back();
            return Err(gone);
        }
        let interrupted = self.is_interrupted();
        if interrupted {
            self.take_back();
        }
        Ok(!interrupted)
    }

    /// Drops what was gathered.
    fn take_back(&mut self) {
        self.session.out.clear();
        if let Some(open) = &self.open {
            self.unsent.beyond(0).for_each(|reply| open.hub.unsent(open.id, reply));
        }
    }

    /// Writes what the session has to say, whatever that is.
    pub(super) async fn write_out(&mut self) -> io::Result<()> {
        let out = &mut self.session.out;
        if out.is_empty() {
            return Ok(());
        }
        let mut left = &out[..];
        let sent = self.socket.write(&mut left).await;
        let written = out.len() - left.len();
        match out.capacity() <= OUT_BYTES_KEPT {
            true => out.clear(),
            false => *out = BytesMut::new(),
        }
        self.settle(&sent, written);
        sent
    }

    /// Writes what the session has to say, and then a reply that is too long to be copied.
    async fn send_large(&mut self, large: session::Large) -> io::Result<()> {
        self.socket.forget_frame();
        if !self.may_tell().await? {
            return Ok(());
        }
        self.write_out().await?;
        let head = Buf::chain(large.head.as_slice(), large.body);
        let sent = self.socket.write(&mut Buf::chain(head, large.tail)).await;
        self.settle(&sent, if sent.is_ok() { LARGE } else { 0 });
        sent
    }

    /// What replies carry goes back if it was not sent: that of those which end behind what was
    /// written. After a success these are still to be sent.
    fn settle(&mut self, sent: &io::Result<()>, written: usize) {
        match (sent, &self.open) {
            (Err(_), Some(open)) => {
                self.unsent.beyond(written).for_each(|reply| open.hub.unsent(open.id, reply));
            }
            _ => self.unsent.written(written),
        }
    }
}
