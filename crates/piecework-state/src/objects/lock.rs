//! Locks: `Lock`, `RLock`, and the one within a `Condition`.
//!
//! The owner of an `RLock` is the session, as CPython's is the thread that serves a connection. A
//! `Lock` may be released by anybody. Whoever crashes lets go of both; whoever ends in good order
//! keeps what he holds, as in CPython: he may have left it to somebody else to release.

use crate::SessionId;
use crate::error::StateError;
use crate::waiters::Line;

/// A lock, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Lock {
    reentrant: bool,
    pub(super) holding: Option<Holding>,
    pub(super) line: Line,
}

/// That somebody has it.
#[derive(Debug)]
pub(super) struct Holding {
    pub(super) holder: SessionId,
    /// How often he has taken it and not released it.
    pub(super) depth: u64,
    /// Greater than that of any earlier holding, of this lock or another.
    pub(super) fence: u64,
}

impl Lock {
    pub(super) fn new(reentrant: bool) -> Self {
        Self { reentrant, ..Self::default() }
    }

    pub(super) fn is_held(&self) -> bool {
        self.holding.is_some()
    }

    pub(super) fn holder(&self) -> Option<SessionId> {
        self.holding.as_ref().map(|holding| holding.holder)
    }

    pub(super) fn fence(&self) -> Option<u64> {
        self.holding.as_ref().map(|holding| holding.fence)
    }

    /// Takes it once more for the one who has it; false where that is not possible.
    pub(super) fn take_again(&mut self, session: SessionId) -> bool {
        match &mut self.holding {
            Some(holding) if self.reentrant && holding.holder == session => {
                holding.depth += 1;
                true
            }
            _ => false,
        }
    }

    /// Lets go of it once; whoever had it, if that was the last time.
    pub(super) fn release(&mut self, session: SessionId) -> Result<Option<SessionId>, StateError> {
        let reentrant = self.reentrant;
        let own = |holding: &&mut Holding| !reentrant || holding.holder == session;
        let holding = self.holding.as_mut().filter(own);
        let holding = holding.ok_or(StateError::NotHeld { reentrant })?;
        holding.depth -= 1;
        let over = holding.depth == 0;
        Ok(self.holding.take_if(|_| over).map(|holding| holding.holder))
    }

    /// Whether this session may do what only the owner may.
    pub(super) fn is_owned_by(&self, session: SessionId) -> bool {
        self.holder() == Some(session)
    }

    /// Lets go of it however often it was taken; that is how often.
    pub(super) fn release_wholly(&mut self) -> u64 {
        self.holding.take().map_or(0, |holding| holding.depth)
    }
}
