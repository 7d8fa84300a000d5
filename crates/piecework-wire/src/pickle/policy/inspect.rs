//! One pass over a payload that finds every name it asks for, and what is done with it.
//!
//! The reader's [`Walker`] says what each opcode takes from the stack. Beside it stands a stack of
//! our own, which tells of each item no more than the rules need: the literals that names are made
//! of, the names, and the parts of numpy's arrays.
use std::borrow::Cow;
use std::num::NonZeroU32;

use super::item::{Item, Use};
use super::refused::{Import, Refused};
use super::{numpy, python2};
use crate::pickle::opcode::{self as op, Effect};
use crate::pickle::reader::{Op, Ops, Span, Walker, little_endian};
use crate::pickle::{Payload, Value, decode};

/// The most memo slots, 64 MiB at this limit: payloads have slots only for what is shared.
const SLOTS_MAX: usize = 1 << 22;

/// The longest name of a module, or of a class with those around it.
const NAME_BYTES_MAX: usize = 512;

/// The longest operand of an opcode that pushes a number of at most 64 bits.
const NUMBER_BYTES_MAX: usize = 24;

/// Tells `judge` of every import that the payload asks for, in its order. What the judge returns
/// is held to its use; what it has no use for is not.
pub(super) fn inspect<J>(payload: &Payload, judge: J) -> Result<(), Refused>
where
    J: FnMut(&Import<'_>) -> Result<Option<Use>, Refused>,
{
    let message = payload.body();
    let mut inspector =
        Inspector { message, judge, proto: payload.proto(), items: Vec::new(), memo: Vec::new() };
    let mut walker = Walker::new([]);
    let mut ops = Ops::new(message, Span { start: 0, end: message.len() });
    while let Some(op) = ops.next()? {
        walker.step(&op, message)?;
        inspector.step(&op, walker.depth())?;
    }
    Ok(walker.end()?)
}

struct Inspector<'a, J> {
    message: &'a [u8],
    judge: J,
    /// The protocol in force.
    proto: u8,
    /// As high as the walker's stack, after each step.
    items: Vec<Item>,
    memo: Vec<Item>,
}

