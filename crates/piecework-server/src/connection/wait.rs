//! A call that waits: for its reply, for the end of its client, for the manager's.

use super::Connection;
use crate::ended::Ended;
use crate::hub::Called;
use crate::socket::Broken;
use piecework_state::{Reply, SessionId};
use tokio::sync::oneshot;

impl Connection<'_> {
    /// Waits for a parked call on the object `ident`, and gives back the reply. `None` means that
    /// its client has given it up: the call is cancelled. An error means that the client is gone:
    /// what it waited for goes to others, what it put is let in.
    pub(super) async fn wait(
        &mut self,
        ident: &str,
        mut reply: oneshot::Receiver<Reply>,
    ) -> Result<Option<Reply>, Ended> {
        let hub = &*self.shared.hub;
        let Some(mut id) = self.open.as_ref().map(|open| open.id) else { return Ok(None) };
        self.socket.forget_frame();
        // Whoever asked for more before waits for those replies.
        if let Err(gone) = self.flush().await {
            hub.abandon(id, reply);
            return Err(gone.into());
        }
        // It may have acked something, and its reply may be long in coming.
        hub.keep_soon().await;
        let gives_way = self.open.as_ref().is_some_and(|open| open.native)
            && hub.look(|state, _| state.waits_to_lease(id));
        loop {
            if self.is_interrupted() {
                hub.cancel(id, reply);
                return Ok(None);
            }
            // Whoever settles by id does so over this connection: it must not have to wait.
            if gives_way && self.socket.unread() > 0 {
                hub.cancel(id, reply);
                return Ok(Some(Reply::Leases(Vec::new())));
            }
            let listening = self.socket.unread() < self.shared.limits.pipeline_bytes_max;
            let heard = tokio::select! {
                biased;
                served = &mut reply => {
                    let Ok(served) = served else { return Err(self.lost().await.into()) };
                    // Served at the same moment as its end came: it must not take the item along.
                    if listening && let Err(gone) = self.socket.look_closely() {
                        hub.unsent(id, served);
                        return Err(gone.into());
                    }
                    return Ok(Some(served));
                }
                heard = async {
                    match listening {
                        true => self.socket.more().await,
                        false => Err(self.socket.stopping().await.into()),
                    }
                } => heard,
            };
            match heard {
                Ok(()) => {}
                // Nobody knows which process made the call: whoever inherited the connection may
                // wait for the reply.
                Err(Broken::Orphaned) => {
                    let called;
                    (id, called) = self.hand_over(id, ident, reply);
                    reply = match called {
                        Called::Replied(reply) | Called::Served(reply) => return Ok(Some(reply)),
                        Called::Parked(reply) => reply,
                        Called::Lost => return Err(self.lost().await.into()),
                    };
                }
                Err(gone) => {
                    match self.socket.is_stopping() {
                        // Its client lives, and knows that it got no reply.
                        true => hub.cancel(id, reply),
                        false => hub.abandon(id, reply),
                    }
                    return Err(gone.into());
                }
            }
        }
    }

    /// The process of the client has ended while its call waits, and the connection has not: the
    /// call goes on waiting in the session of whoever inherited the connection.
    fn hand_over(
        &mut self,
        id: SessionId,
        ident: &str,
        reply: oneshot::Receiver<Reply>,
    ) -> (SessionId, Called) {
        self.socket.process().forget();
        let (heir, called) = self.shared.hub.hand_over(id, ident, reply);
        if let Some(open) = &mut self.open {
            open.id = heir;
        }
        (heir, called)
    }
}
