//! Places in a command: how they are spelled, which arguments they stand for, what of each is used.

use std::ops::Range;

use super::syntax::{Filling, Given, Syntax};

/// Something in a command that each task fills in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `{}`, `{.}`, ...: all arguments.
    All(Cut),
    /// `{2}`, `{2.}`, `{name/}`: the argument of this number, from 1; from the end if negative.
    Nth(isize, Cut),
    /// `{#}`: the number of the task.
    Seq,
    /// `{%}`: the number of the slot.
    Slot,
}

/// Which part of an argument is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// All of it.
    Whole,
    /// `.`: without the extension.
    Stem,
    /// `/`: without the directories.
    Base,
    /// `//`: only the directories.
    Directory,
    /// `/.`: without directories and extension.
    BaseStem,
}

impl Place {
    /// What is appended to a command without places.
    pub(super) const ALL: Self = Self::All(Cut::Whole);

    /// Reads the place that the text begins with; returns it and how many bytes it has.
    pub(super) fn at(text: &[u8], syntax: &Syntax) -> Option<(Self, usize)> {
        let as_argument = syntax.given == Given::AsArgument;
        if as_argument && text.starts_with(&syntax.placeholder) {
            return Some((Self::ALL, syntax.placeholder.len()));
        }
        let inside = text.strip_prefix(b"{")?;
        let length = inside.iter().position(|byte| *byte == b'}')?;
        let place = match inside.split_at(length).0 {
            b"#" => Self::Seq,
            b"%" => Self::Slot,
            _ if !as_argument => return None,
            b"" => return None, // another placeholder has its place
            inside => Self::spelled(inside, &syntax.names)?,
        };
        Some((place, length + 2))
    }

    fn spelled(inside: &[u8], names: &[Vec<u8>]) -> Option<Self> {
        let named = |name: &[u8]| -> Option<isize> {
            let number = names.iter().position(|known| known == name)?;
            isize::try_from(number + 1).ok()
        };
        if let Some(number) = number(inside).or_else(|| named(inside)) {
            return Some(Self::Nth(number, Cut::Whole));
        }
        // The longer ends first: `/.` ends with `.`, and `//` with `/`.
        let ends: [(&[u8], Cut); 4] =
            [(b"/.", Cut::BaseStem), (b"//", Cut::Directory), (b"/", Cut::Base), (b".", Cut::Stem)];
        ends.into_iter().find_map(|(end, cut)| match inside.strip_suffix(end)? {
            b"" => Some(Self::All(cut)),
            stem => number(stem).or_else(|| named(stem)).map(|number| Self::Nth(number, cut)),
        })
    }

    /// Tells whether it stands for all arguments.
    pub(super) fn is_all(self) -> bool {
        matches!(self, Self::All(_))
    }

    /// Returns what it stands for in a task; `all` are the arguments that `{}` means just now.
    pub(super) fn value(self, filling: &Filling<'_>, all: &Range<usize>) -> Value {
        match self {
            Self::All(cut) => Value::Args(all.clone(), cut),
            Self::Nth(number, cut) => {
                let count = filling.args.len();
                let index = match usize::try_from(number) {
                    Ok(number) => number.checked_sub(1),
                    Err(_) => count.checked_sub(number.unsigned_abs()),
                };
                let found = index.filter(|index| *index < count);
                Value::Args(found.map_or(0..0, |index| index..index + 1), cut)
            }
            Self::Seq => Value::Number(filling.seq),
            Self::Slot => Value::Number(filling.slot as u64),
        }
    }
}

/// What a place stands for in one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// These arguments, cut; none if the task has no such argument.
    Args(Range<usize>, Cut),
    /// A number, which no shell misreads.
    Number(u64),
}

/// Which arguments `{}` means in a word: all at once, or in as many copies of the word one each.
pub(super) fn contexts(repeated: bool, count: usize) -> impl Iterator<Item = Range<usize>> {
    let copies = if repeated { count } else { 1 };
    (0..copies).map(move |copy| if repeated { copy..copy + 1 } else { 0..count })
}

/// A number of an argument: digits, perhaps with a minus; there is no argument 0.
fn number(text: &[u8]) -> Option<isize> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(text).ok().filter(|_| plain)?.parse().ok()?;
    (number != 0).then_some(number)
}

impl Cut {
    /// Returns the part of the argument.
    pub(super) fn of(self, arg: &[u8]) -> &[u8] {
        match self {
            Self::Whole => arg,
            Self::Stem => stem(arg),
            Self::Base => base(arg),
            Self::Directory => directory(arg),
            Self::BaseStem => stem(base(arg)),
        }
    }
}

