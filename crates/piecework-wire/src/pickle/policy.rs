//! The payload policy: which classes and functions a payload may name.
//!
//! A pickle that is read imports what it names and calls it, with arguments of its writer's choice.
//! The manager reads none, but whoever gets an item does. The policy `data` keeps such items out:
//! it follows a payload once, without building anything, finds every name that an unpickler of any
//! Python 3 would import, and compares it with a list ([`Policy::built_in`]).
//!
//! - A name counts as soon as it is imported, whether or not it is called: GLOBAL, INST, and
//!   STACK_GLOBAL, whose two strings may come from the memo.
//! - What cannot be known beforehand is refused: extension codes, persistent ids, names that are
//!   not literal strings.
//! - At protocols 0 to 2 unpicklers import other names than the pickle says, Python 2's by those of
//!   Python 3: a name is judged by what is imported. The protocol may change within a payload.
//! - From protocol 4 on `path.join` of module `os` is one name: of an allowed class, the attributes
//!   are not allowed.
//! - BUILD sets any state on what an allowed class made. At worst, that object then holds other
//!   allowed objects where its methods expect numbers or texts, and they fail; `__class__` can only
//!   become another allowed class. On a class itself BUILD could replace methods in all of the
//!   reader's process, so that is refused, as is any other change to a class.
//! - numpy trusts what it reads so far that its arrays need rules of their own (`numpy.rs`).
//!
//! What the policy is not: a bound on what reading costs, and a judgement of what a program does
//! with the data that it gets.
mod allowed;
mod inspect;
mod item;
mod numpy;
mod python2;
mod refused;

use std::sync::Arc;

use self::item::Use;
use super::Payload;

pub use self::refused::{Import, PatternError, Refused};

/// Decides which payloads are let in; cheap to clone.
///
/// ```
/// use piecework_wire::{Payload, Policy, Value};
///
/// let policy = Policy::data().allow("mypkg.*")?;
/// policy.check(&Payload::from_value(&Value::Int(3411)))?;
/// policy.check(&Payload::from_pickle(b"cmypkg\nThing\n.")?)?;
/// let refused = policy.check(&Payload::from_pickle(b"cos\nsystem\n(S'ls'\ntR.")?).unwrap_err();
/// assert!(refused.to_string().starts_with("os.system is not let in"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy(Rule);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Any,
    /// The built-in list, and what these patterns add to it.
    Data(Arc<Vec<Pattern>>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    /// A class, by its full name.
    Exact(String),
    /// What stands at the top of this module, and of those below it.
    Module(String),
}

impl Policy {
    /// Lets in every payload, unseen.
    pub fn any() -> Self {
        Self(Rule::Any)
    }

    /// Lets in plain data, and what the built-in list makes of it.
    pub fn data() -> Self {
        Self(Rule::Data(Arc::default()))
    }

    /// Adds a class (`mypkg.Thing`), or all that a module and those below it hold (`mypkg.*`).
    ///
    /// All that it holds is more than it defines: where `mypkg` imports `subprocess`, the pattern
    /// `mypkg.*` lets in a function that `mypkg` took from there by its name, though none of its
    /// attributes: for those, and for nested classes, the full name is needed.
    ///
    /// # Errors
    /// The pattern has another form.
    pub fn allow(self, pattern: &str) -> Result<Self, PatternError> {
        let pattern = Pattern::parse(pattern)?;
        Ok(match self.0 {
            Rule::Any => self,
            Rule::Data(mut patterns) => {
                Arc::make_mut(&mut patterns).push(pattern);
                Self(Rule::Data(patterns))
            }
        })
    }

    /// Looks at all that a payload names.
    ///
    /// # Errors
    /// It names what is not let in, or what cannot be told. Under `any` there are none.
    pub fn check(&self, payload: &Payload) -> Result<(), Refused> {
        let Rule::Data(patterns) = &self.0 else { return Ok(()) };
        inspect::inspect(payload, |import| {
            let (module, name) = import.found;
            if patterns.iter().any(|pattern| pattern.matches(module, name)) {
                return Ok(Some(Use::Any));
            }
            let refused = || Refused::Class { name: format!("{module}.{name}") };
            allowed::usage(module, name).map(Some).ok_or_else(refused)
        })
    }

    /// Tells of each import that a payload asks for, in their order.
    ///
    /// # Errors
    /// The payload asks for something that cannot be told; nothing after it is told either.
    pub fn imports(payload: &Payload, mut tell: impl FnMut(&Import<'_>)) -> Result<(), Refused> {
        inspect::inspect(payload, |import| {
            tell(import);
            Ok(None)
        })
    }

    /// Lists what `data` lets in: module, name, and what calling it can do at worst.
    pub fn built_in() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        allowed::all()
    }
}

impl Pattern {
    fn parse(pattern: &str) -> Result<Self, PatternError> {
        let module = pattern.strip_suffix(".*");
        if pattern == "*" {
            return Err(PatternError::Everything);
        }
        if !inspect::is_dotted_name(module.unwrap_or(pattern)) {
            return Err(PatternError::Form(pattern.to_owned()));
        }
        match module {
            Some(module) => Ok(Self::Module(module.to_owned())),
            None if pattern.contains('.') => Ok(Self::Exact(pattern.to_owned())),
            None => Err(PatternError::NoModule(pattern.to_owned())),
        }
    }

    fn matches(&self, module: &str, name: &str) -> bool {
        match self {
            Self::Exact(class) => {
                let rest = class.strip_prefix(module).and_then(|rest| rest.strip_prefix('.'));
                rest == Some(name)
            }
            Self::Module(allowed) => {
                let below = module.strip_prefix(allowed.as_str());
                // An attribute of what the module holds may be anything, such as `os.system`.
                !name.contains('.')
                    && below.is_some_and(|below| below.is_empty() || below.starts_with('.'))
            }
        }
    }
}

impl Refused {
    fn unresolved(what: String) -> Self {
        Self::Unresolved { what }
    }
}
