//! The opcode table, protocols 0 to 5: name, operand, effect on the stack.

/// What follows an opcode in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    /// Nothing.
    None,
    /// So many bytes.
    Fixed(u8),
    /// A length of so many bytes, little-endian, then as much data.
    Counted(u8),
    /// As `Counted(4)`, with a signed length.
    CountedSigned,
    /// Text up to a line feed.
    Line,
    /// Two of them.
    TwoLines,
}

/// What an opcode does to the stack. A count never reaches below the topmost mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: framing, and filling the memo.
    Nothing,
    /// Pushes one item.
    Push,
    /// Pops so many items and pushes one made of them.
    Collapse(u8),
    /// Pops all items down to the mark, and the mark, and pushes one made of them.
    CollapseMark,
    /// Pops so many items, which change the item below them.
    Mutate(u8),
    /// Pops all items down to the mark, and the mark, which change the item below.
    MutateMark,
    /// Pushes a mark.
    Mark,
    /// Pops an item, or a mark if that is on top.
    Pop,
    /// Pops all items down to the mark, and the mark.
    PopMark,
    /// Ends the pickle.
    Stop,
    /// Is not let in; the text says why.
    Refused(&'static str),
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opcode {
    /// As in Python's `pickletools`.
    pub(crate) name: &'static str,
    pub(crate) operand: Operand,
    pub(crate) effect: Effect,
}

/// Declares the table, and a constant for the byte of each opcode that code speaks of.
macro_rules! opcodes {
    ($($name:ident $byte:literal $operand:expr, $effect:expr;)*) => {
        $(
            #[allow(dead_code, reason = "the table is complete, the code speaks of some opcodes only")]
            pub(crate) const $name: u8 = $byte;
        )*

        const TABLE: [Opcode; 256] = {
            let unknown = Opcode {
                name: "an unknown opcode",
                operand: Operand::None,
                effect: Effect::Refused("not an opcode of protocols 0 to 5"),
            };
            let mut table = [unknown; 256];
            $(
                #[allow(clippy::indexing_slicing, reason = "a u8 indexes 256 entries")]
                {
                    let (operand, effect) = ($operand, $effect);
                    table[$byte as usize] = Opcode { name: stringify!($name), operand, effect };
                }
            )*
            table
        };
    };
}

use Effect::{Collapse, CollapseMark, Mutate, MutateMark, Nothing, Push, Refused};
use Operand::{Counted, CountedSigned, Fixed, Line, TwoLines};

const NONE_FOLLOWS: Operand = Operand::None;
const OUT_OF_BAND: Effect = Refused("an out-of-band buffer cannot travel in a message");
const PERSISTENT: Effect = Refused("a persistent id means nothing to another process");

opcodes! {
    PROTO            0x80 Fixed(1),      Nothing;
    FRAME            0x95 Fixed(8),      Nothing;
    STOP             b'.' NONE_FOLLOWS,  Effect::Stop;

    MARK             b'(' NONE_FOLLOWS,  Effect::Mark;
    POP              b'0' NONE_FOLLOWS,  Effect::Pop;
    POP_MARK         b'1' NONE_FOLLOWS,  Effect::PopMark;
    DUP              b'2' NONE_FOLLOWS,  Refused("no pickler writes it");

    MEMOIZE          0x94 NONE_FOLLOWS,  Nothing;
    PUT              b'p' Line,          Nothing;
    BINPUT           b'q' Fixed(1),      Nothing;
    LONG_BINPUT      b'r' Fixed(4),      Nothing;
    GET              b'g' Line,          Push;
    BINGET           b'h' Fixed(1),      Push;
    LONG_BINGET      b'j' Fixed(4),      Push;

    NONE             b'N' NONE_FOLLOWS,  Push;
    NEWTRUE          0x88 NONE_FOLLOWS,  Push;
    NEWFALSE         0x89 NONE_FOLLOWS,  Push;
    INT              b'I' Line,          Push;
    BININT           b'J' Fixed(4),      Push;
    BININT1          b'K' Fixed(1),      Push;
    BININT2          b'M' Fixed(2),      Push;
    LONG             b'L' Line,          Push;
    LONG1            0x8a Counted(1),    Push;
    LONG4            0x8b CountedSigned, Push;
    FLOAT            b'F' Line,          Push;
    BINFLOAT         b'G' Fixed(8),      Push;

    UNICODE          b'V' Line,          Push;
    SHORT_BINUNICODE 0x8c Counted(1),    Push;
    BINUNICODE       b'X' Counted(4),    Push;
    BINUNICODE8      0x8d Counted(8),    Push;
    STRING           b'S' Line,          Push;
    SHORT_BINSTRING  b'U' Counted(1),    Push;
    BINSTRING        b'T' CountedSigned, Push;
    SHORT_BINBYTES   b'C' Counted(1),    Push;
    BINBYTES         b'B' Counted(4),    Push;
    BINBYTES8        0x8e Counted(8),    Push;
    BYTEARRAY8       0x96 Counted(8),    Push;

    EMPTY_TUPLE      b')' NONE_FOLLOWS,  Push;
    TUPLE1           0x85 NONE_FOLLOWS,  Collapse(1);
    TUPLE2           0x86 NONE_FOLLOWS,  Collapse(2);
    TUPLE3           0x87 NONE_FOLLOWS,  Collapse(3);
    TUPLE            b't' NONE_FOLLOWS,  CollapseMark;
    EMPTY_LIST       b']' NONE_FOLLOWS,  Push;
    LIST             b'l' NONE_FOLLOWS,  CollapseMark;
    APPEND           b'a' NONE_FOLLOWS,  Mutate(1);
    APPENDS          b'e' NONE_FOLLOWS,  MutateMark;
    EMPTY_DICT       b'}' NONE_FOLLOWS,  Push;
    DICT             b'd' NONE_FOLLOWS,  CollapseMark;
    SETITEM          b's' NONE_FOLLOWS,  Mutate(2);
    SETITEMS         b'u' NONE_FOLLOWS,  MutateMark;
    EMPTY_SET        0x8f NONE_FOLLOWS,  Push;
    ADDITEMS         0x90 NONE_FOLLOWS,  MutateMark;
    FROZENSET        0x91 NONE_FOLLOWS,  CollapseMark;

    GLOBAL           b'c' TwoLines,      Push;
    STACK_GLOBAL     0x93 NONE_FOLLOWS,  Collapse(2);
    EXT1             0x82 Fixed(1),      Push;
    EXT2             0x83 Fixed(2),      Push;
    EXT4             0x84 Fixed(4),      Push;
    INST             b'i' TwoLines,      CollapseMark;
    OBJ              b'o' NONE_FOLLOWS,  CollapseMark;
    REDUCE           b'R' NONE_FOLLOWS,  Collapse(2);
    NEWOBJ           0x81 NONE_FOLLOWS,  Collapse(2);
    NEWOBJ_EX        0x92 NONE_FOLLOWS,  Collapse(3);
    BUILD            b'b' NONE_FOLLOWS,  Mutate(1);

    PERSID           b'P' Line,          PERSISTENT;
    BINPERSID        b'Q' NONE_FOLLOWS,  PERSISTENT;
    NEXT_BUFFER      0x97 NONE_FOLLOWS,  OUT_OF_BAND;
    READONLY_BUFFER  0x98 NONE_FOLLOWS,  OUT_OF_BAND;
}

/// Looks up the line of one opcode; unknown bytes have a line that refuses them.
pub(crate) fn lookup(byte: u8) -> &'static Opcode {
    static OPCODES: [Opcode; 256] = TABLE;
    OPCODES.get(usize::from(byte)).expect("the table has a line for each byte")
}

