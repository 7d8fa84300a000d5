//! Lifts one value out of a message as a pickle that stands alone.
//!
//! Within a message, a value may refer to what was pickled before it: Python writes an object that
//! it has met already as the number of its place in the memo. So lifting means:
//!
//! - FRAMEs go: they only hint how much to read at once.
//! - Memo slots that nobody reads go; the others are counted anew from 0.
//! - A str, bytes or class from before the value is said again at its first mention.
//! - Where the value refers to any other object from before it, the neighbour that holds that
//!   object is rebuilt first, and thrown away: `MARK neighbour POP_MARK value`. Sharing within the
//!   value is then as it was.
use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::links::{Links, Stored};
use super::opcode as op;
use super::payload::{self, Payload};
use super::reader::{Op, Ops, Span, Traits, walk};
use crate::WireError;

/// How many neighbours one call may rebuild, and how many bytes of them, and of strs and bytes from
/// before, it may say again: of many values that each refer to all that came before, every one
/// carries those along. A thousand items that share a settings object of 100 KiB stay well below.
const REBUILT_MAX: usize = 1 << 18;
const REBUILT_BYTES_MAX: usize = 256 << 20;

/// The byte in front of a body.
const HEADER_LEN: usize = 1;

fn named_proto(op: &Op, message: &[u8]) -> Option<u8> {
    if op.code == op::PROTO { op.data.of(message).first().copied() } else { None }
}

/// What one lift knows of a definition.
#[derive(Clone, Copy, Debug, Default)]
struct Local {
    /// How many references of the lifted bytes lead to it.
    uses: usize,
    /// Its number in the lifted bytes, once it is there.
    number: Option<u32>,
}

/// Lifts values out of one message; what it learned about the memo serves all of them.
pub(crate) struct Lifter<'a> {
    message: &'a [u8],
    traits: &'a Traits,
    links: Option<&'a Links>,
    locals: Vec<Local>,
    /// The definitions whose `Local` is not blank.
    touched: Vec<usize>,
    rebuilt: usize,
    rebuilt_bytes: usize,
    out: Vec<u8>,
    filled: u32,
    /// The protocol in force in the message, at the place that is copied.
    proto: u8,
    /// The protocol in force at the front of `out`, and at its end.
    first_proto: u8,
    last_proto: u8,
    names_protos: bool,
}

impl<'a> Lifter<'a> {
    /// Lifts from `message`; without `links`, only values that refer to nothing.
    pub(crate) fn new(message: &'a [u8], traits: &'a Traits, links: Option<&'a Links>) -> Self {
        let definitions = links.map_or(0, |links| links.definitions.len());
        Self {
            message,
            traits,
            links,
            locals: vec![Local::default(); definitions],
            touched: Vec::new(),
            rebuilt: 0,
            rebuilt_bytes: 0,
            out: Vec::new(),
            filled: 0,
            proto: 0,
            first_proto: 0,
            last_proto: 0,
            names_protos: false,
        }
    }

    /// Lifts one value. `neighbours` are the values that may have been built before it, in order.
    pub(crate) fn lift(&mut self, span: Span, neighbours: &[Span]) -> Result<Payload, WireError> {
        self.first_proto = self.traits.proto_at(span.start);
        self.last_proto = self.first_proto;
        self.filled = 0;
        self.names_protos = false;
        self.out = Vec::with_capacity(HEADER_LEN + span.end - span.start);
        self.out.push(0);
        let rebuilt = self.rebuilt(span, neighbours)?;
        for (start, end) in rebuilt.iter().map(|(start, end)| (*start, *end)) {
            self.count_uses(Span { start, end });
        }
        self.count_uses(span);
        for (start, end) in rebuilt {
            self.out.push(op::MARK);
            self.write(Span { start, end })?;
            self.out.push(op::POP_MARK);
        }
        self.write(span)?;
        for number in self.touched.drain(..) {
            if let Some(local) = self.locals.get_mut(number) {
                *local = Local::default();
            }
        }
        let header = payload::Header {
            proto: self.first_proto,
            uses_memo: self.filled > 0,
            names_protos: self.names_protos,
        };
        let lifted = Payload::assemble(header, std::mem::take(&mut self.out));
        if self.traits.pops {
            // Spans next to popped bytes rest on idioms, not on tiling alone: look once more.
            let body = lifted.body();
            walk(body, Span { start: 0, end: body.len() }, [])?;
        }
        Ok(lifted)
    }

    /// The neighbours that hold objects to which `span` refers, or to which one of them refers:
    /// their ends by their starts.
    fn rebuilt(
        &mut self,
        span: Span,
        neighbours: &[Span],
    ) -> Result<BTreeMap<usize, usize>, WireError> {
        let mut rebuilt = BTreeMap::new();
        let Some(links) = self.links else { return Ok(rebuilt) };
        let mut open: SmallVec<[Span; 4]> = SmallVec::from_slice(&[span]);
        while let Some(part) = open.pop() {
            for reference in links.within(part) {
                let definition = links.definition(reference.to);
                let at = definition.at;
                let is_there = part.contains(at)
                    || rebuilt.range(..=at).next_back().is_some_and(|(_, end)| at < *end);
                if is_there || !matches!(definition.stored, Stored::Built) {
                    continue;
                }
                let holder = neighbours.get(neighbours.partition_point(|other| other.end <= at));
                let before = |holder: &&Span| holder.contains(at) && holder.end <= span.start;
                let Some(holder) = holder.filter(before) else {
                    let what = "it refers to the container that it is in";
                    return Err(WireError::shape("value that stands alone", what));
                };
                self.charge(*holder)?;
                rebuilt.insert(holder.start, holder.end);
                open.push(*holder);
            }
        }
        Ok(rebuilt)
    }

