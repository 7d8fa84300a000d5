//! One word of a command that runs without a shell: text, and places between it.

use std::ops::Range;

use super::place::{Place, Value, contexts};
use super::quote;
use super::syntax::{Filling, Syntax};

/// A word with places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Never empty: the empty word is one empty text.
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    Place(Place),
}

impl From<Place> for Word {
    fn from(place: Place) -> Self {
        Self { parts: vec![Part::Place(place)] }
    }
}

impl Word {
    /// Finds the places in a word.
    pub(super) fn parse(word: &[u8], syntax: &Syntax) -> Self {
        let mut parts = Vec::new();
        let mut text = Vec::new();
        let mut rest = word;
        while let Some((&byte, tail)) = rest.split_first() {
            if let Some((place, length)) = Place::at(rest, syntax) {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Place(place));
                rest = rest.get(length..).unwrap_or_default();
            } else {
                text.push(byte);
                rest = tail;
            }
        }
        if parts.is_empty() || !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Self { parts }
    }

    /// Tells whether tasks fill it in.
    pub(super) fn has_place(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Place(_)))
    }

    /// Returns the word if it is the same for every task.
    pub(super) fn literal(&self) -> Option<Vec<u8>> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text.clone()),
            _ => None,
        }
    }

    /// Returns the words that it becomes for one task, as a shell makes words of `x"$@"y`: a place
    /// with several arguments parts the word between them, and a word of nothing is no word.
    pub(super) fn filled(&self, filling: &Filling<'_>, repeat: bool) -> Vec<Vec<u8>> {
        let contexts = self.contexts(filling, repeat);
        contexts.flat_map(|all| self.filled_once(filling, &all)).collect()
    }

    fn contexts(
        &self,
        filling: &Filling<'_>,
        repeat: bool,
    ) -> impl Iterator<Item = Range<usize>> + use<> {
        let is_all = |part: &Part| matches!(part, Part::Place(place) if place.is_all());
        contexts(repeat && self.parts.iter().any(is_all), filling.args.len())
    }

    fn filled_once(&self, filling: &Filling<'_>, all: &Range<usize>) -> Vec<Vec<u8>> {
        let mut words = Vec::new();
        let mut word: Option<Vec<u8>> = None;
        for part in &self.parts {
            match part {
                Part::Text(text) => word.get_or_insert_default().extend(text),
                Part::Place(place) => match place.value(filling, all) {
                    Value::Number(number) => {
                        word.get_or_insert_default().extend(number.to_string().bytes());
                    }
                    Value::Args(range, cut) => {
                        let args = filling.args.get(range).unwrap_or_default();
                        for (index, arg) in args.iter().enumerate() {
                            if index > 0 {
                                words.extend(word.take());
                            }
                            word.get_or_insert_default().extend(cut.of(arg));
                        }
                    }
                },
            }
        }
        words.extend(word);
        words
    }

    /// Returns what one would type for one task; nothing if it is no word.
    pub(super) fn typed(&self, filling: &Filling<'_>, repeat: bool) -> Option<Vec<u8>> {
        let contexts = self.contexts(filling, repeat);
        let copies: Vec<_> = contexts.map(|all| self.typed_once(filling, &all)).collect();
        let typed = copies.join(&b' ');
        (!typed.is_empty()).then_some(typed)
    }

    fn typed_once(&self, filling: &Filling<'_>, all: &Range<usize>) -> Vec<u8> {
        let typed = self.parts.iter().flat_map(|part| match part {
            Part::Text(text) => quote::text(text),
            Part::Place(place) => match place.value(filling, all) {
                Value::Number(number) => number.to_string().into_bytes(),
                Value::Args(range, cut) => {
                    let args = filling.args.get(range).unwrap_or_default();
                    let quoted = args.iter().map(|arg| quote::value(cut.of(arg)));
                    quoted.collect::<Vec<_>>().join(&b' ')
                }
            },
        });
        typed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::syntax::Given;

    fn filled(word: &str, args: &[&[u8]], repeat: bool) -> (Vec<String>, Option<String>) {
        let word = Word::parse(word.as_bytes(), &Given::AsArgument.into());
        let args: Vec<_> = args.iter().map(|arg| arg.to_vec()).collect();
        let filling = Filling { args: &args, seq: 3, slot: 1 };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let words = word.filled(&filling, repeat).into_iter().map(text).collect();
        (words, word.typed(&filling, repeat).map(text))
    }

    #[test]
    fn several_arguments_part_the_word() {
        let (words, typed) = filled("x{}y", &[b"1.a", b"2 3"], false);
        assert_eq!(
            (words, typed.unwrap()),
            (vec!["x1.a".into(), "2 3y".into()], "x1.a '2 3'y".into())
        );
        let (words, typed) = filled("{.}", &[b"1.a", b"2 3"], false);
        assert_eq!((words, typed.unwrap()), (vec!["1".into(), "2 3".into()], "1 '2 3'".into()));
    }

    #[test]
    fn a_repeated_context_gives_each_argument_a_word_of_its_own() {
        let (words, typed) = filled("x{}y{#}{2}", &[b"1", b"2 3"], true);
        assert_eq!(words, ["x1y32 3", "x2 3y32 3"]);
        assert_eq!(typed.unwrap(), "x1y3'2 3' x'2 3'y3'2 3'");
        assert_eq!(filled("{2}-", &[b"1", b"2"], true).0, ["2-"]);
    }

    #[test]
    fn a_missing_argument_is_no_word_and_an_empty_one_is() {
        assert_eq!(filled("{3}", &[b"1"], false), (vec![], None));
        assert_eq!(filled("x{3}", &[b"1"], false).0, ["x"]);
        assert_eq!(filled("{}", &[], false), (vec![], None));
        assert_eq!(filled("{}", &[b""], false), (vec![String::new()], Some("''".into())));
        assert_eq!(filled("", &[b"1"], false), (vec![String::new()], Some("''".into())));
    }

    #[test]
    fn arguments_are_bytes() {
        let word = Word::parse(b"<{}>", &Given::AsArgument.into());
        let args = [b"\xff\xfe".to_vec()];
        let filling = Filling { args: &args, seq: 1, slot: 1 };
        assert_eq!(word.filled(&filling, false), [b"<\xff\xfe>"]);
    }
}