/// Whether a payload does without it: it only frames, or stores what nobody may read.
pub(crate) fn is_framing(byte: u8) -> bool {
    matches!(byte, FRAME | PROTO) || fills_memo(byte)
}

/// Whether it pushes a value that is nothing but its data, of which any is as good as any other.
pub(crate) fn is_plain_push(byte: u8) -> bool {
    let numbers = matches!(byte, BININT | BININT1 | BININT2 | BINFLOAT | LONG1);
    let texts = matches!(byte, SHORT_BINUNICODE | BINUNICODE | BINUNICODE8);
    numbers || texts || matches!(byte, SHORT_BINBYTES | BINBYTES | BINBYTES8)
}

/// Whether the opcode stores the top of the stack in the memo.
pub(crate) fn fills_memo(byte: u8) -> bool {
    matches!(byte, MEMOIZE | PUT | BINPUT | LONG_BINPUT)
}

/// Whether the opcode pushes what the memo holds.
pub(crate) fn reads_memo(byte: u8) -> bool {
    matches!(byte, GET | BINGET | LONG_BINGET)
}

/// Whether the opcode leaves a tuple.
pub(crate) fn makes_tuple(byte: u8) -> bool {
    matches!(byte, EMPTY_TUPLE | TUPLE1 | TUPLE2 | TUPLE3 | TUPLE)
}

/// Whether the opcode leaves a list or a tuple.
pub(crate) fn makes_sequence(byte: u8) -> bool {
    makes_tuple(byte) || matches!(byte, EMPTY_LIST | LIST)
}

/// Whether the opcode leaves a dict.
pub(crate) fn makes_dict(byte: u8) -> bool {
    matches!(byte, EMPTY_DICT | DICT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_all_68_opcodes() {
        let known = (0..=255).filter(|byte| lookup(*byte).name != "an unknown opcode").count();
        assert_eq!(known, 68);
    }
}
