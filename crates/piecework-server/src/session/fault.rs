//! Why a conversation cannot go on.

use piecework_wire::WireError;

/// Why a conversation cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The peer does not know the key; `#FAILURE#` is in `out`.
    #[error("{0}")]
    Refused(#[source] piecework_wire::auth::AuthError),
    /// The peer breaks the protocol.
    #[error("{0}")]
    Wire(#[from] WireError),
    /// The peer says something else than the handshake asks for.
    #[error("handshake: expected {expected}, got {got} bytes that are not it")]
    Handshake {
        /// What should have come.
        expected: &'static str,
        /// How many bytes came.
        got: usize,
    },
}
