//! A request, `(ident, method, args, kwargs)`: the call of one method of one object.
mod familiar;
mod write;

use smallvec::SmallVec;

use crate::pickle::{Children, Document, NONE, Span, Text};
use crate::{Payload, Value, WireError};

pub use familiar::{FAMILIAR_BYTES_MAX, Familiar};
pub use write::{ArgOut, request};

/// The most arguments a call has, by position or by name: `dict(**kwargs)` has one for each key.
pub const ARGS_MAX: usize = 256;

/// The longest ident, method or name of an argument: errors repeat them, so that a long one would
/// be copied several times for nothing.
pub const NAME_BYTES_MAX: usize = 1_024;

/// A call that came in.
#[derive(Debug)]
pub struct Request<'a> {
    document: Document<&'a [u8]>,
    ident: Option<Text>,
    method: Text,
    args: SmallVec<[Span; 4]>,
    kwargs: SmallVec<[(Text, Span); 2]>,
    /// Every value of the message in its order: what an argument may refer to.
    values: SmallVec<[Span; 8]>,
}

impl<'a> Request<'a> {
    /// Reads a request from the body of a frame.
    ///
    /// # Errors
    /// The bytes are no well-formed pickle, or no request, or over a limit.
    pub fn parse(frame: &'a [u8]) -> Result<Self, WireError> {
        const PARTS: usize = 4;
        // On the stack, the third part is args and the fourth kwargs.
        let watched =
            [Children::new(0, PARTS), Children::new(2, ARGS_MAX), Children::new(3, 2 * ARGS_MAX)];
        let (document, [parts, args, kwargs]) = Document::read(frame, watched)?;
        let &[ident, method, _, _] = parts.of_tuple("request")? else {
            return Err(WireError::shape("request", "it has not four parts"));
        };
        let args = args.of_sequence("request's arguments")?;
        let pairs = kwargs.of_dict("request's named arguments")?;
        let is_none = ident.of(document.bytes()).first() == Some(&NONE);
        let mut names = SmallVec::new();
        for pair in pairs.chunks_exact(2) {
            if let &[name, value] = pair {
                names.push((short_text(&document, name)?, value));
            }
        }
        Ok(Self {
            ident: if is_none { None } else { Some(short_text(&document, ident)?) },
            method: short_text(&document, method)?,
            args: SmallVec::from_slice(args),
            kwargs: names,
            values: [ident, method].iter().chain(args).chain(pairs).copied().collect(),
            document,
        })
    }

    /// Returns the ident of the object that is called; `None` in a request to the manager itself.
    pub fn ident(&self) -> Option<&str> {
        self.ident.as_ref().map(|ident| ident.of(self.document.bytes()))
    }

    /// Returns the name of the method that is called.
    pub fn method(&self) -> &str {
        self.method.of(self.document.bytes())
    }

    /// Returns how many arguments are given by position.
    pub fn len_args(&self) -> usize {
        self.args.len()
    }

    /// Returns an argument given by position.
    pub fn arg(&self, at: usize) -> Option<Arg<'_>> {
        self.args.get(at).map(|span| Arg { request: self, span: *span })
    }

    /// Returns the arguments given by position.
    pub fn args(&self) -> impl ExactSizeIterator<Item = Arg<'_>> {
        self.args.iter().map(|span| Arg { request: self, span: *span })
    }

    /// Returns an argument given by name.
    pub fn kwarg(&self, name: &str) -> Option<Arg<'_>> {
        let message = self.document.bytes();
        let (_, span) = self.kwargs.iter().find(|(key, _)| key.of(message) == name)?;
        Some(Arg { request: self, span: *span })
    }

    /// Returns the names of the arguments given by name.
    pub fn kwarg_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.kwargs.iter().map(|(key, _)| key.of(self.document.bytes()))
    }
}

/// A text that is a name, and no longer than one.
fn short_text(document: &Document<&[u8]>, span: Span) -> Result<Text, WireError> {
    let text = document.text(span)?;
    match text.of(document.bytes()).len() {
        len if len > NAME_BYTES_MAX => {
            Err(WireError::Limit { what: "bytes of a name in a request", max: NAME_BYTES_MAX })
        }
        _ => Ok(text),
    }
}

/// One argument of a request, not decoded.
#[derive(Clone, Copy, Debug)]
pub struct Arg<'a> {
    request: &'a Request<'a>,
    span: Span,
}

impl Arg<'_> {
    /// Decodes plain data.
    ///
    /// # Errors
    /// The argument is not plain data, or nests too deep, or is too large for one.
    pub fn value(&self) -> Result<Value, WireError> {
        self.request.document.value(self.span, &self.request.values)
    }

    /// Lifts the argument out of the request.
    ///
    /// # Errors
    /// It cannot stand alone.
    pub fn payload(&self) -> Result<Payload, WireError> {
        self.request.document.lift(self.span, &self.request.values)
    }

    /// Lifts each key and each value of a dict, so that it stands alone.
    ///
    /// # Errors
    /// The argument is no dict, or has more than `max` entries, or one of them cannot stand alone.
    pub fn pairs(&self, max: usize) -> Result<Vec<[Payload; 2]>, WireError> {
        self.request.document.lift_pairs(self.span, &self.request.values, max, "dict of items")
    }

    /// Lifts each element of a set or frozenset, so that it stands alone.
    ///
    /// # Errors
    /// The argument is no set, or has more than `max` elements, or one of them cannot stand alone.
    pub fn set_elements(&self, max: usize) -> Result<Vec<Payload>, WireError> {
        // Protocols below 4 have no opcode for sets: the class is called with a list.
        if let Some((class, arguments)) = self.call()
            && let "builtins.set"
            | "builtins.frozenset"
            | "__builtin__.set"
            | "__builtin__.frozenset" = class.as_str()
            && let [list] = &arguments[..]
        {
            return list.elements(max);
        }
        let Request { document, values, .. } = self.request;
        document.lift_set(self.span, values, max, "set of items")
    }

    /// Returns what is called to make the argument, as `module.name`, and what it is called with;
    /// `None` if it is made otherwise.
    pub fn call(&self) -> Option<(String, Vec<Payload>)> {
        /// `copyreg._reconstructor` and the like have three, and what rebuilds an array four.
        const MAX: usize = 8;
        let Request { document, values, .. } = self.request;
        let call = document.lift_call(self.span, values, MAX, "call");
        let (class, arguments) = call.ok()?;
        Some((class.class_name()?, arguments))
    }

    /// Lifts each element of a list or tuple, so that it stands alone.
    ///
    /// # Errors
    /// The argument is no list or tuple, or has more than `max` elements, or one of them cannot
    /// stand alone.
    pub fn elements(&self, max: usize) -> Result<Vec<Payload>, WireError> {
        const WHAT: &str = "list or tuple of items";
        self.request.document.lift_elements(self.span, &self.request.values, max, WHAT)
    }
}
