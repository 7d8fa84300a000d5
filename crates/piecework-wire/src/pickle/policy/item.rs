//! What the inspection knows of an item on the stack: the words that its rules are said in.
use std::num::NonZeroU32;

use super::refused::Refused;

/// What is known of an item on the stack, or in the memo.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    /// Data, or what an allowed class made of data.
    Other,
    /// A literal None.
    None,
    /// A literal number or bool.
    Number(i64),
    /// A literal str, pushed by the opcode at this place.
    Text(usize),
    /// An allowed class or function.
    Name(Use),
    /// A tuple of literal numbers that can be a shape; whether it is `(0,)`.
    Numbers { is_zero: bool },
    /// A literal `b"b"`, or `b` in other quotes: numpy's letter for bytes.
    LetterB,
    /// A tuple of one thing.
    One,
    /// Anything, and the literal name of Latin-1; whether that makes `b"b"`.
    Latin1Args { letter_b: bool },
    /// Arguments to make a dtype.
    DtypeArgs(Kind),
    /// What may be set on a dtype.
    DtypeState(State),
    /// A complete dtype.
    Dtype,
    /// Arguments to make an empty array.
    ReconstructArgs,
    /// What may be set on an empty array.
    ArrayState,
    /// Arguments to make an array from bytes.
    FromBufferArgs,
    /// Arguments to make a scalar.
    ScalarArgs,
    /// A complete array, or a scalar.
    Array,
    /// A dtype of this kind, or an array (without one), whose state comes next. Nothing may refer
    /// to it until then: `slot` is the memo slot that holds it, counted from 1.
    Waiting { kind: Option<Kind>, slot: Option<NonZeroU32> },
}

const _: () = assert!(size_of::<Item>() == 16, "there may be millions of items");

impl Item {
    pub(super) fn waiting(kind: Option<Kind>) -> Self {
        Self::Waiting { kind, slot: None }
    }

    /// Why nothing may be done with it but what its own rule says, if it has one.
    pub(super) fn otherwise(&self) -> Option<Refused> {
        if let Self::Name(usage) = self { usage.otherwise() } else { None }
    }
}

/// What a name may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Being called with anything, and being a value.
    Any,
    /// Being called with nothing, with one thing, or with anything and the name of Latin-1.
    Latin1,
    /// Being this part of numpy's own way to pickle an array.
    Numpy(Part),
}

impl Use {
    /// Why a name may not be used otherwise.
    pub(super) fn otherwise(self) -> Option<Refused> {
        match self {
            Self::Any => None,
            Self::Latin1 => Some(Refused::Codec),
            Self::Numpy(_) => Some(Refused::Numpy),
        }
    }
}

/// A name of numpy, by the part that it has in pickling an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// `numpy.dtype`, called with `(text, False, True)`.
    Dtype,
    /// `numpy.ndarray`, an argument of `_reconstruct`.
    Ndarray,
    /// `_reconstruct(ndarray, (0,), b"b")`: an empty array, whose state is set then.
    Reconstruct,
    /// `_frombuffer(bytes, dtype, shape, order)`.
    FromBuffer,
    /// `scalar(dtype, bytes)`.
    Scalar,
}

/// What an element of an array is: numpy's letter, and the number beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) letter: char,
    pub(super) count: u32,
}

/// What numpy says of a dtype beyond its name; `-1` where the name says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) version: u8,
    pub(super) element_bytes: i32,
    pub(super) alignment: i8,
    pub(super) flags: u8,
}
