//! Each public item of the library for Rust programs has an example in its docs that is run.
//!
//! What lints can hold is theirs: that such an item has docs, that these tell of errors and panics,
//! and that `pub` means public.

use crate::tree::{Offence, SourceFile};

/// The sources of what a program depends on: the crate, and what it gives out of others.
const LIBRARY: [&str; 6] = [
    "crates/piecework/src/",
    "crates/piecework-macros/src/",
    "crates/piecework-net/src/address.rs",
    "crates/piecework-wire/src/error.rs",
    "crates/piecework-wire/src/pickle/payload.rs",
    "crates/piecework-wire/src/pickle/value.rs",
];
/// What is used, and so can be shown in use.
const KINDS: [&str; 6] = ["enum", "fn", "macro_rules!", "struct", "trait", "type"];
/// Words between `pub` and the kind.
const BETWEEN: [&str; 3] = ["async", "const", "unsafe"];

pub(crate) fn stand_in_docs(file: &SourceFile) -> Vec<Offence> {
    let mut offences = Vec::new();
    if !LIBRARY.iter().any(|path| file.path.starts_with(path)) {
        return offences;
    }
    let mut above = Above::default();
    for (number, line) in file.lines().take_while(|(number, _)| *number < file.tests_begin()) {
        let code = line.trim();
        if above.goes_on_with(number, code) {
            continue;
        }
        let Above { docs, attributes, .. } = std::mem::take(&mut above);
        if let Some(item) = public(code, &attributes) {
            let wrong = wrong_with(&docs).map(|(at, what)| (at.unwrap_or(number), what));
            offences
                .extend(wrong.map(|(at, what)| file.offence(at, format!("`{item}`: its {what}"))));
        }
    }
    offences
}

/// What stands above an item.
#[derive(Default)]
struct Above<'a> {
    /// Its lines of docs with their numbers, without the slashes.
    docs: Vec<(usize, &'a str)>,
    attributes: String,
    /// Whether an attribute has not ended yet.
    in_attribute: bool,
}

impl<'a> Above<'a> {
    /// Takes a line in, if it is one of these.
    fn goes_on_with(&mut self, number: usize, code: &'a str) -> bool {
        if let Some(doc) = code.strip_prefix("///") {
            self.docs.push((number, doc.trim()));
            return true;
        }
        if !self.in_attribute && !code.starts_with("#[") {
            return false;
        }
        self.attributes.push_str(code);
        self.in_attribute = !code.ends_with(']');
        true
    }
}

/// The kind and the name of what this line makes public.
fn public(code: &str, attributes: &str) -> Option<String> {
    let shown = match attributes.contains("#[macro_export]") {
        true => code,
        false => code.strip_prefix("pub ")?,
    };
    if attributes.contains("doc(hidden)") || attributes.contains("cfg(doctest)") {
        return None;
    }
    let mut words = shown.split_whitespace().skip_while(|word| BETWEEN.contains(word));
    let kind = words.next().filter(|kind| KINDS.contains(kind))?;
    let is_of_name = |c: &char| c.is_alphanumeric() || *c == '_';
    let name: String = words.next()?.chars().take_while(is_of_name).collect();
    Some(format!("{kind} {name}"))
}

/// What is wrong with the examples in these docs, and on which line if that is not the item's.
fn wrong_with(docs: &[(usize, &str)]) -> Option<(Option<usize>, &'static str)> {
    let mut has_example = false;
    let mut in_block = false;
    for (index, (number, doc)) in docs.iter().enumerate() {
        let Some(mark) = doc.strip_prefix("```") else { continue };
        in_block = !in_block;
        if !in_block {
            continue;
        }
        let next = docs.get(index + 1).map_or("", |(_, doc)| doc);
        match mark {
            "" => has_example = true,
            "no_run" if next.starts_with("# //") => has_example = true,
            "no_run" => {
                return Some((
                    Some(*number),
                    "example is not run: begin it with a hidden line `# // ...` that says why",
                ));
            }
            "ignore" => return Some((Some(*number), "example is not even compiled")),
            _ => {}
        }
    }
    let missing = "docs have no example: a block of code between lines of ```";
    (!has_example).then_some((None, missing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{lines_of, sample};

    fn offences(text: &str) -> Vec<Offence> {
        stand_in_docs(&sample("crates/piecework/src/a.rs", text))
    }

    #[test]
    fn an_item_without_an_example_is_seen() {
        let text = "/// Does it.\npub fn f() {}\n\n    /// Is it.\n    #[derive(\n        Debug,\n\
            )]\n    pub struct S<T>;\n/// ```text\n/// a picture\n/// ```\npub async fn g() {}\n";
        assert_eq!(lines_of(&offences(text)), [2, 8, 12]);
        assert!(offences(text)[1].to_string().contains("`struct S`"));
        let exported = "#[macro_export]\nmacro_rules! m {}\nmacro_rules! n {}\n";
        assert_eq!(lines_of(&offences(exported)), [2]);
        let constant = "/// It.\npub const fn f() {}\n/// It.\npub const C: u8 = 1;\n";
        assert_eq!(lines_of(&offences(constant)), [2]);
    }

    #[test]
    fn an_example_is_of_one_item_only() {
        let text = "/// ```\n/// f();\n/// ```\npub fn f() {}\npub fn g() {}\n";
        assert_eq!(lines_of(&offences(text)), [5]);
    }

    #[test]
    fn an_example_that_is_not_run_is_seen() {
        let text = "/// ```ignore\n/// f();\n/// ```\npub fn f() {}\n\
            /// ```no_run\n/// g();\n/// ```\npub fn g() {}\n";
        assert_eq!(lines_of(&offences(text)), [1, 5]);
        let text =
            "/// ```no_run\n/// # // It ends the program.\n/// f();\n/// ```\npub fn f() {}\n";
        assert!(offences(text).is_empty());
    }

    #[test]
    fn other_items_are_let_through() {
        let shown = "/// Does it.\n///\n/// ```\n/// f();\n/// ```\n///\n/// # Errors\n\
            /// Never.\n#[must_use]\npub fn f() {}\n";
        assert!(offences(shown).is_empty());
        let inner = "pub(crate) fn f() {}\nfn g() {}\npub use a::B;\npub mod c;\npub field: u8,\n\
            #[doc(hidden)]\npub fn h() {}\n#[cfg(test)]\nmod tests {\n    pub fn i() {}\n}\n";
        assert!(offences(inner).is_empty());
        assert!(
            stand_in_docs(&sample("crates/piecework-cli/src/a.rs", "pub fn f() {}\n")).is_empty()
        );
    }
}
