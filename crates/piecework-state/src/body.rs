//! The bytes of an item, which need not be in memory while nobody wants them.

use bytes::Bytes;

/// The longest bytes that lie in a buffer with others.
pub(crate) const SHARED_BYTES_MAX: usize = 256;

/// The bytes that were put; the state never looks inside.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Body {
    /// These.
    Here(Bytes),
    /// So many, and only the engine has them.
    Away(u64),
}

impl Body {
    /// How many bytes there are, wherever they are.
    pub fn len(&self) -> u64 {
        match self {
            Self::Here(bytes) => bytes.len() as u64,
            Self::Away(len) => *len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, if they are in memory.
    pub fn here(&self) -> Option<&Bytes> {
        match self {
            Self::Here(bytes) => Some(bytes),
            Self::Away(_) => None,
        }
    }

    /// Has its bytes to itself. Few bytes lie in a buffer with those of other items, which lives as
    /// long as any of them: one that stays behind is not to hold on to the others.
    pub(crate) fn stand_apart(&mut self) {
        if let Self::Here(bytes) = self
            && bytes.len() <= SHARED_BYTES_MAX
        {
            *bytes = Bytes::copy_from_slice(bytes);
        }
    }

    /// How many bytes are in memory.
    pub(crate) fn resident(&self) -> u64 {
        self.here().map_or(0, |bytes| bytes.len() as u64)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Here(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Here(bytes.into())
    }
}
