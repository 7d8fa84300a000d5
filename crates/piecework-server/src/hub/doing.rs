//! What the thread that keeps decisions is about, so that it is woken only when it sleeps.

/// What the committer is about.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Doing {
    /// It works, or there is none: it looks for more by itself.
    #[default]
    Busy,
    /// It waits to be woken.
    Idle,
    /// It is to keep what there is, and end.
    Closing,
}

impl Doing {
    /// Whether it has to be woken for new work.
    pub(super) fn call(&mut self) -> bool {
        let idle = *self == Self::Idle;
        if idle {
            *self = Self::Busy;
        }
        idle
    }
}
