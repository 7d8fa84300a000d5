//! Why a value cannot be said as plain data, or read from it.

use std::fmt::{self, Display};

/// Why a value cannot be said as plain data, or read from it.
#[derive(Debug)]
pub(crate) struct NotData(pub(super) String);

impl Display for NotData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotData {}

impl serde::ser::Error for NotData {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl serde::de::Error for NotData {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}
