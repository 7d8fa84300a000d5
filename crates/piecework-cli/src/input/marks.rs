//! Parts the words after the options into the command and its sources of arguments, at the marks
//! `:::`, `:::+`, `::::` and `::::+`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Where arguments come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// These, from the command line.
    List(Vec<Vec<u8>>),
    /// The lines of a file; `-` is standard input.
    File(PathBuf),
}

/// Sources that are read side by side: the first rows of all of them, then the second, ...
pub(super) type Linked = Vec<Source>;

/// Returns the command, and the groups of sources of which all combinations are made.
pub(super) fn split(words: &[OsString]) -> (Vec<OsString>, Vec<Linked>) {
    let at = words.iter().position(|word| Mark::of(word).is_some()).unwrap_or(words.len());
    let (command, mut rest) = words.split_at(at);
    let mut groups: Vec<Linked> = Vec::new();
    while let Some((mark, tail)) = rest.split_first() {
        let Some(mark) = Mark::of(mark) else { break };
        let end = tail.iter().position(|word| Mark::of(word).is_some()).unwrap_or(tail.len());
        let (values, next) = tail.split_at(end);
        for source in mark.sources(values) {
            match groups.last_mut() {
                Some(group) if mark.linked => group.push(source),
                _ => groups.push(vec![source]),
            }
        }
        rest = next;
    }
    (command.to_vec(), groups)
}

/// What a mark says of the words after it.
struct Mark {
    files: bool,
    linked: bool,
}

impl Mark {
    fn of(word: &OsString) -> Option<Self> {
        let (files, linked) = match word.as_encoded_bytes() {
            b":::" => (false, false),
            b":::+" => (false, true),
            b"::::" => (true, false),
            b"::::+" => (true, true),
            _ => return None,
        };
        Some(Self { files, linked })
    }

    fn sources(&self, values: &[OsString]) -> Vec<Source> {
        let values = values.iter().cloned();
        match self.files {
            true => values.map(|name| Source::File(name.into())).collect(),
            false => vec![Source::List(values.map(OsString::into_vec).collect())],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(line: &str) -> (usize, Vec<Vec<String>>) {
        let words: Vec<_> = line.split_whitespace().map(OsString::from).collect();
        let (command, groups) = split(&words);
        let text = |source: &Source| match source {
            Source::List(list) => String::from_utf8(list.join(&b',')).unwrap(),
            Source::File(path) => format!("<{}", path.display()),
        };
        (command.len(), groups.iter().map(|group| group.iter().map(text).collect()).collect())
    }

    #[test]
    fn marks_begin_sources() {
        let table: [(&str, usize, &[&[&str]]); 8] = [
            ("wc -l ::: a b", 2, &[&["a,b"]]),
            ("wc", 1, &[]),
            (":::", 0, &[&[""]]),
            ("a ::: b ::: c d", 1, &[&["b"], &["c,d"]]),
            ("a ::: b :::+ c ::: d", 1, &[&["b", "c"], &["d"]]),
            ("a :::: f g ::::+ h ::: i", 1, &[&["<f"], &["<g", "<h"], &["i"]]),
            ("a :::+ b ::: c", 1, &[&["b"], &["c"]]),
            ("a ::::+ f g :::: -", 1, &[&["<f", "<g"], &["<-"]]),
        ];
        for (line, command, groups) in table {
            let (found, sources) = parted(line);
            assert_eq!(found, command, "{line}");
            assert_eq!(sources, groups, "{line}");
        }
    }
}
