//! One bounded walk over a pickle, the only code that reads foreign opcodes.
//!
//! [`Ops`] cuts the bytes into opcodes. [`Walker`] keeps the stack that an unpickler would have,
//! but of each item only the place where it begins. That is enough, because *items tile*: what
//! stands between the beginning of an item and that of its right neighbour has built the former.
//!
//! Two idioms of Python's picklers pop what they have built, and so need a rule for whose bytes
//! the popped ones are:
//!
//! - `junk POP GET i`: while building a tuple or a reduced object, the pickler found that it
//!   contains itself and is in the memo by now. The junk defines `i`, so it belongs to the item
//!   that is pushed *next*.
//! - `function (object, state) TUPLE2 REDUCE POP`: a function sets the object's state. The junk
//!   changes the object, so it belongs to the item *below*. Here nothing is memoized between
//!   TUPLE2 and REDUCE; in the first idiom the arguments always are.
//!
//! Popped bytes that are followed by anything but the next item belong nowhere: they are refused.
use smallvec::SmallVec;

use super::opcode::{self as op, Effect, Opcode, Operand};
use crate::WireError;

/// The most items on the stack. Lists, dicts and sets are pickled in batches of 1,000; only the
/// elements of one tuple, or one frozenset, all wait on the stack together: 32 MiB at this limit.
pub(crate) const STACK_ITEMS_MAX: usize = 1 << 22;

/// The most open marks, that is how deep containers nest. Python's own pickler gives up near 500.
pub(crate) const MARKS_MAX: usize = 1 << 16;

/// The most times that a message names a protocol: once per payload is all there is need for.
const PROTOS_MAX: usize = 1 << 20;

/// The highest protocol there is, since Python 3.8.
pub(crate) const PROTO_MAX: u8 = 5;

/// A stretch of a message: from `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start..self.end).expect("a span lies within the bytes it was read from")
    }

    pub(crate) fn contains(self, at: usize) -> bool {
        self.start <= at && at < self.end
    }
}

/// One opcode of the stream, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    pub(crate) code: u8,
    pub(crate) opcode: &'static Opcode,
    pub(crate) at: usize,
    pub(crate) end: usize,
    /// The operand without its length or line feed.
    pub(crate) data: Span,
}

impl Op {
    pub(crate) fn error(&self, what: &'static str) -> WireError {
        WireError::Pickle { what, opcode: self.opcode.name, offset: self.at }
    }
}

/// Cuts a stretch of a message into opcodes; offsets count from the front of the message.
#[derive(Clone, Debug)]
pub(crate) struct Ops<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Ops<'a> {
    pub(crate) fn new(message: &'a [u8], span: Span) -> Self {
        Self { bytes: message.get(..span.end).unwrap_or(message), at: span.start }
    }

    /// Returns the next opcode; `None` at the end of the stretch.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Op>, WireError> {
        let Some(&code) = self.bytes.get(self.at) else { return Ok(None) };
        let opcode = op::lookup(code);
        let at = self.at;
        let data = match opcode.operand {
            Operand::None => Some(Span { start: at + 1, end: at + 1 }),
            Operand::Fixed(len) => self.data(at + 1, u64::from(len)),
            Operand::Counted(width) => {
                let start = at + 1 + usize::from(width);
                little_endian(self.bytes, at + 1, width).and_then(|len| self.data(start, len))
            }
            Operand::CountedSigned => little_endian(self.bytes, at + 1, 4)
                .filter(|len| *len <= i32::MAX as u64)
                .and_then(|len| self.data(at + 5, len)),
            Operand::Line => self.line(at + 1).map(|end| Span { start: at + 1, end }),
            Operand::TwoLines => self
                .line(at + 1)
                .and_then(|middle| self.line(middle + 1))
                .map(|end| Span { start: at + 1, end }),
        };
        let Some(data) = data else {
            let what = "the operand runs past the end";
            return Err(WireError::Pickle { what, opcode: opcode.name, offset: at });
        };
        let has_line_feed = matches!(opcode.operand, Operand::Line | Operand::TwoLines);
        self.at = data.end + usize::from(has_line_feed);
        Ok(Some(Op { code, opcode, at, end: self.at, data }))
    }

    fn data(&self, start: usize, len: u64) -> Option<Span> {
        let end = start.checked_add(usize::try_from(len).ok()?)?;
        (end <= self.bytes.len()).then_some(Span { start, end })
    }

    fn line(&self, start: usize) -> Option<usize> {
        let rest = self.bytes.get(start..)?;
        Some(start + rest.iter().position(|byte| *byte == b'\n')?)
    }
}

