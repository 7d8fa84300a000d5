//! What a caller may expect of the reply that he gets at once.

use super::op::{Op, carried};
use super::plan::{Plan, QueuePlan};
use piecework_state::{Reply, StateError};

/// Nobody is turned away, or made to wait, who could be served; `ready` is how many items there
/// were in the queue before the call.
pub(super) fn check_reply(op: &Op, ready: usize, reply: Option<&Reply>, plan: &Plan) {
    let too_many = matches!(reply, Some(Reply::Error(StateError::LeasesMax { .. })));
    match op {
        Op::Take { .. } if ready > 0 && !too_many => {
            let got = reply.is_some_and(|reply| !carried(reply).is_empty());
            assert!(got, "{op} comes to {reply:?} with {ready} items ready");
        }
        Op::Put { queue, keys, delay: None, .. } => {
            let QueuePlan { maxsize, maxbytes, .. } = plan.queue(*queue);
            let room = maxsize == 0 || ready + keys.len() <= maxsize;
            let refused = matches!(reply, Some(Reply::Error(StateError::Full)));
            assert!(
                maxbytes > 0 || !(room && refused),
                "{op} is refused with {ready} of {maxsize} items ready"
            );
            let let_in = matches!(reply, Some(Reply::None));
            assert!(room || !let_in, "{op} is let in with {ready} of {maxsize} items ready");
        }
        _ => {}
    }
}
