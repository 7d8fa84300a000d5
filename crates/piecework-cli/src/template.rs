//! The command that is run for each task, with the places where the task's arguments go.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use piecework::command::Command;

use self::place::Place;
use self::quote::SHELL_SIGNS;
use self::shell::Script;
pub(crate) use self::syntax::{Filling, Given, Syntax};
use self::word::Word;

mod place;
mod quote;
mod shell;
mod surroundings;
mod syntax;
mod travel;
mod word;

/// A command with places for the arguments of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    /// The words and the syntax that all else was read from; they are what travels.
    words: Vec<Vec<u8>>,
    syntax: Syntax,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// A program and its arguments, run without a shell.
    Words(Vec<Word>),
    /// A line for `sh -c`, in which the arguments are `$1`, `$2`, ...
    Script(Script),
    /// No command: the arguments are a line for `sh -c`.
    Line,
}

impl Template {
    /// Reads the words of the command line. A single word that only a shell understands is a line
    /// for the shell; no word at all means that the arguments of each task are such a line.
    pub(crate) fn new(words: Vec<OsString>, syntax: impl Into<Syntax>) -> Self {
        Self::read(words.into_iter().map(OsString::into_vec).collect(), syntax.into())
    }

    fn read(words: Vec<Vec<u8>>, syntax: Syntax) -> Self {
        let form = match words.as_slice() {
            [] => Form::Line,
            [line] if line.iter().any(|byte| SHELL_SIGNS.contains(byte)) => {
                Form::Script(Script::parse(line, &syntax))
            }
            words => {
                let mut parsed: Vec<_> =
                    words.iter().map(|word| Word::parse(word, &syntax)).collect();
                if syntax.given == Given::AsArgument && !parsed.iter().any(Word::has_place) {
                    parsed.push(Word::from(Place::ALL));
                }
                Form::Words(parsed)
            }
        };
        Self { words, syntax, form }
    }

    /// Returns the command for one task.
    pub(crate) fn command(&self, filling: &Filling<'_>) -> Command {
        match &self.form {
            Form::Words(words) => {
                let repeat = self.syntax.repeat_context;
                let mut filled = words.iter().flat_map(|word| word.filled(filling, repeat));
                let program = filled.next().unwrap_or_default();
                filled.fold(Command::new(os(&program)), |command, word| command.arg(os(&word)))
            }
            Form::Script(script) => {
                let (script, parameters) = script.filled(filling, self.syntax.repeat_context);
                let command = Command::new("sh").arg("-c").arg(os(&script)).arg("sh");
                parameters.into_iter().fold(command, |command, value| command.arg(os(value)))
            }
            Form::Line => Command::new("sh").arg("-c").arg(os(&filling.args.join(&b' '))),
        }
    }

    /// Returns the command for one task as one would type it: quoted where a shell needs it.
    pub(crate) fn line(&self, filling: &Filling<'_>) -> Vec<u8> {
        match &self.form {
            Form::Words(words) => {
                let repeat = self.syntax.repeat_context;
                let typed = words.iter().filter_map(|word| word.typed(filling, repeat));
                typed.collect::<Vec<_>>().join(&b' ')
            }
            Form::Script(script) => script.typed(filling, self.syntax.repeat_context),
            Form::Line => filling.args.join(&b' '),
        }
    }

    /// Its words, as they were given.
    pub(crate) fn words(&self) -> &[Vec<u8>] {
        &self.words
    }

    /// How its words, and those of other patterns of the run, are read.
    pub(crate) fn syntax(&self) -> &Syntax {
        &self.syntax
    }

    /// Returns the program, if it is the same for every task.
    pub(crate) fn program(&self) -> Option<OsString> {
        match &self.form {
            Form::Words(words) => words.first().and_then(Word::literal).map(OsString::from_vec),
            Form::Script(_) | Form::Line => Some("sh".into()),
        }
    }
}

/// A text with places that is no command: a path, or a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Word);

impl Pattern {
    /// Reads the text.
    pub(crate) fn new(text: &[u8], syntax: &Syntax) -> Self {
        let syntax = Syntax { given: Given::AsArgument, ..syntax.clone() };
        Self(Word::parse(text, &syntax))
    }

    /// Whether there is anything to fill.
    pub(crate) fn has_place(&self) -> bool {
        self.0.has_place()
    }

    /// Fills the places.
    pub(crate) fn filled(&self, filling: &Filling<'_>) -> Vec<u8> {
        self.0.filled(filling, false).join(&b' ')
    }
}

fn os(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Template {
        Template::new(words.iter().map(OsString::from).collect(), Given::AsArgument)
    }

    fn typed(template: &Template, args: &[&[u8]]) -> String {
        let args: Vec<_> = args.iter().map(|arg| arg.to_vec()).collect();
        let line = template.line(&Filling { args: &args, seq: 7, slot: 2 });
        String::from_utf8_lossy(&line).into_owned()
    }

    #[test]
    fn the_argument_fills_every_place() {
        let template = words(&["cp", "{}", "copies/{}-{#}.{%}"]);
        assert_eq!(typed(&template, &[b"a b"]), "cp 'a b' copies/'a b'-7.2");
    }

    #[test]
    fn without_a_place_the_arguments_come_last() {
        assert_eq!(typed(&words(&["wc", "-l"]), &[b"x", b"y z"]), "wc -l x 'y z'");
        assert_eq!(typed(&words(&["wc"]), &[b""]), "wc ''");
        assert_eq!(typed(&words(&["wc", "{#}"]), &[b"x"]), "wc 7");
        assert_eq!(typed(&words(&["wc -l |"]), &[b"x"]), "wc -l | x");
    }

    #[test]
    fn no_command_means_that_the_arguments_are_one() {
        assert_eq!(typed(&words(&[]), &[b"echo 'a  b'", b"&& ls"]), "echo 'a  b' && ls");
    }

    #[test]
    fn one_word_that_needs_a_shell_gets_one() {
        for script in ["wc -l {} | sort", "a;b", "echo\tx", "~/bin/x", "$SHELL", "(x)"] {
            assert!(matches!(words(&[script]).form, Form::Script(_)), "{script}");
        }
        for plain in ["wc", "./a-b_c.sh", "{}", "/bin/x{}", "FOO=1"] {
            assert!(matches!(words(&[plain]).form, Form::Words(_)), "{plain}");
        }
        assert!(matches!(words(&["echo", "a | b"]).form, Form::Words(_)));
    }

    #[test]
    fn on_standard_input_only_numbers_are_filled_in() {
        let on_stdin = |words: &[&str]| {
            let words = words.iter().map(OsString::from).collect();
            typed(&Template::new(words, Given::OnStdin), &[b"x"])
        };
        assert_eq!(on_stdin(&["grep", "{}{1}{#}"]), "grep '{}{1}'7");
        assert_eq!(on_stdin(&["grep {}{1}{#}"]), "grep {}{1}7");
    }

    #[test]
    fn the_program_is_known_unless_it_depends_on_the_task() {
        assert_eq!(words(&["wc", "-l"]).program(), Some("wc".into()));
        assert_eq!(words(&["{}"]).program(), None);
        assert_eq!(words(&["./{%}"]).program(), None);
        assert_eq!(words(&[]).program(), Some("sh".into()));
    }
}