fn stem(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| matches!(byte, b'.' | b'/')) {
        Some(at) if path.get(at) == Some(&b'.') => path.split_at(at).0,
        _ => path,
    }
}

fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// As `dirname` has it: slashes at the end do not count, and what has no directory is in `.`.
fn directory(path: &[u8]) -> &[u8] {
    let absolute = path.starts_with(b"/");
    let path = without_slashes(path);
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => match without_slashes(path.split_at(slash).0) {
            b"" => b"/",
            directory => directory,
        },
        None if absolute => b"/",
        None => b".",
    }
}

fn without_slashes(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    path.split_at(end).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<(Place, usize)> {
        let names = vec![b"size".to_vec(), b"a.b".to_vec(), b"#".to_vec()];
        Place::at(text.as_bytes(), &Syntax { names, ..Given::AsArgument.into() })
    }

    #[test]
    fn places_are_spelled_as_in_gnu_parallel() {
        let all = |cut| Place::All(cut);
        let table = [
            ("{} x", all(Cut::Whole), 2),
            ("{.}", all(Cut::Stem), 3),
            ("{/}", all(Cut::Base), 3),
            ("{//}", all(Cut::Directory), 4),
            ("{/.}}", all(Cut::BaseStem), 4),
            ("{#}", Place::Seq, 3),
            ("{%}", Place::Slot, 3),
            ("{12}", Place::Nth(12, Cut::Whole), 4),
            ("{01}", Place::Nth(1, Cut::Whole), 4),
            ("{-1//}", Place::Nth(-1, Cut::Directory), 6),
            ("{2/.}", Place::Nth(2, Cut::BaseStem), 5),
            ("{size}", Place::Nth(1, Cut::Whole), 6),
            ("{size.}", Place::Nth(1, Cut::Stem), 7),
            ("{a.b}", Place::Nth(2, Cut::Whole), 5),
            ("{a.b/}", Place::Nth(2, Cut::Base), 6),
        ];
        for (text, place, length) in table {
            assert_eq!(at(text), Some((place, length)), "{text}");
        }
        for text in ["", "{", "x{}", "{x}", "{ }", "{0}", "{1,2}", "{+1}", "{.1}", "{///}", "{1x}"]
        {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn another_placeholder_takes_the_place_of_the_braces_only() {
        let syntax = Syntax { placeholder: b",,".to_vec(), ..Given::AsArgument.into() };
        assert_eq!(Place::at(b",,", &syntax), Some((Place::ALL, 2)));
        assert_eq!(Place::at(b"{}", &syntax), None);
        assert_eq!(Place::at(b"{.}", &syntax), Some((Place::All(Cut::Stem), 3)));
    }

    #[test]
    fn paths_are_cut_as_in_gnu_parallel() {
        let cuts = [Cut::Stem, Cut::Base, Cut::Directory, Cut::BaseStem];
        let table = [
            ("a/b.c/d.e.f", ["a/b.c/d.e", "d.e.f", "a/b.c", "d.e"]),
            ("x", ["x", "x", ".", "x"]),
            ("/x", ["/x", "x", "/", "x"]),
            ("/a/x.y", ["/a/x", "x.y", "/a", "x"]),
            (".bashrc", ["", ".bashrc", ".", ""]),
            ("a/.b", ["a/", ".b", "a", ""]),
            ("dir/", ["dir/", "", ".", ""]),
            ("a.", ["a", "a.", ".", "a"]),
            ("", ["", "", ".", ""]),
            ("/", ["/", "", "/", ""]),
            ("//", ["//", "", "/", ""]),
            ("a/b/", ["a/b/", "", "a", ""]),
            ("//x", ["//x", "x", "/", "x"]),
            ("a//b", ["a//b", "b", "a", "b"]),
            ("//a//b", ["//a//b", "b", "//a", "b"]),
            ("/a/", ["/a/", "", "/", ""]),
            ("a/b//", ["a/b//", "", "a", ""]),
            ("..", [".", "..", ".", "."]),
        ];
        for (path, parts) in table {
            let found =
                cuts.map(|cut| String::from_utf8_lossy(cut.of(path.as_bytes())).into_owned());
            assert_eq!(found, parts, "{path:?}");
        }
    }

    #[test]
    fn a_number_names_an_argument_that_may_be_missing() {
        let args = [b"a".to_vec(), b"b".to_vec()];
        let filling = Filling { args: &args, seq: 1, slot: 1 };
        let range = |number| Place::Nth(number, Cut::Whole).value(&filling, &(0..2));
        for (number, expected) in
            [(1, 0..1), (2, 1..2), (3, 0..0), (-1, 1..2), (-2, 0..1), (-3, 0..0)]
        {
            assert_eq!(range(number), Value::Args(expected, Cut::Whole), "{number}");
        }
    }
}