/// Reads `width` bytes at `at` as an unsigned little-endian number.
pub(crate) fn little_endian(bytes: &[u8], at: usize, width: u8) -> Option<u64> {
    let bytes = bytes.get(at..at + usize::from(width))?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// The children of the container that stands at one place of the stack.
#[derive(Debug)]
pub(crate) struct Children {
    place: usize,
    max: usize,
    made_by: u8,
    spans: SmallVec<[Span; 8]>,
    too_many: bool,
}

impl Children {
    pub(crate) fn new(place: usize, max: usize) -> Self {
        Self { place, max, made_by: op::STOP, spans: SmallVec::new(), too_many: false }
    }

    /// The children of a tuple. All of them waited on the stack together, at this place and the
    /// next ones.
    pub(crate) fn of_tuple(&self, what: &'static str) -> Result<&[Span], WireError> {
        self.checked(op::makes_tuple(self.made_by), what, "a tuple")
    }

    /// The children of a list or tuple.
    pub(crate) fn of_sequence(&self, what: &'static str) -> Result<&[Span], WireError> {
        self.checked(op::makes_sequence(self.made_by), what, "a list or a tuple")
    }

    /// The elements of a set or frozenset, where an opcode made it.
    pub(crate) fn of_set(&self, what: &'static str) -> Result<&[Span], WireError> {
        let fits = matches!(self.made_by, op::EMPTY_SET | op::FROZENSET);
        self.checked(fits, what, "a set")
    }

    /// What is called, and the tuple of what it is called with.
    pub(crate) fn of_call(&self, what: &'static str) -> Result<&[Span], WireError> {
        self.checked(self.made_by == op::REDUCE, what, "a call")
    }

    /// The children of a dict: key, value, key, value.
    pub(crate) fn of_dict(&self, what: &'static str) -> Result<&[Span], WireError> {
        self.checked(op::makes_dict(self.made_by), what, "a dict")
    }

    fn checked(&self, fits: bool, what: &'static str, wanted: &str) -> Result<&[Span], WireError> {
        match (fits, self.too_many) {
            (false, _) => Err(WireError::shape(what, format!("it is not {wanted}"))),
            (true, true) => Err(WireError::Limit { what, max: self.max }),
            (true, false) => Ok(&self.spans),
        }
    }

    fn begin(&mut self, place: usize, made_by: u8) {
        if place == self.place {
            self.made_by = made_by;
            self.spans.clear();
            self.too_many = false;
        }
    }

    fn add(&mut self, place: usize, starts: &[usize], end: usize) {
        if place != self.place {
            return;
        }
        if self.spans.len() + starts.len() > self.max {
            self.too_many = true;
            return;
        }
        let ends = starts.iter().skip(1).copied().chain([end]);
        self.spans.extend(starts.iter().zip(ends).map(|(start, end)| Span { start: *start, end }));
    }
}

/// What one walk found out about a message, apart from children.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traits {
    /// Where a protocol is named, and which: more than once only where payloads of several
    /// producers share a message.
    protos: SmallVec<[(usize, u8); 2]>,
    /// The first and the last opcode that reads the memo.
    pub(crate) reads: Option<(usize, usize)>,
    /// Whether anything is popped, so that spans rest on more than tiling.
    pub(crate) pops: bool,
}

impl Traits {
    /// The protocol in force at `at`; 0 where none was named.
    pub(crate) fn proto_at(&self, at: usize) -> u8 {
        let after = self.protos.partition_point(|(named_at, _)| *named_at < at);
        let last = after.checked_sub(1).and_then(|last| self.protos.get(last));
        last.map_or(0, |(_, proto)| *proto)
    }

