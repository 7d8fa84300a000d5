//! A manager as a user starts it, and what reaches it.

use super::{Started, TestCommand, piecework};
use piecework::{Key, RawQueue};
use rustix::process::Signal;

const KEY: &str = "a key for tests only";

pub(crate) struct Manager {
    pub(crate) serve: Started,
    pub(crate) address: String,
}

impl Manager {
    /// Starts one on a port of its own.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let serve = piecework(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        let mut serve = serve.env("PIECEWORK_AUTHKEY", KEY).start();
        let address = serve.line().strip_prefix("listening on ").unwrap().to_owned();
        Self { serve, address }
    }

    /// A command that talks to it.
    pub(crate) fn command(&self, words: &[&str]) -> TestCommand {
        piecework(words).env("PIECEWORK_AUTHKEY", KEY).env("PIECEWORK_CONNECT", &self.address)
    }

    /// One of its queues.
    pub(crate) async fn open(&self, queue: &str) -> RawQueue {
        let manager = piecework::Manager::connect(&self.address, Key::new(KEY)).await.unwrap();
        manager.raw_queue(queue).await.unwrap()
    }

    /// Stops it as a supervisor does.
    pub(crate) fn stop(self) {
        self.serve.signal(Signal::TERM);
        assert_eq!(self.serve.end().code, 0);
    }
}
