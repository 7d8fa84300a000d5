//! What went wrong, as the Python exception that the client raises.

use bytes::BytesMut;
use piecework_state::StateError;
use piecework_wire::{Refused, WireError, reply};

/// An exception of the standard library, named so that every Python 3 finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PyError {
    module: &'static str,
    class: &'static str,
    message: Option<String>,
    /// Whether the payload policy says no, which somebody should read in the log.
    refusal: bool,
}

impl PyError {
    fn builtin(class: &'static str, message: impl Into<String>) -> Self {
        Self { module: "builtins", class, message: Some(message.into()), refusal: false }
    }

    /// What the payload policy says to the item of a put.
    pub(crate) fn refused(why: &Refused) -> Self {
        Self { refusal: true, ..Self::type_error(why.to_string()) }
    }

    /// The words of a refusal by the payload policy.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.message.as_deref().filter(|_| self.refusal)
    }

    pub(crate) fn type_error(message: impl Into<String>) -> Self {
        Self::builtin("TypeError", message)
    }

    pub(crate) fn value_error(message: impl Into<String>) -> Self {
        Self::builtin("ValueError", message)
    }

    pub(crate) fn index_error(message: impl Into<String>) -> Self {
        Self::builtin("IndexError", message)
    }

    pub(crate) fn key_error(message: impl Into<String>) -> Self {
        Self::builtin("KeyError", message)
    }

    pub(crate) fn lookup_error(message: impl Into<String>) -> Self {
        Self::builtin("LookupError", message)
    }

    pub(crate) fn attribute_error(message: impl Into<String>) -> Self {
        Self::builtin("AttributeError", message)
    }

    pub(crate) fn runtime_error(message: impl Into<String>) -> Self {
        Self::builtin("RuntimeError", message)
    }

    pub(crate) fn permission_error(message: impl Into<String>) -> Self {
        Self::builtin("PermissionError", message)
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
            StateError::Full
            | StateError::FullBytes { .. }
            | StateError::FullItems { .. }
            | StateError::FullDisk => ("queue", "Full"),
            StateError::ShutDown => ("queue", "ShutDown"),
            StateError::NotLeased { .. } | StateError::NotDead { .. } => {
                ("builtins", "LookupError")
            }
            StateError::LeasesMax { .. }
            | StateError::TooMany { .. }
            | StateError::KeysMax { .. } => ("builtins", "RuntimeError"),
            StateError::Raised { class, .. } => ("builtins", class),
            StateError::NoObject { .. } => ("builtins", "KeyError"),
            StateError::NotHeld { .. } | StateError::UnAcquired { .. } | StateError::NotLocked => {
                ("builtins", "RuntimeError")
            }
            StateError::NoMethod { .. } => ("builtins", "AttributeError"),
            StateError::BrokenBarrier => ("threading", "BrokenBarrierError"),
            _ => ("builtins", "ValueError"),
        };
        // Python raises these without a word.
        let silent = match &error {
            StateError::Empty
            | StateError::Full
            | StateError::ShutDown
            | StateError::BrokenBarrier => true,
            StateError::Raised { message, .. } => message.is_empty(),
            _ => false,
        };
        Self { module, class, message: (!silent).then(|| error.to_string()), refusal: false }
    }
}

impl From<WireError> for PyError {
    fn from(error: WireError) -> Self {
        Self::type_error(error.to_string())
    }
}