    /// The protocol that is in force everywhere, if it is one.
    pub(crate) fn one_proto(&self) -> Option<u8> {
        match self.protos[..] {
            [] => Some(0),
            [(0, proto)] => Some(proto),
            _ => None,
        }
    }

    fn name_proto(&mut self, op: &Op, message: &[u8]) -> Result<(), WireError> {
        let proto = op.data.of(message).first().copied().unwrap_or_default();
        if proto > PROTO_MAX {
            return Err(op.error("a protocol over 5 is not known"));
        }
        if self.protos.len() == PROTOS_MAX {
            return Err(WireError::Limit { what: "protocols named", max: PROTOS_MAX });
        }
        self.protos.push((op.at, proto));
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    /// How many items there were when it was pushed.
    floor: usize,
    start: usize,
}

/// The stack of an unpickler, of which `N` places are watched for their children.
#[derive(Debug)]
pub(crate) struct Walker<const N: usize> {
    starts: SmallVec<[usize; 32]>,
    marks: SmallVec<[Mark; 8]>,
    /// Where popped bytes begin that belong to the next item.
    junk: Option<usize>,
    /// The codes of the last two opcodes that were more than framing.
    before: [u8; 2],
    pub(crate) watched: [Children; N],
    pub(crate) traits: Traits,
}

/// Whether the opcode works on items that stand before the popped bytes.
fn takes_no_junk(op: &Op) -> bool {
    match op.opcode.effect {
        Effect::Collapse(_) | Effect::CollapseMark | Effect::Mutate(_) | Effect::MutateMark => true,
        _ => op::fills_memo(op.code),
    }
}

/// Walks over a stretch that must leave exactly one item.
pub(crate) fn walk<const N: usize>(
    message: &[u8],
    span: Span,
    watched: [Children; N],
) -> Result<Walker<N>, WireError> {
    let mut walker = Walker::new(watched);
    let mut ops = Ops::new(message, span);
    while let Some(op) = ops.next()? {
        walker.step(&op, message)?;
    }
    walker.end()?;
    Ok(walker)
}

impl<const N: usize> Walker<N> {
    pub(crate) fn new(watched: [Children; N]) -> Self {
        Self {
            starts: SmallVec::new(),
            marks: SmallVec::new(),
            junk: None,
            before: [op::STOP; 2],
            watched,
            traits: Traits::default(),
        }
    }

    /// How many items are on the stack.
    pub(crate) fn depth(&self) -> usize {
        self.starts.len()
    }

    /// Where the item at `place` begins.
    pub(crate) fn start_of(&self, place: usize) -> Option<usize> {
        self.starts.get(place).copied()
    }

    /// Lets one opcode act on the stack.
    #[inline]
    pub(crate) fn step(&mut self, op: &Op, message: &[u8]) -> Result<(), WireError> {
        if self.junk.is_some() && takes_no_junk(op) {
            return Err(op.error("an item must follow what is popped"));
        }
        match op.opcode.effect {
            Effect::Nothing => return self.note(op, message),
            Effect::Push => {
                if op::reads_memo(op.code) {
                    let first = self.traits.reads.map_or(op.at, |(first, _)| first);
                    self.traits.reads = Some((first, op.at));
                }
                self.collapse(op, self.depth(), op.at)?;
            }
            Effect::Collapse(count) => {
                let first = self.reach(op, usize::from(count))?;
                self.collapse(op, first, op.at)?;
            }
            Effect::CollapseMark => {
                let mark = self.pop_mark(op)?;
                self.collapse(op, mark.floor, mark.start)?;
            }
            Effect::Mutate(count) => {
                let first = self.reach(op, usize::from(count))?;
                self.mutate(op, first)?;
            }
            Effect::MutateMark => {
                let mark = self.pop_mark(op)?;
                self.mutate(op, mark.floor)?;
            }
            Effect::Mark => {
                if self.marks.len() == MARKS_MAX {
                    return Err(WireError::Limit { what: "containers nest", max: MARKS_MAX });
                }
                let start = self.junk.take().unwrap_or(op.at);
                self.marks.push(Mark { floor: self.depth(), start });
            }
            Effect::Pop => self.pop(op)?,
            Effect::PopMark => {
                let mark = self.pop_mark(op)?;
                self.starts.truncate(mark.floor);
                self.set_junk(mark.start);
            }
            Effect::Stop => return Err(op.error("nothing may end here")),
            Effect::Refused(why) => return Err(op.error(why)),
        }
        self.before = [self.before[1], op.code];
        Ok(())
    }

