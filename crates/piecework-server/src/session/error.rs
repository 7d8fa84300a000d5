//! What went wrong, as the Python exception that the client raises.

use bytes::BytesMut;
use piecework_state::StateError;
use piecework_wire::{WireError, reply};

/// An exception of the standard library, named so that every Python 3 finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PyError {
    module: &'static str,
    class: &'static str,
    message: Option<String>,
}

impl PyError {
    pub(crate) fn type_error(message: impl Into<String>) -> Self {
        Self { module: "builtins", class: "TypeError", message: Some(message.into()) }
    }

    pub(crate) fn value_error(message: impl Into<String>) -> Self {
        Self { module: "builtins", class: "ValueError", message: Some(message.into()) }
    }

    pub(crate) fn key_error(message: impl Into<String>) -> Self {
        Self { module: "builtins", class: "KeyError", message: Some(message.into()) }
    }

    pub(crate) fn attribute_error(message: impl Into<String>) -> Self {
        Self { module: "builtins", class: "AttributeError", message: Some(message.into()) }
    }

    pub(crate) fn runtime_error(message: impl Into<String>) -> Self {
        Self { module: "builtins", class: "RuntimeError", message: Some(message.into()) }
    }

    pub(crate) fn permission_error(message: impl Into<String>) -> Self {
        Self { module: "builtins", class: "PermissionError", message: Some(message.into()) }
    }

    /// Appends it as a whole reply.
    pub(crate) fn write(&self, out: &mut BytesMut) {
        reply::error(out, self.module, self.class, self.message.as_deref());
    }
}

impl From<StateError> for PyError {
    fn from(error: StateError) -> Self {
        let (module, class) = match error {
            // Under these names, not `_queue.Empty` as CPython pickles it: Python 3.6 has no such
            // module, and all later ones know both.
            StateError::Empty => ("queue", "Empty"),
            StateError::Full | StateError::FullBytes { .. } => ("queue", "Full"),
            StateError::ShutDown => ("queue", "ShutDown"),
            StateError::NotLeased { .. } => ("builtins", "LookupError"),
            StateError::LeasesMax { .. } | StateError::TooMany { .. } => {
                ("builtins", "RuntimeError")
            }
            StateError::NoObject { .. } => ("builtins", "KeyError"),
            _ => ("builtins", "ValueError"),
        };
        // Python raises these three without a word.
        let silent = matches!(error, StateError::Empty | StateError::Full | StateError::ShutDown);
        Self { module, class, message: (!silent).then(|| error.to_string()) }
    }
}

impl From<WireError> for PyError {
    fn from(error: WireError) -> Self {
        Self::type_error(error.to_string())
    }
}
