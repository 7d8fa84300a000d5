//! Which calls may be made a second time.

/// Whether a call may be made again when the connection has ended before its reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Again {
    /// It changes nothing, or its change ends with the connection.
    Yes,
    /// Nobody knows whether it was done.
    No,
}
