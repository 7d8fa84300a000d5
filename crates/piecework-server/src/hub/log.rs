//! What the log says of what was decided.

use piecework_state::Note;

/// Says in the log what somebody should know.
pub(super) fn log(note: &Note) {
    match note {
        Note::Unanswered { session, queue, leases, acked, lost } => {
            let ended = if *lost { "was lost" } else { "left" };
            if *acked {
                // So ends every master that has read its last result.
                tracing::debug!(
                    "session {session} {ended} with {leases} items of '{queue}' unanswered; in mode \
                     auto they count as done; hint: answers=NAME gives them to another worker"
                );
            } else {
                tracing::info!(
                    "session {session} {ended} with {leases} items of '{queue}' unanswered; they \
                     go to other workers"
                );
            }
        }
        Note::Late { session, queue, item } => tracing::warn!(
            "session {session} answered item {item} of '{queue}' after its lease had run out; \
             the answer was dropped; hint: a longer lease=, or extend()"
        ),
        Note::LockFreed { session, lock } => tracing::warn!(
            "session {session} was lost while it held '{lock}'; it is free again, and whoever has \
             it next may find things half done"
        ),
        Note::Forgotten { ident } => tracing::info!(
            "'{ident}' is gone: the processes that knew it have ended and not released it"
        ),
        Note::Died { queue, item, attempts } => {
            tracing::warn!("item {item} of '{queue}' is dead after {attempts} failed attempts")
        }
        Note::Expired { queue, items } => tracing::info!(
            "{items} items of '{queue}' were dropped: nobody fetched them within its expire="
        ),
        Note::LeasesMax { session, queue } => tracing::warn!(
            "session {session} holds as many items of '{queue}' as it may and settles none; \
             hint: ack=none for a queue whose consumers never answer"
        ),
    }
}
