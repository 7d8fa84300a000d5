//! A message whose structure is known: where its values begin and end, and who refers to whom.
use super::decode;
use super::links::{Links, Stored};
use super::opcode as op;
use super::payload::Payload;
use super::plain;
use super::reader::{Children, Op, Ops, Span, Traits, Walker, walk};
use super::splice::Lifter;
use super::value::Value;
use crate::WireError;

/// A message that was walked over once; values are lifted from it.
#[derive(Debug)]
pub(crate) struct Document<B> {
    bytes: B,
    pub(crate) traits: Traits,
}

impl<B: AsRef<[u8]>> Document<B> {
    /// Walks over a whole pickle, of which some places are watched for their children.
    pub(crate) fn read<const N: usize>(
        bytes: B,
        watched: [Children; N],
    ) -> Result<(Self, [Children; N]), WireError> {
        let Some((&op::STOP, body)) = bytes.as_ref().split_last() else {
            return Err(WireError::shape("pickle", "it does not end with STOP"));
        };
        let Walker { watched, traits, .. } =
            walk(bytes.as_ref(), Span { start: 0, end: body.len() }, watched)?;
        Ok((Self { bytes, traits }, watched))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// All but the STOP, and the PROTO in front if there is one.
    pub(crate) fn body(&self) -> Span {
        const PROTO_LEN: usize = 2;
        let start = if self.bytes().starts_with(&[op::PROTO]) { PROTO_LEN } else { 0 };
        Span { start, end: self.bytes().len() - 1 }
    }

    /// Follows the memo through the whole message.
    pub(crate) fn links(&self) -> Result<Links, WireError> {
        Links::follow(self.bytes(), self.body())
    }

    /// Whether a value may refer to what stands before it.
    pub(crate) fn may_refer(&self, span: Span) -> bool {
        self.traits.reads.is_some_and(|(first, last)| first < span.end && span.start <= last)
    }

    /// The elements of a list or tuple, found by a walk of their own.
    pub(crate) fn elements(
        &self,
        span: Span,
        max: usize,
        what: &'static str,
    ) -> Result<Vec<Span>, WireError> {
        let walker = walk(self.bytes(), span, [Children::new(0, max)])?;
        let [children] = &walker.watched;
        Ok(children.of_sequence(what)?.to_vec())
    }

    /// Reads a short str, such as a name; left where it stands if it is UTF-8 there.
    pub(crate) fn text(&self, span: Span) -> Result<Text, WireError> {
        let mut op = self.first_op(span)?;
        if op::reads_memo(op.code) {
            let links = self.links()?;
            let stored = links.within(span).first().map(|first| links.definition(first.to).stored);
            let Some(Stored::Atom(atom)) = stored else { return Err(op.error("expected a str")) };
            op = self.first_op(atom)?;
        }
        if op.code == op::SHORT_BINUNICODE && std::str::from_utf8(op.data.of(self.bytes())).is_ok()
        {
            return Ok(Text::Plain(op.data));
        }
        Ok(Text::Owned(decode::text(&op, self.bytes())?.into()))
    }

    fn first_op(&self, span: Span) -> Result<Op, WireError> {
        let first = Ops::new(self.bytes(), span).next()?;
        first.ok_or_else(|| WireError::shape("pickle", "it has an empty part"))
    }

    /// Decodes plain data.
    pub(crate) fn value(&self, span: Span, neighbours: &[Span]) -> Result<Value, WireError> {
        if self.may_refer(span) {
            return self.lift(span, neighbours)?.value();
        }
        decode::decode(self.bytes(), span)
    }

    /// Lifts one value. `neighbours` are the values that may have been built before it, in order.
    pub(crate) fn lift(&self, span: Span, neighbours: &[Span]) -> Result<Payload, WireError> {
        if let Some(proto) = self.traits.one_proto()
            && let Some(push) = plain::push_of(self.bytes(), span)
            && let Some(payload) = plain::lift(self.bytes(), &[push], proto).pop()
        {
            return Ok(payload);
        }
        let links = if self.may_refer(span) { Some(self.links()?) } else { None };
        Lifter::new(self.bytes(), &self.traits, links.as_ref()).lift(span, neighbours)
    }

    /// Lifts many values, each of which may refer to any of `neighbours` that come before it.
    pub(crate) fn lift_all(
        &self,
        spans: &[Span],
        neighbours: &[Span],
    ) -> Result<Vec<Payload>, WireError> {
        let refers = spans.iter().any(|span| self.may_refer(*span));
        let links = if refers { Some(self.links()?) } else { None };
        let mut lifter = Lifter::new(self.bytes(), &self.traits, links.as_ref());
        spans.iter().map(|span| lifter.lift(*span, neighbours)).collect()
    }

    /// Lifts each key and each value of a dict.
    pub(crate) fn lift_pairs(
        &self,
        span: Span,
        neighbours: &[Span],
        max: usize,
        what: &'static str,
    ) -> Result<Vec<[Payload; 2]>, WireError> {
        let walker = walk(self.bytes(), span, [Children::new(0, max.saturating_mul(2))])?;
        let [children] = &walker.watched;
        let parts = children.of_dict(what)?;
        let mut lifted = self.lift_parts(span, parts, neighbours)?.into_iter();
        let mut pairs = Vec::with_capacity(parts.len() / 2);
        while let (Some(key), Some(value)) = (lifted.next(), lifted.next()) {
            pairs.push([key, value]);
        }
        Ok(pairs)
    }

    /// Lifts each element of a set or frozenset that an opcode made.
    pub(crate) fn lift_set(
        &self,
        span: Span,
        neighbours: &[Span],
        max: usize,
        what: &'static str,
    ) -> Result<Vec<Payload>, WireError> {
        let walker = walk(self.bytes(), span, [Children::new(0, max)])?;
        let [children] = &walker.watched;
        self.lift_parts(span, children.of_set(what)?, neighbours)
    }

    /// Lifts what is called, and each argument, of the call that makes an object.
    pub(crate) fn lift_call(
        &self,
        span: Span,
        neighbours: &[Span],
        max: usize,
        what: &'static str,
    ) -> Result<(Payload, Vec<Payload>), WireError> {
        // What is called stands below the tuple of its arguments.
        let walker = walk(self.bytes(), span, [Children::new(0, 2), Children::new(1, max)])?;
        let [call, arguments] = &walker.watched;
        let &[class, _] = call.of_call(what)? else {
            return Err(WireError::shape(what, "it is not a call"));
        };
        let arguments = self.lift_parts(span, arguments.of_tuple(what)?, neighbours)?;
        Ok((self.lift(class, neighbours)?, arguments))
    }

    /// Lifts parts of the value in `span`, each of which may refer to those before it.
    fn lift_parts(
        &self,
        span: Span,
        parts: &[Span],
        neighbours: &[Span],
    ) -> Result<Vec<Payload>, WireError> {
        let outside = neighbours.iter().filter(|neighbour| neighbour.end <= span.start);
        let neighbours: Vec<Span> = outside.chain(parts).copied().collect();
        self.lift_all(parts, &neighbours)
    }

    /// Lifts each element of a list or tuple.
    pub(crate) fn lift_elements(
        &self,
        span: Span,
        neighbours: &[Span],
        max: usize,
        what: &'static str,
    ) -> Result<Vec<Payload>, WireError> {
        if let Some(proto) = self.traits.one_proto()
            && let Some(pushes) = plain::pushes_of_list(self.bytes(), span, max)
        {
            return Ok(plain::lift(self.bytes(), &pushes, proto));
        }
        let elements = self.elements(span, max, what)?;
        self.lift_parts(span, &elements, neighbours)
    }
}

/// A short str of a message.
#[derive(Debug)]
pub(crate) enum Text {
    /// UTF-8, checked, where it stands.
    Plain(Span),
    /// In another encoding there.
    Owned(Box<str>),
}

impl Text {
    pub(crate) fn of<'a>(&'a self, message: &'a [u8]) -> &'a str {
        match self {
            Self::Plain(span) => std::str::from_utf8(span.of(message)).expect("it was checked"),
            Self::Owned(text) => text,
        }
    }
}

impl Payload {
    /// Lifts each element of a list or tuple, so that it stands alone.
    ///
    /// # Errors
    /// The object is no list or tuple, or has more than `max` elements.
    pub fn elements(&self, max: usize) -> Result<Vec<Self>, WireError> {
        let (document, []) = Document::read(self.to_pickle(), [])?;
        document.lift_elements(document.body(), &[], max, "list or tuple of items")
    }

    /// Takes a whole pickle, as `pickle.dumps` returns it.
    ///
    /// # Errors
    /// The bytes are not one well-formed pickle.
    pub fn from_pickle(pickle: &[u8]) -> Result<Self, WireError> {
        let (document, []) = Document::read(pickle, [])?;
        document.lift(document.body(), &[])
    }
}
