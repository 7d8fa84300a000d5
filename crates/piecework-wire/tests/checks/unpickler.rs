//! A second unpickler, as simple as can be: it only notes what a real one would import.
//!
//! It shares no line with the reader that it checks. Everything but a str is nothing to it; where
//! a real unpickler would fail it stops, and what was asked for until then counts.
use std::collections::HashMap;
use std::rc::Rc;

/// An import, and the protocol that was in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) proto: u8,
    pub(super) module: Rc<str>,
    pub(super) name: Rc<str>,
}

/// What loading the pickle would import, in order.
pub(super) fn imports(pickle: &[u8]) -> Vec<Asked> {
    let mut unpickler = Unpickler { rest: pickle, ..Unpickler::default() };
    while unpickler.step().is_some() {}
    unpickler.asked
}

/// A str, or anything else.
type Item = Option<Rc<str>>;

#[derive(Default)]
struct Unpickler<'a> {
    rest: &'a [u8],
    proto: u8,
    stack: Vec<Item>,
    /// What was on the stack below each mark.
    below: Vec<Vec<Item>>,
    memo: HashMap<u64, Item>,
    asked: Vec<Asked>,
}

impl<'a> Unpickler<'a> {
    /// Runs one opcode; `None` at the end, and where a real unpickler fails.
    fn step(&mut self) -> Option<()> {
        match self.take(1)?[0] {
            b'.' => return None,
            0x80 => self.proto = self.take(1)?[0],
            0x95 => drop(self.take(8)?),
            b'(' => {
                let items = std::mem::take(&mut self.stack);
                self.below.push(items);
            }
            b'0' if self.stack.is_empty() => self.pop_mark()?,
            b'0' => drop(self.stack.pop()),
            b'1' => self.pop_mark()?,
            b'2' => self.stack.push(self.stack.last()?.clone()),
            0x94 => self.put(self.memo.len() as u64)?,
            b'p' => {
                let index = self.decimal()?;
                self.put(index)?;
            }
            b'q' => {
                let index = self.number(1)?;
                self.put(index)?;
            }
            b'r' => {
                let index = self.number(4)?;
                self.put(index)?;
            }
            b'g' => {
                let index = self.decimal()?;
                self.get(index)?;
            }
            b'h' => {
                let index = self.number(1)?;
                self.get(index)?;
            }
            b'j' => {
                let index = self.number(4)?;
                self.get(index)?;
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.import(text(module)?, text(name)?);
                self.stack.push(None);
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                self.pop_mark()?;
                self.import(text(module)?, text(name)?);
                self.stack.push(None);
            }
            0x93 => {
                let (name, module) = (self.stack.pop()?, self.stack.pop()?);
                self.import(module?, name?);
                self.stack.push(None);
            }
            code => self.plain(code)?,
        }
        Some(())
    }

    /// The opcodes that import nothing and leave the memo alone.
    fn plain(&mut self, code: u8) -> Option<()> {
        let pushed = match code {
            b'N' | 0x88 | 0x89 | b')' | b']' | b'}' | 0x8f => None,
            b'I' | b'L' | b'F' => self.line().map(|_| None)?,
            b'J' => self.take(4).map(|_| None)?,
            b'K' => self.take(1).map(|_| None)?,
            b'M' => self.take(2).map(|_| None)?,
            b'G' => self.take(8).map(|_| None)?,
            0x8a | b'C' => self.counted(1).map(|_| None)?,
            0x8b | b'B' => self.counted(4).map(|_| None)?,
            0x8e | 0x96 => self.counted(8).map(|_| None)?,
            0x8c | b'U' => Some(text(self.counted(1)?)?),
            b'X' | b'T' => Some(text(self.counted(4)?)?),
            0x8d => Some(text(self.counted(8)?)?),
            b'V' => Some(unescaped(self.line()?)?),
            b'S' => {
                let line = self.line()?.trim_ascii();
                Some(text(line.get(1..line.len().checked_sub(1)?)?)?)
            }
            0x85 | b'R' | 0x81 | 0x86 | 0x87 | 0x92 => {
                let count = match code {
                    0x85 => 1,
                    0x87 | 0x92 => 3,
                    _ => 2,
                };
                self.drop_top(count)?;
                None
            }
            b't' | b'l' | b'd' | 0x91 | b'o' => {
                self.pop_mark()?;
                None
            }
            b'a' | b'b' => return self.drop_top(1),
            b's' => return self.drop_top(2),
            b'e' | b'u' | 0x90 => return self.pop_mark(),
            _ => return None,
        };
        self.stack.push(pushed);
        Some(())
    }

    fn import(&mut self, module: Rc<str>, name: Rc<str>) {
        self.asked.push(Asked { proto: self.proto, module, name });
    }

    fn put(&mut self, index: u64) -> Option<()> {
        let top = self.stack.last()?.clone();
        self.memo.insert(index, top);
        Some(())
    }

    fn get(&mut self, index: u64) -> Option<()> {
        let item = self.memo.get(&index)?.clone();
        self.stack.push(item);
        Some(())
    }

    fn pop_mark(&mut self) -> Option<()> {
        self.stack = self.below.pop()?;
        Some(())
    }

    fn drop_top(&mut self, count: usize) -> Option<()> {
        let left = self.stack.len().checked_sub(count)?;
        self.stack.truncate(left);
        Some(())
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    fn number(&mut self, width: usize) -> Option<u64> {
        Some(self.take(width)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn counted(&mut self, width: usize) -> Option<&'a [u8]> {
        let len = self.number(width)?;
        self.take(usize::try_from(len).ok()?)
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        let len = self.rest.iter().position(|byte| *byte == b'\n')?;
        let line = self.take(len + 1)?;
        line.get(..len)
    }

    fn decimal(&mut self) -> Option<u64> {
        text(self.line()?)?.trim().parse().ok()
    }
}

fn text(data: &[u8]) -> Option<Rc<str>> {
    std::str::from_utf8(data).ok().map(Rc::from)
}

/// Python's raw-unicode-escape: a backslash escapes where an odd number of them stands.
fn unescaped(data: &[u8]) -> Option<Rc<str>> {
    let (mut made, mut backslashes, mut at) = (String::new(), 0, 0);
    while let Some(byte) = data.get(at) {
        at += 1;
        let digits = match byte {
            b'u' if backslashes % 2 == 1 => 4,
            b'U' if backslashes % 2 == 1 => 8,
            _ => 0,
        };
        backslashes = if *byte == b'\\' { backslashes + 1 } else { 0 };
        if digits == 0 {
            made.push(char::from(*byte));
            continue;
        }
        let hex = std::str::from_utf8(data.get(at..at + digits)?).ok()?;
        made.pop();
        made.push(char::from_u32(u32::from_str_radix(hex, 16).ok()?)?);
        at += digits;
    }
    Some(made.into())
}
