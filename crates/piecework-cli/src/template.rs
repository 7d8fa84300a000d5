//! The command line that is run for each task, with the places where the task's argument goes.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use piecework::command::Command;

mod shell;

/// Stands for the argument.
const PLACEHOLDER: &[u8] = b"{}";

/// What a program name never holds and a line for the shell does.
const SHELL_SIGNS: &[u8] = b" \t\n|&;<>()$`\\\"'*?[]~#";

/// A command with places for the argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Template {
    /// A program and its arguments, run without a shell.
    Words { program: Word, arguments: Vec<Word> },
    /// A line for `sh -c`, in which the argument is `$1`.
    Shell(Vec<u8>),
    /// No command: the argument is a line for `sh -c`.
    Line,
}

/// How the argument reaches the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// In the place of `{}`, or appended where there is none.
    AsArgument,
    /// On standard input; `{}` has no meaning.
    OnStdin,
}

impl Template {
    /// Reads the words of the command line. A single word that only a shell understands is a line
    /// for the shell; no word at all means that each argument is such a line.
    pub(crate) fn new(words: Vec<OsString>, given: Given) -> Self {
        let mut words = words.into_iter().map(OsString::into_vec);
        let Some(first) = words.next() else { return Self::Line };
        let rest: Vec<_> = words.collect();
        let places = given == Given::AsArgument;
        if rest.is_empty() && first.iter().any(|byte| SHELL_SIGNS.contains(byte)) {
            return Self::Shell(if places { shell::script(&first, PLACEHOLDER) } else { first });
        }
        let word = |bytes: &Vec<u8>| if places { Word::parse(bytes) } else { Word::literal(bytes) };
        let program = word(&first);
        let mut arguments: Vec<_> = rest.iter().map(word).collect();
        if places && !program.has_place() && !arguments.iter().any(Word::has_place) {
            arguments.push(Word::parse(PLACEHOLDER));
        }
        Self::Words { program, arguments }
    }

    /// Returns the command for one argument.
    pub(crate) fn command(&self, argument: &[u8]) -> Command {
        match self {
            Self::Words { program, arguments } => {
                arguments.iter().fold(Command::new(program.filled(argument)), |command, word| {
                    command.arg(word.filled(argument))
                })
            }
            Self::Shell(script) => Command::new("sh")
                .arg("-c")
                .arg(OsStr::from_bytes(script))
                .arg("sh")
                .arg(OsStr::from_bytes(argument)),
            Self::Line => Command::new("sh").arg("-c").arg(OsStr::from_bytes(argument)),
        }
    }

    /// Returns the program, if it is the same for every argument.
    pub(crate) fn program(&self) -> Option<OsString> {
        match self {
            Self::Words { program, .. } => (!program.has_place()).then(|| program.filled(b"")),
            Self::Shell(_) | Self::Line => Some("sh".into()),
        }
    }
}

/// One word of the command: literal pieces, between which the argument goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Never empty; `n` places have `n + 1` pieces around them.
    pieces: Vec<Vec<u8>>,
}

impl Word {
    fn literal(bytes: &[u8]) -> Self {
        Self { pieces: vec![bytes.to_vec()] }
    }

    fn parse(bytes: &[u8]) -> Self {
        let mut pieces = vec![Vec::new()];
        let mut rest = bytes;
        while let Some((&byte, tail)) = rest.split_first() {
            if let Some(tail) = rest.strip_prefix(PLACEHOLDER) {
                pieces.push(Vec::new());
                rest = tail;
            } else {
                pieces.last_mut().expect("there is always a piece").push(byte);
                rest = tail;
            }
        }
        Self { pieces }
    }

    fn has_place(&self) -> bool {
        self.pieces.len() > 1
    }

    fn filled(&self, argument: &[u8]) -> OsString {
        OsString::from_vec(self.pieces.join(argument))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Template {
        Template::new(words.iter().map(OsString::from).collect(), Given::AsArgument)
    }

    fn line(template: &Template, argument: &[u8]) -> Vec<OsString> {
        let Template::Words { program, arguments } = template else { panic!("not words") };
        std::iter::once(program).chain(arguments).map(|word| word.filled(argument)).collect()
    }

    #[test]
    fn the_argument_fills_every_place() {
        let template = words(&["cp", "{}", "copies/{}-{}"]);
        assert_eq!(line(&template, b"a b"), ["cp", "a b", "copies/a b-a b"]);
    }

    #[test]
    fn without_a_place_the_argument_comes_last() {
        assert_eq!(line(&words(&["wc", "-l"]), b"x"), ["wc", "-l", "x"]);
        assert_eq!(line(&words(&["wc"]), b"x"), ["wc", "x"]);
    }

    #[test]
    fn arguments_are_bytes() {
        let filled = line(&words(&["wc", "<{}>"]), b"\xff\xfe");
        assert_eq!(filled[1].as_bytes(), b"<\xff\xfe>");
    }

    #[test]
    fn one_word_that_needs_a_shell_gets_one() {
        for script in ["wc -l {} | sort", "a;b", "echo\tx", "~/bin/x", "$SHELL", "(x)"] {
            assert!(matches!(words(&[script]), Template::Shell(_)), "{script}");
        }
        for plain in ["wc", "./a-b_c.sh", "{}", "/bin/x{}", "FOO=1"] {
            assert!(matches!(words(&[plain]), Template::Words { .. }), "{plain}");
        }
        assert!(matches!(words(&["echo", "a | b"]), Template::Words { .. }));
    }

    #[test]
    fn on_standard_input_nothing_is_filled_in() {
        let template = Template::new(vec!["grep".into(), "{}".into()], Given::OnStdin);
        assert_eq!(line(&template, b"x"), ["grep", "{}"]);
    }

    #[test]
    fn the_program_is_known_unless_it_depends_on_the_argument() {
        assert_eq!(words(&["wc", "-l"]).program(), Some("wc".into()));
        assert_eq!(words(&["{}"]).program(), None);
        assert_eq!(words(&[]).program(), Some("sh".into()));
    }
}