    /// Checks, after the last opcode, that exactly one item is left.
    pub(crate) fn end(&self) -> Result<(), WireError> {
        if self.junk.is_some() {
            return Err(WireError::shape("pickle", "it ends with what it threw away"));
        }
        if self.depth() == 1 && self.marks.is_empty() {
            return Ok(());
        }
        let what = format!("it leaves {} objects on the stack, not one", self.depth());
        Err(WireError::shape("pickle", what))
    }

    fn note(&mut self, op: &Op, message: &[u8]) -> Result<(), WireError> {
        match op.code {
            op::FRAME => {}
            op::PROTO => self.traits.name_proto(op, message)?,
            _ if self.depth() == self.floor() => return Err(op.error("nothing to store")),
            _ => self.before = [self.before[1], op.code],
        }
        Ok(())
    }

    /// The height of the stack under which the topmost mark lets nothing reach.
    fn floor(&self) -> usize {
        self.marks.last().map_or(0, |mark| mark.floor)
    }

    /// The place of the first of the top `count` items.
    fn reach(&self, op: &Op, count: usize) -> Result<usize, WireError> {
        match self.depth().checked_sub(count) {
            Some(first) if first >= self.floor() => Ok(first),
            _ => Err(op.error("the stack has too few items")),
        }
    }

    fn pop_mark(&mut self, op: &Op) -> Result<Mark, WireError> {
        self.marks.pop().ok_or_else(|| op.error("there is no mark"))
    }

    /// Replaces the items from `first` on by one, which begins at the first of them.
    fn collapse(&mut self, op: &Op, first: usize, start: usize) -> Result<(), WireError> {
        let taken = self.starts.get(first..).unwrap_or_default();
        for children in &mut self.watched {
            children.begin(first, op.code);
            children.add(first, taken, op.at);
        }
        let start = taken.first().map_or(start, |taken| start.min(*taken));
        let start = self.junk.take().map_or(start, |junk| start.min(junk));
        if first == STACK_ITEMS_MAX {
            return Err(WireError::Limit { what: "stack of a pickle", max: STACK_ITEMS_MAX });
        }
        self.starts.truncate(first);
        self.starts.push(start);
        Ok(())
    }

    /// Takes the items from `first` on into the item below.
    fn mutate(&mut self, op: &Op, first: usize) -> Result<(), WireError> {
        if first == self.floor() {
            return Err(op.error("the stack has too few items"));
        }
        let taken = self.starts.get(first..).unwrap_or_default();
        for children in &mut self.watched {
            children.add(first - 1, taken, op.at);
        }
        self.starts.truncate(first);
        Ok(())
    }

    fn pop(&mut self, op: &Op) -> Result<(), WireError> {
        if self.depth() == self.floor() {
            let mark = self.pop_mark(op)?;
            self.set_junk(mark.start);
            return Ok(());
        }
        let start = self.starts.pop().expect("the stack reaches above its floor");
        let sets_state = self.before == [op::TUPLE2, op::REDUCE];
        if !sets_state {
            self.set_junk(start);
        } else if self.depth() > self.floor() {
            self.traits.pops = true;
        } else {
            return Err(op.error("there is no item whose state it could have set"));
        }
        Ok(())
    }

    fn set_junk(&mut self, start: usize) {
        self.traits.pops = true;
        self.junk = Some(self.junk.map_or(start, |junk| junk.min(start)));
    }
}
