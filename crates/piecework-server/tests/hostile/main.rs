//! Peers that mean harm, against a server on a real socket: each is turned away within its limit,
//! learns nothing, and a session that works beside it is served as if it were alone.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod crowds;
mod door;
mod floods;
mod pickles;
#[path = "../support/mod.rs"]
mod support;

use piecework_wire::Value;
use piecework_wire::auth::{CHALLENGE, FAILURE};
use support::{Client, Running, value};
use tokio::io::AsyncReadExt;

/// A session that does its work while others attack.
pub(crate) struct Working {
    client: Client,
    task: String,
    done: i64,
}

impl Working {
    pub(crate) async fn start(server: &Running) -> Self {
        let task = server.create("task").await;
        Self { client: server.main("MainProcess").await, task, done: 0 }
    }

    /// Puts an item, gets it back and settles it.
    pub(crate) async fn is_served(&mut self) {
        self.done += 1;
        self.client.put(&self.task, self.done).await;
        assert_eq!(value(self.client.get(&self.task).await), Value::Int(self.done));
        value(self.client.call(Some(&self.task), "ack", &[]).await);
    }

    /// Waits until nobody else has a session, and sees that nothing was left behind.
    pub(crate) async fn is_alone(&mut self) {
        for _ in 0..10_000 {
            let sessions = self.client.call(Some("manager"), "sessions", &[]).await;
            let Value::List(sessions) = value(sessions) else { panic!("sessions() gives a list") };
            if sessions.len() == 1 {
                return self.client.wait_until("task", "ready", 0).await;
            }
            tokio::task::yield_now().await;
        }
        panic!("sessions of peers that have gone are still open");
    }
}

/// Everything that the manager still says to this peer, until it closes the connection. Has no
/// patience of its own, so that under paused time the manager's limits are what ends it.
pub(crate) async fn last_words(client: &mut Client) -> Vec<u8> {
    let mut said = Vec::new();
    // A reset is as good an end as any: the peer has left bytes unread.
    while client.stream.read_buf(&mut said).await.is_ok_and(|read| read > 0) {}
    said
}

/// Takes the manager's challenge off the front of what it said, and checks that it is one.
#[track_caller]
pub(crate) fn after_challenge(said: &[u8]) -> &[u8] {
    const BODY: usize = 59;
    let (challenge, rest) = said.split_at(4 + BODY);
    assert_eq!(challenge[..4], [0, 0, 0, BODY as u8]);
    assert!(challenge[4..].starts_with(CHALLENGE), "{challenge:?}");
    rest
}

/// `#FAILURE#`, as it stands on the wire.
pub(crate) fn failure() -> Vec<u8> {
    [&[0, 0, 0, 9], FAILURE].concat()
}