impl<'a, J> Inspector<'a, J>
where
    J: FnMut(&Import<'_>) -> Result<Option<Use>, Refused>,
{
    /// Follows the walker, whose stack is `depth` high after this opcode.
    fn step(&mut self, op: &Op, depth: usize) -> Result<(), Refused> {
        match op.opcode.effect {
            Effect::Nothing => return self.note(op),
            Effect::Push => {
                let pushed = self.pushed(op)?;
                self.items.push(pushed);
            }
            Effect::Collapse(_) | Effect::CollapseMark => {
                let first = depth.saturating_sub(1);
                let made = self.made(op, first)?;
                self.items.truncate(first);
                self.items.push(made);
            }
            Effect::Mutate(_) | Effect::MutateMark => self.changed(op, depth)?,
            _ => {}
        }
        self.items.truncate(depth);
        Ok(())
    }

    fn note(&mut self, op: &Op) -> Result<(), Refused> {
        match op.code {
            op::PROTO => self.proto = op.data.of(self.message).first().copied().unwrap_or_default(),
            op::MEMOIZE => {
                if self.memo.len() == SLOTS_MAX {
                    return Err(Refused::unresolved(format!("over {SLOTS_MAX} shared objects")));
                }
                let slot = u32::try_from(self.memo.len() + 1).ok().and_then(NonZeroU32::new);
                let top = self.items.last_mut().expect("the walker found an item to store");
                if let Item::Waiting { slot: known, .. } = top {
                    *known = slot;
                }
                self.memo.push(*top);
            }
            code if op::fills_memo(code) => {
                return Err(Refused::unresolved(format!("{} in a payload", op.opcode.name)));
            }
            _ => {}
        }
        Ok(())
    }

    /// What an opcode pushes that takes nothing.
    fn pushed(&mut self, op: &Op) -> Result<Item, Refused> {
        Ok(match op.code {
            op::NONE => Item::None,
            op::EMPTY_TUPLE => Item::Numbers { is_zero: false },
            op::NEWTRUE | op::NEWFALSE => Item::Number(i64::from(op.code == op::NEWTRUE)),
            op::INT | op::LONG | op::BININT | op::BININT1 | op::BININT2 | op::LONG1 => {
                self.number(op)
            }
            op::SHORT_BINUNICODE
            | op::BINUNICODE
            | op::BINUNICODE8
            | op::UNICODE
            | op::SHORT_BINSTRING
            | op::BINSTRING => Item::Text(op.at),
            op::SHORT_BINBYTES if op.data.of(self.message) == b"b" => Item::LetterB,
            op::GLOBAL => self.named(op)?,
            op::EXT1 | op::EXT2 | op::EXT4 => {
                let width = u8::try_from(op.data.end - op.data.start).unwrap_or_default();
                let code = little_endian(self.message, op.data.start, width).unwrap_or_default();
                return Err(Refused::unresolved(format!("extension code {code}")));
            }
            code if op::reads_memo(code) => self.recalled(op)?,
            _ => Item::Other,
        })
    }

    fn number(&self, op: &Op) -> Item {
        if op.end - op.at > NUMBER_BYTES_MAX {
            return Item::Other;
        }
        match decode::decode(self.message, Span { start: op.at, end: op.end }) {
            Ok(Value::Int(number)) => Item::Number(number),
            Ok(Value::Bool(value)) => Item::Number(i64::from(value)),
            _ => Item::Other,
        }
    }

    fn recalled(&self, op: &Op) -> Result<Item, Refused> {
        let slot = match op.code {
            op::BINGET => little_endian(self.message, op.data.start, 1),
            op::LONG_BINGET => little_endian(self.message, op.data.start, 4),
            _ => None,
        };
        let slot = slot.and_then(|slot| self.memo.get(usize::try_from(slot).ok()?));
        match slot {
            Some(Item::Waiting { .. }) => Err(Refused::Numpy),
            Some(item) => Ok(*item),
            None => Err(op.error("nothing is stored under this number").into()),
        }
    }

    /// What an opcode makes of the items from `first` on.
    fn made(&mut self, op: &Op, first: usize) -> Result<Item, Refused> {
        let taken = self.items.get(first..).unwrap_or_default();
        let made = match (op.code, taken) {
            (op::STACK_GLOBAL, [Item::Text(module), Item::Text(name)]) => {
                let text = |at: &usize| self.text(*at).ok_or_else(|| self.not_a_name(*at));
                let (module, name) = (text(module)?, text(name)?);
                return self.import(&module, &name);
            }
            (op::STACK_GLOBAL, _) => {
                let what = "STACK_GLOBAL of what is not a literal str".to_owned();
                return Err(Refused::unresolved(what));
            }
            (op::REDUCE, [Item::Name(usage), args]) => return called(*usage, *args),
            (code, _) if op::makes_tuple(code) => self.tuple(taken),
            _ => Item::Other,
        };
        // A class alone in a tuple, such as a factory's, is called with nothing by whoever gets it.
        let is_lone_class = matches!((made, taken), (Item::One, [Item::Name(Use::Latin1)]));
        if !is_lone_class
            && !matches!(made, Item::ReconstructArgs)
            && let Some(refused) = taken.iter().find_map(Item::otherwise)
        {
            return Err(refused);
        }
        // What INST calls is not on the stack.
        if op.code == op::INST
            && let Some(refused) = self.named(op)?.otherwise()
        {
            return Err(refused);
        }
        Ok(made)
    }

    fn tuple(&self, items: &[Item]) -> Item {
        match items {
            [encoded, Item::Text(codec)] if self.is_latin1(*codec) => {
                let text = if let Item::Text(at) = encoded { self.text(*at) } else { None };
                Item::Latin1Args { letter_b: text.as_deref() == Some("b") }
            }
            _ => numpy::tuple(items, |at| self.text(at)),
        }
    }

    fn is_latin1(&self, codec: usize) -> bool {
        // The first by picklers, the second by `bytearray` itself.
        self.text(codec).is_some_and(|codec| ["latin1", "latin-1"].contains(&&*codec))
    }

    /// Judges what an opcode does to the item below the ones from `depth` on.
    fn changed(&mut self, op: &Op, depth: usize) -> Result<(), Refused> {
        let (below, taken) = self.items.split_at_mut_checked(depth).unwrap_or_default();
        let target = below.last_mut().expect("the walker found an item to change");
        if let Some(refused) = taken.iter().find_map(Item::otherwise) {
            return Err(refused);
        }
        match (op.code, &target, taken) {
            (_, Item::Name(_), _) => Err(Refused::ClassChanged),
            (op::BUILD, Item::Waiting { kind, slot }, [state]) => {
                let slot = slot.and_then(|slot| usize::try_from(slot.get()).ok());
                *target = numpy::complete(*kind, *state).ok_or(Refused::Numpy)?;
                if let Some(held) = slot.and_then(|slot| self.memo.get_mut(slot - 1)) {
                    *held = *target;
                }
                Ok(())
            }
            (_, Item::Waiting { .. } | Item::Dtype | Item::Array, _) => Err(Refused::Numpy),
            _ => Ok(()),
        }
    }

    /// The str that the opcode at `at` pushes, if it is short.
    fn text(&self, at: usize) -> Option<Cow<'a, str>> {
        let end = self.message.len();
        let op = Ops::new(self.message, Span { start: at, end }).next().ok().flatten()?;
        if op.data.end - op.data.start > NAME_BYTES_MAX {
            return None;
        }
        match op.code {
            op::SHORT_BINUNICODE => {
                std::str::from_utf8(op.data.of(self.message)).ok().map(Cow::Borrowed)
            }
            _ => decode::text(&op, self.message).ok().map(Cow::Owned),
        }
    }

    fn not_a_name(&self, at: usize) -> Refused {
        Refused::unresolved(format!("a str at byte {at} that is no name"))
    }

    /// The name in the two lines of GLOBAL and INST.
    fn named(&mut self, op: &Op) -> Result<Item, Refused> {
        let lines = std::str::from_utf8(op.data.of(self.message)).ok();
        let (module, name) =
            lines.and_then(|lines| lines.split_once('\n')).ok_or_else(|| self.not_a_name(op.at))?;
        self.import(module, name)
    }

    fn import(&mut self, module: &str, name: &str) -> Result<Item, Refused> {
        for part in [module, name] {
            if !is_dotted_name(part) {
                let shown: String = part.chars().take(40).collect();
                return Err(Refused::unresolved(format!("{shown:?}, as a name,")));
            }
        }
        let found = python2::import(module, name, self.proto);
        let usage = (self.judge)(&Import { asked: (module, name), found })?;
        Ok(usage.map_or(Item::Other, Item::Name))
    }
}

/// What a name returns that is called with such a tuple.
fn called(usage: Use, args: Item) -> Result<Item, Refused> {
    match (usage, args) {
        (Use::Any, _) => Ok(Item::Other),
        (Use::Latin1, Item::Latin1Args { letter_b: true }) => Ok(Item::LetterB),
        (Use::Latin1, Item::Latin1Args { .. } | Item::One | Item::Numbers { .. }) => {
            Ok(Item::Other)
        }
        (Use::Latin1, _) => Err(Refused::Codec),
        (Use::Numpy(part), args) => numpy::call(part, args).ok_or(Refused::Numpy),
    }
}

/// Whether a text is made of identifiers with a dot between each two.
pub(super) fn is_dotted_name(text: &str) -> bool {
    let is_identifier = |part: &str| {
        !part.is_empty() && part.chars().all(|char| char.is_alphanumeric() || char == '_')
    };
    text.len() <= NAME_BYTES_MAX && text.split('.').all(is_identifier)
}
