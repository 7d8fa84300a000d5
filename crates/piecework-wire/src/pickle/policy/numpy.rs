//! How numpy pickles an array, so that an array can be told from what merely uses the same names.
//!
//! Two methods of numpy take what they are given on trust, and so can be made to overwrite memory:
//! `dtype.__setstate__` believes a dtype's flags (that its bytes hold no pointers) and the places of
//! its fields, and `ndarray.__setstate__` believes the length of a list of objects, and lets go of
//! the memory that other arrays may look into. So an array is let in only where
//!
//! - its dtype is of numbers, dates, texts or bytes, made from its name as a literal, and the state
//!   set on it is the one, to the letter, that numpy gives to a dtype of that name;
//! - the state of each is set once, before anybody else could have got hold of it;
//! - the array whose state is set is made with the shape `(0,)`, for numpy mistakes how much memory
//!   to let go of any other, and with the dtype `b`, for of another text numpy compiles a part;
//! - the shape is literal, and the product of its numbers is one.
//!
//! Arrays of objects, structured arrays and subclasses are not let in by the built-in list.
use std::borrow::Cow;

use super::item::{Item, Kind, Part, State, Use};

impl Kind {
    fn read(text: &str) -> Option<Self> {
        let (letter, count) = text.split_at_checked(1)?;
        let letter = letter.chars().next().filter(|letter| "bcfimuMSUV".contains(*letter))?;
        let digits = count.bytes().all(|byte| byte.is_ascii_digit());
        Some(Self { letter, count: count.parse().ok().filter(|_| digits)? })
    }

    /// The state that numpy gives to a dtype of this kind.
    fn state(self) -> Option<State> {
        const CODE_POINT_BYTES: i32 = 4;
        /// Of texts: memory for them is filled with zeros.
        const NEEDS_INIT: u8 = 8;
        let count = i32::try_from(self.count).ok()?;
        let fixed = State { version: 3, element_bytes: -1, alignment: -1, flags: 0 };
        Some(match self.letter {
            'S' | 'V' => State { element_bytes: count, alignment: 1, ..fixed },
            'U' => State {
                element_bytes: count.checked_mul(CODE_POINT_BYTES)?,
                alignment: 4,
                flags: NEEDS_INIT,
                ..fixed
            },
            'm' | 'M' => State { version: 4, ..fixed },
            _ => fixed,
        })
    }
}

/// What a tuple of such items is to numpy; `text` reads the literals among them.
pub(super) fn tuple<'a>(items: &[Item], text: impl Fn(usize) -> Option<Cow<'a, str>>) -> Item {
    use Item::{Dtype, Name, Number, Numbers, Text};
    match *items {
        [Text(name), Number(0), Number(1)] => {
            text(name).and_then(|name| Kind::read(&name)).map_or(Item::Other, Item::DtypeArgs)
        }
        [Number(version), Text(order), Item::None, Item::None, Item::None, ref rest @ ..] => {
            let order = text(order).filter(|order| ["<", ">", "|", "="].contains(&&**order));
            order.and_then(|_| state(version, rest)).map_or(Item::Other, Item::DtypeState)
        }
        [Name(Use::Numpy(Part::Ndarray)), Numbers { is_zero: true }, Item::LetterB] => {
            Item::ReconstructArgs
        }
        [Number(1), Numbers { .. }, Dtype, Number(0 | 1), _] => Item::ArrayState,
        [_, Dtype, Numbers { .. }, Text(_)] | [_, Dtype, Numbers { .. }, Text(_), _] => {
            Item::FromBufferArgs
        }
        [Dtype, _] => Item::ScalarArgs,
        _ if is_shape(items) => Numbers { is_zero: matches!(items, [Number(0)]) },
        [_] => Item::One,
        _ => Item::Other,
    }
}

/// The state of a dtype that has no fields; version 4 adds the unit of dates, which numpy checks.
fn state(version: i64, rest: &[Item]) -> Option<State> {
    let ((3, numbers) | (4, [numbers @ .., _])) = (version, rest) else { return None };
    let [Item::Number(element_bytes), Item::Number(alignment), Item::Number(flags)] = *numbers
    else {
        return None;
    };
    Some(State {
        version: u8::try_from(version).ok()?,
        element_bytes: i32::try_from(element_bytes).ok()?,
        alignment: i8::try_from(alignment).ok()?,
        flags: u8::try_from(flags).ok()?,
    })
}

/// Whether these are literal numbers that are not negative, and their product is a number too. A 0
/// counts as 1, for numpy multiplies some before it meets the 0.
fn is_shape(items: &[Item]) -> bool {
    let product = items.iter().try_fold(1_i64, |product, item| match item {
        Item::Number(number @ 0..) => product.checked_mul((*number).max(1)),
        _ => None,
    });
    product.is_some()
}

/// What the part returns when it is called with such a tuple; `None` if numpy never calls it so.
pub(super) fn call(part: Part, args: Item) -> Option<Item> {
    match (part, args) {
        (Part::Dtype, Item::DtypeArgs(kind)) => Some(Item::waiting(Some(kind))),
        (Part::Reconstruct, Item::ReconstructArgs) => Some(Item::waiting(None)),
        (Part::FromBuffer, Item::FromBufferArgs) | (Part::Scalar, Item::ScalarArgs) => {
            Some(Item::Array)
        }
        _ => None,
    }
}

/// What a dtype of this kind, or an array (without one), is once such a state was set on it;
/// `None` if numpy never sets it so.
pub(super) fn complete(kind: Option<Kind>, state: Item) -> Option<Item> {
    match (kind, state) {
        (Some(kind), Item::DtypeState(state)) => {
            (kind.state() == Some(state)).then_some(Item::Dtype)
        }
        (None, Item::ArrayState) => Some(Item::Array),
        _ => None,
    }
}
