//! A session without a socket: the manager's queues for its own process.

use crate::config::ServerError;
use crate::hub::{Called, Hub};
use piecework_state::{Call, Lost, Peer, QueueId, Reply, SessionId, StateError};
use std::sync::Arc;
use tokio::sync::oneshot;

/// A session within the manager's process. It makes the calls that a native client makes, under
/// the same rules: what it holds when it is dropped goes to somebody else.
#[derive(Debug)]
pub struct Local {
    hub: Arc<Hub>,
    session: SessionId,
}

impl Local {
    pub(crate) fn open(hub: Arc<Hub>, name: &str) -> Self {
        let session = hub.open(Peer::native(name));
        Self { hub, session }
    }

    /// The queue of that name, or behind that ident.
    pub fn queue(&self, name: &str) -> Option<QueueId> {
        self.hub.look(|state, _| state.find(name))
    }

    /// Begins a run: the queue of tasks that all runs share, and the ident of a queue for the
    /// results of this one, which ends with this session.
    ///
    /// # Errors
    ///
    /// When there are too many anonymous queues.
    pub fn begin_run(&self) -> Result<(QueueId, String), StateError> {
        let (tasks, results) = self.hub.begin_run(self.session)?;
        let tasks = self.queue(&tasks).expect("it was just given out");
        Ok((tasks, results))
    }

    /// What lists show of this session from now on.
    pub fn announce(&self, note: &str) {
        self.hub.announce(self.session, note.to_owned());
    }

    /// Makes one call, and waits for as long as it takes. A call that is given up (its future is
    /// dropped) takes nothing.
    ///
    /// # Errors
    ///
    /// When the manager could not keep what it had decided, and so stops.
    pub async fn call(&mut self, call: Call) -> Result<Reply, ServerError> {
        let reply = match self.hub.call_queue(self.session, call) {
            Called::Replied(reply) | Called::Served(reply) => reply,
            Called::Parked(reply) => {
                let mut waiting = Waiting { local: self, reply: Some(reply) };
                self.hub.keep_soon().await;
                let reply = waiting.reply.as_mut().expect("just put there").await;
                waiting.reply = None;
                reply.map_err(|_| ServerError::Lost)?
            }
            Called::Lost => return Err(ServerError::Lost),
        };
        let mut telling = Telling { local: self, reply: Some(reply) };
        self.hub.keep().await.map_err(|Lost| ServerError::Lost)?;
        Ok(telling.reply.take().expect("just put there"))
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.hub.end(self.session);
    }
}

/// A call under way; dropped with the call's future, it gives the call up.
struct Waiting<'a> {
    local: &'a Local,
    reply: Option<oneshot::Receiver<Reply>>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(reply) = self.reply.take() {
            self.local.hub.cancel(self.local.session, reply);
        }
    }
}

/// A reply whose decisions are being kept; dropped with the call's future, it is taken back.
struct Telling<'a> {
    local: &'a Local,
    reply: Option<Reply>,
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if let Some(reply) = self.reply.take() {
            self.local.hub.unsent(self.local.session, reply);
        }
    }
}
