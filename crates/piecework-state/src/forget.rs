//! Anonymous objects and queues whose clients were killed: they go when nobody is left who could
//! know them.

use crate::call::{Note, Outcome};
use crate::objects::Group;
use crate::state::State;
use crate::{HandleId, Time};
use std::collections::BTreeSet;

impl State {
    /// Somebody of this process group refers to what the ident leads to, where that is anonymous;
    /// `None` where the group is not known.
    pub fn knows(&mut self, ident: &str, group: Option<Group>) {
        if let Ok((id, of)) = self.look_up(ident)
            && self.is_anonymous(of)
        {
            self.known_to(id, group);
        }
    }

    pub(crate) fn known_to(&mut self, id: HandleId, group: Option<Group>) {
        if let Some(handle) = self.handles.by_id.get_mut(&id) {
            handle.knowers.get_or_insert_default().add(group);
        }
    }

    /// The process groups whose end would be the end of something: whoever can tell looks whether
    /// they are there, and says so by [`State::groups_gone`].
    pub fn groups(&self) -> BTreeSet<Group> {
        let handles = self.handles.by_id.values();
        handles.flat_map(|handle| handle.watched()).copied().collect()
    }

    /// No process of these groups is left, and none will be again: what only they could know goes.
    pub fn groups_gone(&mut self, now: Time, gone: &BTreeSet<Group>) -> Outcome {
        let mut out = Outcome::default();
        let forgotten = self.handles.by_id.iter_mut().filter_map(|(id, handle)| {
            let is_used = handle.is_pinned || !handle.users.is_empty();
            let knowers = handle.knowers.as_mut()?;
            (knowers.forget(|group| gone.contains(group)) && !is_used).then_some(*id)
        });
        let mut forgotten: Vec<HandleId> = forgotten.collect();
        forgotten.sort_unstable();
        for id in forgotten {
            let Some(handle) = self.handles.by_id.get_mut(&id) else { continue };
            let (of, undecided) = (handle.of, std::mem::take(&mut handle.undecided));
            if let Some(name) = self.stem(of) {
                out.notes.push(Note::Forgotten { ident: crate::objects::ident(&name, id) });
            }
            self.decide_all(now, undecided, true, &mut out);
            self.release_handle(now, id, &mut out);
        }
        out
    }
}
