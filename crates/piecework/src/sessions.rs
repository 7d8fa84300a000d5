//! The sessions over which a program uses a manager's objects: one that all calls share which are
//! answered at once, and one for each call that waits and each lock that is held.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::Error;
use crate::place::Place;
use crate::session::Session;

/// Sessions that are kept for whoever waits next; what is more than that is closed.
const IDLE_MAX: usize = 32;

/// How long a manager that was reached once may be away: as long as a restart on a slow disk takes,
/// and more.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long it is until a manager that could not be reached is tried again: at first, and at most.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

#[derive(Debug)]
pub(crate) struct Sessions {
    place: Place,
    patience: Duration,
    shared: tokio::sync::Mutex<Option<Session>>,
    idle: Mutex<Vec<Session>>,
}

impl Sessions {
    pub(crate) fn new(place: Place, patience: Duration) -> Self {
        Self { place, patience, shared: Default::default(), idle: Mutex::default() }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// A new session.
    pub(crate) async fn session(&self) -> Result<Session, Error> {
        Session::open(&self.place).await
    }

    /// The session for calls that are answered at once.
    pub(crate) async fn shared(&self) -> Result<Session, Error> {
        let mut shared = self.shared.lock().await;
        if let Some(session) = shared.as_ref().filter(|session| !session.is_closed()) {
            return Ok(session.clone());
        }
        let session = self.patiently(|| self.session()).await?;
        *shared = Some(session.clone());
        Ok(session)
    }

    /// A session of one's own.
    pub(crate) async fn seat(self: Arc<Self>) -> Result<Seat, Error> {
        while let Some(session) = self.pop() {
            if !session.is_closed() {
                return Ok(Seat { session, sessions: self });
            }
        }
        let session = self.patiently(|| self.session()).await?;
        Ok(Seat { session, sessions: self })
    }

    /// Tries again and again while the manager is away.
    pub(crate) async fn patiently<R, F: Future<Output = Result<R, Error>>>(
        &self,
        reach: impl Fn() -> F,
    ) -> Result<R, Error> {
        // None is later than any clock will show.
        let until = Instant::now().checked_add(self.patience);
        let [mut pause, pause_max] = BACK_OFF;
        loop {
            match reach().await {
                Err(error @ (Error::Unreachable { .. } | Error::Closed { .. })) => {
                    if until.is_some_and(|until| Instant::now() + pause > until) {
                        return Err(error);
                    }
                    tracing::debug!(%error, ?pause, "trying again");
                }
                reached => return reached,
            }
            sleep(pause).await;
            pause = (pause * 2).min(pause_max);
        }
    }

    fn pop(&self) -> Option<Session> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// A session of one's own. Dropped, it ends, and with it whatever waits or is held by it.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) session: Session,
    sessions: Arc<Sessions>,
}

impl Seat {
    /// Nothing waits and nothing is held over it any more.
    pub(crate) fn give_back(self) {
        let mut idle = self.sessions.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(self.session);
        }
    }
}
