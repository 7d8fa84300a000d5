//! What the thread that keeps decisions is about, so that it is woken only when it sleeps.

/// What the committer is about.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Doing {
    /// It works, or there is none.
    #[default]
    Busy,
    /// It waits to be woken.
    Idle,
    /// Somebody wants it to keep what there is.
    Called,
    /// It is to keep what there is, and end.
    Closing,
    /// It has ended: what is decided now is never kept.
    Ended,
}

impl Doing {
    /// There is new work; true if it has to be woken for that.
    pub(super) fn call(&mut self) -> bool {
        let idle = *self == Self::Idle;
        if matches!(self, Self::Idle | Self::Busy) {
            *self = Self::Called;
        }
        idle
    }
}
