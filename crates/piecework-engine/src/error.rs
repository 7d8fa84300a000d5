//! What an engine can fail with, and whose fault it is.

/// Why something was not kept, or cannot be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The disk, or what is on it.
    #[error("storage: {0}")]
    Storage(#[from] std::io::Error),
}
