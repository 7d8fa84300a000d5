//! What a policy sees in a payload, and why it says no.
use thiserror::Error;

use crate::WireError;

/// One import that a pickle asks for: a module, and a name in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import<'a> {
    /// What the pickle says.
    pub asked: (&'a str, &'a str),
    /// What an unpickler of Python 3 imports for it.
    pub found: (&'a str, &'a str),
}

/// Why a payload is not let in.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// It names a class or function that is not on the list.
    #[error(
        "{name} is not let in by the payload policy `data`; hint: `--allow-class '{name}'` lets it \
         in, for anybody who has the key, with any arguments"
    )]
    Class {
        /// Module and name, as they are imported.
        name: String,
    },
    /// It uses numpy's names otherwise than for an array of numbers, dates, texts or bytes.
    #[error(
        "numpy is let in by the payload policy `data` only for arrays of numbers, dates, texts and \
         bytes, without fields; hint: `--allow-class 'numpy.*'` lets in all of numpy, which can be \
         made to run foreign code"
    )]
    Numpy,
    /// It encodes text otherwise than Python's picklers do where they write bytes.
    #[error(
        "str, bytes, bytearray and _codecs.encode are let in by the payload policy `data` only to \
         be called, with no codec but 'latin1'; hint: `--allow-class 'builtins.*'` and \
         `--allow-class '_codecs.*'` let in all there is, which can be made to run foreign code"
    )]
    Codec,
    /// It changes a class, and so all that the reader makes of it.
    #[error(
        "a payload that changes a class is not let in by the payload policy `data`; hint: \
         `--payloads any` lets everything in"
    )]
    ClassChanged,
    /// It refers to something that only its reader could tell.
    #[error(
        "{what} is not let in by the payload policy `data`, for what it stands for cannot be known; \
         hint: `--payloads any` lets everything in"
    )]
    Unresolved {
        /// What cannot be resolved.
        what: String,
    },
    /// It is no pickle.
    #[error(transparent)]
    Unreadable(#[from] WireError),
}

/// A pattern that cannot be meant.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PatternError {
    /// It would allow everything.
    #[error("the pattern '*' would let in everything; hint: that is `--payloads any`")]
    Everything,
    /// It does not say which module.
    #[error("the pattern '{0}' names no module; hint: write 'mypkg.{0}', or '{0}.*' for a module")]
    NoModule(String),
    /// It is of no known form.
    #[error("the pattern '{0}' is not of the form 'mypkg.Thing' or 'mypkg.*'")]
    Form(String),
}
