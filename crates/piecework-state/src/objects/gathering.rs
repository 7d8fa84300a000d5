//! Waiting at a barrier until all are there.

use super::awaits::Awaits;
use super::barrier::Barrier;
use super::object::What;
use super::target::Target;
use crate::call::{Outcome, Reply};
use crate::error::StateError;
use crate::patience::Wait;
use crate::session::Waits;
use crate::state::{Served, State};
use crate::{ObjectId, SessionId};

impl State {
    pub(super) fn wait_at_barrier(
        &mut self,
        session: SessionId,
        id: ObjectId,
        wait: Wait,
        out: &mut Outcome,
    ) -> Served {
        let Some(barrier) = self.barrier(id) else { return Ok(Some(Reply::None)) };
        if barrier.is_broken {
            return Err(StateError::BrokenBarrier);
        }
        let is_last = barrier.line.len() as u64 + 1 >= barrier.parties;
        if wait == Wait::No && !is_last {
            self.break_barrier(id, true, out)?;
            return Err(StateError::BrokenBarrier);
        }
        if !is_last {
            return self.park(session, Target::Object(id), Waits::Object(Awaits::Others), wait);
        }
        // All are there: each is told its place.
        let mut place = 0;
        while let Some(first) = self.first_at_barrier(id) {
            self.unpark(first);
            out.woken.push((first, Reply::Count(place)));
            place += 1;
        }
        Ok(Some(Reply::Count(place)))
    }

    /// `abort()` and `reset()`: whoever waits does so in vain; the barrier stays broken, or not.
    pub(super) fn break_barrier(
        &mut self,
        id: ObjectId,
        for_good: bool,
        out: &mut Outcome,
    ) -> Served {
        while let Some(first) = self.first_at_barrier(id) {
            self.unpark(first);
            out.woken.push((first, Reply::Error(StateError::BrokenBarrier)));
        }
        if let Some(barrier) = self.barrier(id) {
            barrier.is_broken = for_good;
        }
        Ok(Some(Reply::None))
    }

    fn first_at_barrier(&mut self, id: ObjectId) -> Option<SessionId> {
        self.barrier(id)?.line.first()
    }

    fn barrier(&mut self, id: ObjectId) -> Option<&mut Barrier> {
        match &mut self.objects.get_mut(&id)?.what {
            What::Barrier(barrier) => Some(barrier),
            _ => None,
        }
    }
}
