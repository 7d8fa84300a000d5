//! Plain data: what is read and written by us, with Python's equality (`1 == 1.0 == True`).

/// A Python value without classes.
#[derive(Clone, Debug)]
pub enum Value {
    /// `None`.
    None,
    /// A `bool`.
    Bool(bool),
    /// An `int` of 64 bits.
    Int(i64),
    /// Any other `int`: two's complement, little-endian, as short as can be.
    Big(Vec<u8>),
    /// A `float`.
    Float(f64),
    /// A `str`.
    Str(String),
    /// A `bytes`.
    Bytes(Vec<u8>),
    /// A `list`.
    List(Vec<Self>),
    /// A `tuple`.
    Tuple(Vec<Self>),
    /// A `dict`, in its order.
    Dict(Vec<(Self, Self)>),
}