    fn charge(&mut self, rebuilt: Span) -> Result<(), WireError> {
        self.rebuilt += 1;
        if self.rebuilt > REBUILT_MAX {
            let what = "objects that the values of one call share";
            return Err(WireError::Limit { what, max: REBUILT_MAX });
        }
        self.charge_bytes(rebuilt)
    }

    fn charge_bytes(&mut self, shared: Span) -> Result<(), WireError> {
        self.rebuilt_bytes += shared.end - shared.start;
        if self.rebuilt_bytes > REBUILT_BYTES_MAX {
            let what = "bytes of objects that the values of one call share";
            return Err(WireError::Limit { what, max: REBUILT_BYTES_MAX });
        }
        Ok(())
    }

    /// Copies a str, bytes or class from before the value.
    fn say_again(&mut self, atom: Span) -> Result<(), WireError> {
        self.charge_bytes(atom)?;
        self.copy(atom);
        Ok(())
    }

    fn count_uses(&mut self, part: Span) {
        let Some(links) = self.links else { return };
        for reference in links.within(part) {
            if let Some(local) = self.locals.get_mut(reference.to) {
                local.uses += 1;
                self.touched.push(reference.to);
            }
        }
    }

    /// Copies the opcodes of `part`, all but those that change.
    fn write(&mut self, part: Span) -> Result<(), WireError> {
        let message = self.message;
        self.proto = self.traits.proto_at(part.start);
        let links = self.links;
        let mut definition = links.map_or(0, |links| links.first_definition(part.start));
        let mut references = links.map_or(&[][..], |links| links.within(part)).iter();
        let mut copied = part.start;
        let mut before = op::STOP;
        let mut ops = Ops::new(message, part);
        while let Some(op) = ops.next()? {
            let changes = matches!(op.code, op::FRAME | op::PROTO)
                || op::fills_memo(op.code)
                || op::reads_memo(op.code);
            if changes {
                self.copy(Span { start: copied, end: op.at });
                copied = op.end;
            }
            if op::fills_memo(op.code) {
                self.write_definition(definition, before == op::TUPLE2 && is_popped(&ops)?);
                definition += 1;
            } else if op::reads_memo(op.code) {
                let reference = references.next().expect("links name each reference");
                self.write_reference(reference.to, &op)?;
            } else if let Some(proto) = named_proto(&op, message) {
                self.proto = proto;
            }
            if op.code != op::FRAME {
                before = op.code;
            }
        }
        self.copy(Span { start: copied, end: part.end });
        Ok(())
    }

    fn copy(&mut self, span: Span) {
        if span.start < span.end {
            self.name_proto();
            self.out.extend_from_slice(span.of(self.message));
        }
    }

    /// Names the protocol of what comes next, where it is another than that of what came before.
    fn name_proto(&mut self) {
        if self.last_proto == self.proto {
            return;
        }
        if self.out.len() == HEADER_LEN {
            self.first_proto = self.proto;
        } else {
            self.out.extend([op::PROTO, self.proto]);
            self.names_protos = true;
        }
        self.last_proto = self.proto;
    }

    fn write_definition(&mut self, number: usize, tells_idioms_apart: bool) {
        let local = self.locals.get_mut(number).filter(|local| local.uses > 0);
        if local.is_none() && !tells_idioms_apart {
            return;
        }
        if let Some(local) = local {
            local.number = Some(self.filled);
        }
        self.out.push(op::MEMOIZE);
        self.filled += 1;
    }

    fn write_reference(&mut self, to: usize, op: &Op) -> Result<(), WireError> {
        let local = self.locals.get(to).copied().unwrap_or_default();
        if let Some(number) = local.number {
            self.name_proto();
            payload::put_get(&mut self.out, number);
            return Ok(());
        }
        match self.links.map_or(Stored::Built, |links| links.definition(to).stored) {
            Stored::Atom(atom) => self.say_again(atom)?,
            Stored::Global { module, name } => {
                self.say_again(module)?;
                self.say_again(name)?;
                self.out.push(op::STACK_GLOBAL);
            }
            Stored::Built => return Err(op.error("the object it names is not complete here")),
        }
        if local.uses > 1 {
            self.write_definition(to, false);
        }
        Ok(())
    }
}

/// Whether REDUCE and POP come next. The memo slot between TUPLE2 and REDUCE, used or not, is then
/// what tells the picklers' two idioms with POP apart (see the reader), so it stays.
fn is_popped(ops: &Ops<'_>) -> Result<bool, WireError> {
    let mut ahead = ops.clone();
    for wanted in [op::REDUCE, op::POP] {
        loop {
            match ahead.next()? {
                Some(op) if op.code == op::FRAME => {}
                Some(op) if op.code == wanted => break,
                _ => return Ok(false),
            }
        }
    }
    Ok(true)
}
