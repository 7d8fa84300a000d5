//! The sessions over which a program uses a manager's objects: one that all calls share which are
//! answered at once, and one for each call that waits and each lock that is held.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::again::Again;
use crate::error::CallError;
use crate::place::Place;
use crate::session::Session;

/// Sessions that are kept for whoever waits next; what is more than that is closed.
const IDLE_MAX: usize = 32;

/// How long a manager that was reached once may be away: as long as a restart on a slow disk takes,
/// and more.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long it is until a manager that could not be reached is tried again: at first, and at most.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

/// A call that was under way for longer than this was not refused by the end of its connection.
const WELL_UNDER_WAY: Duration = Duration::from_secs(5);

/// The pauses between tries, up to the end of all patience.
struct Pauses {
    /// None is later than any clock will show.
    until: Option<Instant>,
    pause: Duration,
}

impl Pauses {
    fn new(patience: Duration) -> Self {
        let [pause, _] = BACK_OFF;
        Self { until: Instant::now().checked_add(patience), pause }
    }

    /// Waits until it is time to try again; gives the error back if there is no more patience.
    async fn next(&mut self, error: CallError) -> Result<(), CallError> {
        if self.until.is_some_and(|until| Instant::now() + self.pause > until) {
            return Err(error);
        }
        tracing::debug!(%error, pause = ?self.pause, "trying again");
        sleep(self.pause).await;
        let [_, pause_max] = BACK_OFF;
        self.pause = (self.pause * 2).min(pause_max);
        Ok(())
    }
}

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
    pub(crate) async fn session(&self) -> Result<Session, CallError> {
        Session::open(&self.place).await
    }

    /// The session for calls that are answered at once.
    pub(crate) async fn shared(&self) -> Result<Session, CallError> {
        let mut shared = self.shared.lock().await;
        if let Some(session) = shared.as_ref().filter(|session| !session.is_closed()) {
            return Ok(session.clone());
        }
        let session = self.patiently(|| self.session()).await?;
        *shared = Some(session.clone());
        Ok(session)
    }

    /// A session of one's own.
    pub(crate) async fn seat(self: Arc<Self>) -> Result<Seat, CallError> {
        while let Some(session) = self.pop() {
            if !session.is_closed() {
                return Ok(Seat { session, sessions: self });
            }
        }
        let session = self.patiently(|| self.session()).await?;
        Ok(Seat { session, sessions: self })
    }

    /// Tries again and again while the manager is away.
    pub(crate) async fn patiently<R, F: Future<Output = Result<R, CallError>>>(
        &self,
        reach: impl Fn() -> F,
    ) -> Result<R, CallError> {
        let mut pauses = Pauses::new(self.patience);
        loop {
            match reach().await {
                Err(error) if error.is_gone() => pauses.next(error).await?,
                reached => return reached,
            }
        }
    }

    /// Makes a call again that its connection has ended on, if it may be: the first time at once,
    /// and then as patiently as a manager is tried that ends each connection on it.
    pub(crate) async fn again<O, R, F, G>(
        &self,
        again: Again,
        reach: impl Fn() -> F,
        call: impl Fn(O) -> G,
    ) -> Result<R, CallError>
    where
        F: Future<Output = Result<O, CallError>>,
        G: Future<Output = Result<R, CallError>>,
    {
        let mut pauses = None;
        loop {
            let over = reach().await?;
            let begun = Instant::now();
            match call(over).await {
                Err(error) if error.is_closed() && again == Again::Yes => {
                    // What has waited for so long was well under way.
                    if begun.elapsed() > WELL_UNDER_WAY {
                        pauses = None;
                    }
                    match &mut pauses {
                        None => pauses = Some(Pauses::new(self.patience)),
                        Some(pauses) => pauses.next(error).await?,
                    }
                }
                answered => return answered,
            }
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use piecework_wire::auth::Key;
    use tokio::time::advance;

    use super::*;

    fn sessions() -> Sessions {
        Sessions::new(Place::parse("a:1", Key::new("abc")).unwrap(), PATIENCE)
    }

    /// How often it is tried, and after how long it is given up, if it takes so long and fails.
    async fn tries(again: Again, each: Duration) -> (u32, Duration) {
        let (sessions, count, begun) = (sessions(), Cell::new(0), Instant::now());
        let call = |()| async {
            count.set(count.get() + 1);
            advance(if count.get() < 100 { each } else { Duration::ZERO }).await;
            Err::<(), _>(sessions.place().closed("it ended"))
        };
        let error = sessions.again(again, async || Ok(()), call).await.unwrap_err();
        assert!(error.is_closed());
        (count.get(), begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_manager_that_ends_each_connection_is_not_called_without_a_pause() {
        let (count, took) = tries(Again::Yes, Duration::ZERO).await;
        assert!((30..50).contains(&count), "{count} tries");
        assert!(took <= PATIENCE, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_was_well_under_way_is_made_again_whenever_its_connection_ends() {
        let (count, took) = tries(Again::Yes, 2 * PATIENCE).await;
        assert!(count > 100, "{count} tries");
        assert!(took >= 2 * 99 * PATIENCE, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_be_done_by_now_is_not_called_again() {
        assert_eq!(tries(Again::No, Duration::ZERO).await, (1, Duration::ZERO));
    }
}
