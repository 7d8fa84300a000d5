//! Who refers to whom in a message: which opcode filled the memo, and which ones read it.
use std::collections::BTreeMap;

use super::opcode as op;
use super::reader::{Op, Ops, Span, little_endian};
use crate::WireError;

/// The most memo slots of a message whose values refer to one another. Following them takes some
/// 70 bytes each, so 300 MiB at this limit; messages without references take none.
const DEFINITIONS_MAX: usize = 1 << 22;

/// What a definition stored, as far as it can be said again elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stored {
    /// One opcode made it, and can make an equal one: a str, a bytes, a named class or function.
    Atom(Span),
    /// A class or function, named by two strings on the stack.
    Global { module: Span, name: Span },
    /// Anything else; it is what it is only in its place.
    Built,
}

/// An opcode that fills the memo.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Definition {
    pub(crate) at: usize,
    pub(crate) stored: Stored,
}

/// An opcode that reads the memo, and the definition (by its number) that it finds there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    pub(crate) at: usize,
    pub(crate) to: usize,
}

/// All definitions and references of a message, in the order of their places.
#[derive(Debug, Default)]
pub(crate) struct Links {
    pub(crate) definitions: Vec<Definition>,
    pub(crate) references: Vec<Reference>,
}

impl Links {
    /// Follows the memo through `span`, which begins where the memo is empty.
    pub(crate) fn follow(message: &[u8], span: Span) -> Result<Self, WireError> {
        let mut links = Self::default();
        let mut memo = Memo::default();
        let (mut below, mut top) = (Stored::Built, Stored::Built);
        let mut ops = Ops::new(message, span);
        while let Some(op) = ops.next()? {
            if op::fills_memo(op.code) {
                let number = links.definitions.len();
                if number == DEFINITIONS_MAX {
                    let what = "memo slots of a message with shared objects";
                    return Err(WireError::Limit { what, max: DEFINITIONS_MAX });
                }
                memo.fill(index(&op, message)?, number);
                links.definitions.push(Definition { at: op.at, stored: top });
                continue;
            }
            let pushed = match op.code {
                op::FRAME | op::PROTO => continue,
                code if op::reads_memo(code) => {
                    let to = index(&op, message)?.and_then(|index| memo.read(index));
                    let to = to.ok_or_else(|| op.error("nothing is stored under this number"))?;
                    links.references.push(Reference { at: op.at, to });
                    links.definition(to).stored
                }
                code if is_atom(code) => Stored::Atom(Span { start: op.at, end: op.end }),
                op::STACK_GLOBAL => match (below, top) {
                    (Stored::Atom(module), Stored::Atom(name)) => Stored::Global { module, name },
                    _ => Stored::Built,
                },
                _ => Stored::Built,
            };
            below = if op.opcode.effect == op::Effect::Push { top } else { Stored::Built };
            top = pushed;
        }
        Ok(links)
    }

    pub(crate) fn definition(&self, number: usize) -> Definition {
        *self.definitions.get(number).expect("a reference leads to a definition")
    }

    /// The number of the first definition at or after `at`.
    pub(crate) fn first_definition(&self, at: usize) -> usize {
        self.definitions.partition_point(|definition| definition.at < at)
    }

    /// The references that stand within `span`.
    pub(crate) fn within(&self, span: Span) -> &[Reference] {
        let first = self.references.partition_point(|reference| reference.at < span.start);
        let end = self.references.partition_point(|reference| reference.at < span.end);
        self.references.get(first..end).unwrap_or_default()
    }
}

/// Mutable objects are no atoms: two of equal value are not the same object.
fn is_atom(code: u8) -> bool {
    matches!(
        code,
        op::SHORT_BINUNICODE
            | op::BINUNICODE
            | op::BINUNICODE8
            | op::UNICODE
            | op::SHORT_BINSTRING
            | op::BINSTRING
            | op::STRING
            | op::SHORT_BINBYTES
            | op::BINBYTES
            | op::BINBYTES8
            | op::GLOBAL
    )
}

/// The memo index that an opcode names; `None` for MEMOIZE, which takes the next.
fn index(op: &Op, message: &[u8]) -> Result<Option<u32>, WireError> {
    let data = op.data;
    let index = match op.code {
        op::MEMOIZE => return Ok(None),
        op::PUT | op::GET => {
            std::str::from_utf8(data.of(message)).ok().and_then(|text| text.trim().parse().ok())
        }
        _ => little_endian(message, data.start, u8::try_from(data.end - data.start).unwrap_or(0))
            .and_then(|index| u32::try_from(index).ok()),
    };
    index.map(Some).ok_or_else(|| op.error("the operand is no memo index"))
}

/// Definitions by memo index. Python's picklers count from 0, so nearly all are in `dense`.
#[derive(Debug, Default)]
struct Memo {
    dense: Vec<usize>,
    sparse: BTreeMap<u32, usize>,
}

impl Memo {
    fn fill(&mut self, index: Option<u32>, number: usize) {
        let filled = self.dense.len() + self.sparse.len();
        let index = index.map_or(filled, |index| index as usize);
        if let Some(slot) = self.dense.get_mut(index) {
            *slot = number;
        } else if index == self.dense.len() {
            self.dense.push(number);
            self.sparse.remove(&(index as u32));
        } else {
            self.sparse.insert(index as u32, number);
        }
    }

    fn read(&self, index: u32) -> Option<usize> {
        self.dense.get(index as usize).or_else(|| self.sparse.get(&index)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(message: &[u8]) -> Vec<usize> {
        let links = Links::follow(message, Span { start: 0, end: message.len() }).unwrap();
        links.references.iter().map(|reference| reference.to).collect()
    }

    #[test]
    fn memoize_counts_filled_slots_and_puts_overwrite() {
        // 0 and 1 by MEMOIZE; slot 7, out of order; MEMOIZE is now slot 3; then slot 0 again.
        let message = b"\x8c\x01a\x94\x8c\x01b\x94Nq\x07N\x94Nq\x00h\x00h\x01h\x07h\x03";
        assert_eq!(references(message), [4, 1, 2, 3]);
    }

    #[test]
    fn text_and_binary_indexes_mean_the_same() {
        assert_eq!(references(b"Np0\ng0\nh\x00j\x00\x00\x00\x00"), [0, 0, 0]);
    }

    #[test]
    fn a_reference_to_nothing_is_an_error() {
        let message = b"N\x94h\x01";
        let error = Links::follow(message, Span { start: 0, end: 4 }).unwrap_err();
        let text = "bad pickle: nothing is stored under this number, in BINGET at byte 2";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn a_class_named_by_strings_can_be_said_again() {
        let message = b"\x8c\x01m\x94\x8c\x01n\x94\x93\x94h\x02";
        let links = Links::follow(message, Span { start: 0, end: message.len() }).unwrap();
        assert!(matches!(links.definition(2).stored, Stored::Global { .. }));
    }
}
