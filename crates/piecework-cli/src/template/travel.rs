//! A template as a list of byte strings, in which it travels to the workers of other machines.
//!
//! The list: how the task is given, whether the context is repeated, the placeholder, the number of
//! names, the names, the words. Both ends run the same version; each refuses what it does not know.

use anyhow::{Context, bail};

use super::Template;
use super::syntax::{Given, Syntax};

const AS_ARGUMENT: &[u8] = b"argument";
const ON_STDIN: &[u8] = b"stdin";
const WHOLE: &[u8] = b"all";
const REPEATED: &[u8] = b"each";

impl Template {
    /// Returns the list that [`from_words`](Self::from_words) reads.
    pub(crate) fn to_words(&self) -> Vec<Vec<u8>> {
        let Syntax { given, placeholder, names, repeat_context } = &self.syntax;
        let given = match given {
            Given::AsArgument => AS_ARGUMENT,
            Given::OnStdin => ON_STDIN,
        };
        let context = if *repeat_context { REPEATED } else { WHOLE };
        let head =
            [given, context, placeholder, names.len().to_string().as_bytes()].map(<[u8]>::to_vec);
        head.iter().chain(names).chain(&self.words).cloned().collect()
    }

    /// Reads a template that has travelled.
    ///
    /// # Errors
    /// If it is not such a list.
    pub(crate) fn from_words(words: Vec<Vec<u8>>) -> anyhow::Result<Self> {
        let mut words = words.into_iter();
        let mut next = || words.next().context("the command of this task is cut short");
        let given = match next()?.as_slice() {
            AS_ARGUMENT => Given::AsArgument,
            ON_STDIN => Given::OnStdin,
            other => bail!("unknown way to give a task: {}", other.escape_ascii()),
        };
        let repeat_context = match next()?.as_slice() {
            REPEATED => true,
            WHOLE => false,
            other => bail!("unknown meaning of {{}}: {}", other.escape_ascii()),
        };
        let placeholder = next()?;
        if placeholder.is_empty() {
            bail!("the placeholder of this task is empty");
        }
        let count = String::from_utf8(next()?)?;
        let count: usize =
            count.parse().with_context(|| format!("not a number of names: {count}"))?;
        let names: Vec<_> = words.by_ref().take(count).collect();
        if names.len() < count {
            bail!("{count} names of columns are announced, and {} came", names.len());
        }
        let syntax = Syntax { given, placeholder, names, repeat_context };
        Ok(Self::read(words.collect(), syntax))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_arrives_as_it_left() {
        let names = vec![b"a".to_vec(), b"\xff".to_vec()];
        let plain = Syntax::from(Given::AsArgument);
        let rich = Syntax {
            names,
            placeholder: b",,".to_vec(),
            repeat_context: true,
            given: Given::AsArgument,
        };
        for syntax in [plain, rich, Given::OnStdin.into()] {
            for words in [vec![], vec!["wc".into(), "{a}".into()], vec!["wc {a} | x".into()]] {
                let template = Template::new(words, syntax.clone());
                assert_eq!(Template::from_words(template.to_words()).unwrap(), template);
            }
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let lists: [&[&str]; 6] = [
            &[],
            &["argument"],
            &["else", "all", "{}", "0", "wc"],
            &["stdin", "some", "{}", "0", "wc"],
            &["stdin", "all", "", "0", "wc"],
            &["stdin", "all", "{}", "9", "wc"],
        ];
        for list in lists {
            let words = list.iter().map(|word| word.as_bytes().to_vec()).collect();
            assert!(Template::from_words(words).is_err(), "{list:?}");
        }
    }
}
