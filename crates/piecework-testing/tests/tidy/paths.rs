//! Reads the paths out of Rust code, `use` trees unfolded: `a::{b, c::D}` is `a::b` and `a::c::D`.

/// One path of two or more names, or one that a `use` names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CodePath {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
    /// From `pub use` or `pub(..) use`: a name handed on, not needed here.
    pub(crate) handed_on: bool,
}

/// Every path in this Rust code, comments and strings left out.
pub(crate) fn paths(code: &str) -> Vec<CodePath> {
    let tokens = tokens(code);
    let mut reader = Reader { tokens: &tokens, at: 0, found: Vec::new() };
    while let Some(token) = reader.tokens.get(reader.at) {
        let is_before = |back: usize, text: &str| {
            reader.at.checked_sub(back).is_some_and(|at| reader.tokens[at].text == text)
        };
        if token.text == "use" {
            let handed_on = is_before(1, "pub") || is_before(1, ")");
            reader.at += 1;
            reader.tree(&[], handed_on);
        } else if token.is_name() && !is_before(1, "::") {
            reader.plain();
        } else {
            reader.at += 1;
        }
    }
    reader.found
}

struct Token {
    line: usize,
    text: String,
}

impl Token {
    fn is_name(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    found: Vec<CodePath>,
}

impl Reader<'_> {
    /// A path in the middle of code.
    fn plain(&mut self) {
        let line = self.tokens[self.at].line;
        let mut segments = vec![self.tokens[self.at].text.clone()];
        self.at += 1;
        while let [colons, name, ..] = &self.tokens[self.at..] {
            if colons.text != "::" || !name.is_name() {
                break;
            }
            segments.push(name.text.clone());
            self.at += 2;
        }
        if segments.len() > 1 {
            self.found.push(CodePath { line, segments, handed_on: false });
        }
    }

    /// One branch of a `use` tree, up to the `,`, `}` or `;` behind it.
    fn tree(&mut self, stem: &[String], handed_on: bool) {
        let mut segments = stem.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        while let Some(token) = self.tokens.get(self.at) {
            match token.text.as_str() {
                "," | "}" | ";" => break,
                "{" => return self.branches(&segments, handed_on),
                "as" => self.at += 1,
                "self" if !segments.is_empty() => {}
                _ if token.is_name() => segments.push(token.text.clone()),
                _ => {}
            }
            self.at += 1;
        }
        if !segments.is_empty() {
            self.found.push(CodePath { line, segments, handed_on });
        }
    }

    /// All branches between `{` and its `}`.
    fn branches(&mut self, stem: &[String], handed_on: bool) {
        while let Some(token) = self.tokens.get(self.at) {
            match token.text.as_str() {
                "}" => {
                    self.at += 1;
                    return;
                }
                "{" | "," => self.at += 1,
                ";" => return,
                _ => self.tree(stem, handed_on),
            }
        }
    }
}

/// Names, `::`, and every other mark by itself.
fn tokens(code: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut name = String::new();
    for (index, line) in code_alone(code).lines().enumerate() {
        let mut push = |text: &str| tokens.push(Token { line: index + 1, text: text.to_owned() });
        let mut marks = line.chars().peekable();
        while let Some(mark) = marks.next() {
            if mark.is_alphanumeric() || mark == '_' {
                name.push(mark);
                let goes_on = |next: &char| next.is_alphanumeric() || *next == '_';
                if !marks.peek().is_some_and(goes_on) {
                    push(&std::mem::take(&mut name));
                }
            } else if mark == ':' && marks.next_if_eq(&':').is_some() {
                push("::");
            } else if !mark.is_whitespace() {
                push(mark.encode_utf8(&mut [0; 4]));
            }
        }
    }
    tokens
}

/// The code with comments and the insides of strings taken out; lines stay where they are.
fn code_alone(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '"' {
            string_end(rest)
        } else if rest.starts_with("r\"") || rest.starts_with("r#") {
            raw_string_end(rest)
        } else if first == '\'' {
            character_end(rest)
        } else {
            0
        };
        let taken = if skipped == 0 { first.len_utf8() } else { skipped };
        let (part, behind) = rest.split_at(taken);
        if skipped == 0 {
            out.push_str(part);
        } else {
            out.extend(part.chars().filter(|character| *character == '\n'));
            out.push(' ');
        }
        rest = behind;
    }
    out
}

fn string_end(rest: &str) -> usize {
    let mut escaped = false;
    for (index, character) in rest.char_indices().skip(1) {
        match character {
            '"' if !escaped => return index + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    rest.len()
}

fn raw_string_end(rest: &str) -> usize {
    let hashes = rest[1..].chars().take_while(|character| *character == '#').count();
    if !rest[1 + hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let inside = 2 + hashes;
    rest[inside..].find(&end).map_or(rest.len(), |at| inside + at + end.len())
}

/// A character literal; a lifetime, which looks like one at first, has no end.
fn character_end(rest: &str) -> usize {
    let escaped = rest[1..].starts_with('\\');
    let mut inside = rest.char_indices().skip(if escaped { 3 } else { 2 });
    if escaped {
        return inside.find(|(_, character)| *character == '\'').map_or(0, |(index, _)| index + 1);
    }
    inside.next().filter(|(_, character)| *character == '\'').map_or(0, |(index, _)| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str) -> Vec<String> {
        paths(code).iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn trees_are_unfolded() {
        let code = "use a::{b, c::{D, E as F}, self};\npub(crate) use x::*;\nuse y as z;\n";
        assert_eq!(said(code), ["a::b", "a::c::D", "a::c::E", "a", "x", "y"]);
        let found = paths(code);
        assert_eq!(found.iter().map(|path| path.line).collect::<Vec<_>>(), [1, 1, 1, 1, 2, 3]);
        assert_eq!(found.iter().filter(|path| path.handed_on).count(), 1);
    }

    #[test]
    fn paths_within_code_are_found() {
        assert_eq!(said("fn f() { a::b(c::D::e(), g); h.i() }"), ["a::b", "c::D::e"]);
        assert_eq!(said("fn f<'a>(x: &'a b::C<d::E>) {}"), ["b::C", "d::E"]);
    }

    #[test]
    fn comments_and_strings_are_left_out() {
        assert!(
            said("// a::b\n/* c::d\n e::f */ \"g::h \\\" i::j\" r#\"k::\"l\"# b'\\'' '\"'")
                .is_empty()
        );
        assert_eq!(paths("\"a\nb\"; c::d")[0].line, 2);
    }
}
