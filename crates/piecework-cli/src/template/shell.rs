//! Puts arguments into a line for the shell so that they can never be read as code.
//!
//! The arguments are handed to the shell as its parameters `$1`, `$2`, ..., and each place becomes
//! a reference to them that suits the quotes around it. The shell does not read the value of a
//! parameter as code, so a file name such as `$(reboot)` stays a file name even if the quotes were
//! misjudged here.

use std::ops::Range;

use super::place::{Cut, Place, Value, contexts};
use super::quote;
use super::surroundings::{Around, Surroundings};
use super::syntax::{Filling, Given, Syntax};

/// A line for the shell with places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Script {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    /// What parts the words of the shell: spaces and operators outside of all quotes.
    Gap(Vec<u8>),
    Place(Place, Around),
}

impl Script {
    /// Finds the places in a line; one that has none gets the arguments at its end.
    pub(super) fn parse(line: &[u8], syntax: &Syntax) -> Self {
        let mut script = Self { parts: Vec::new() };
        let mut surroundings = Surroundings::default();
        let mut rest = line;
        while !rest.is_empty() {
            let taken = match Place::at(rest, syntax) {
                Some((place, length)) => {
                    script.parts.push(Part::Place(place, surroundings.inside()));
                    length
                }
                None => {
                    let is_gap = surroundings.is_gap(rest);
                    let taken = surroundings.step(rest);
                    script.copy(rest.get(..taken).unwrap_or(rest), is_gap);
                    taken
                }
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        let has_place = script.parts.iter().any(|part| matches!(part, Part::Place(..)));
        if syntax.given == Given::AsArgument && !has_place {
            script.copy(b" ", true);
            script.parts.push(Part::Place(Place::ALL, Around::Plain));
        }
        script
    }

    fn copy(&mut self, bytes: &[u8], is_gap: bool) {
        match (self.parts.last_mut(), is_gap) {
            (Some(Part::Text(text)), false) | (Some(Part::Gap(text)), true) => text.extend(bytes),
            (_, true) => self.parts.push(Part::Gap(bytes.to_vec())),
            (_, false) => self.parts.push(Part::Text(bytes.to_vec())),
        }
    }

    /// Returns the script for one task, and its parameters from `$1`.
    pub(super) fn filled<'task>(
        &self,
        filling: &Filling<'task>,
        repeat: bool,
    ) -> (Vec<u8>, Vec<&'task [u8]>) {
        let mut script = Vec::new();
        let mut parameters = Parameters { args: filling.args, taken: Vec::new() };
        self.write(filling, repeat, &mut script, |range, cut, around| {
            let numbers = range.map(|index| parameters.number(index, cut));
            reference(numbers, around)
        });
        let values = parameters
            .taken
            .iter()
            .filter_map(|(index, cut)| filling.args.get(*index).map(|arg| cut.of(arg)));
        (script, values.collect())
    }

    /// Returns the line for one task as one would type it.
    pub(super) fn typed(&self, filling: &Filling<'_>, repeat: bool) -> Vec<u8> {
        let mut line = Vec::new();
        self.write(filling, repeat, &mut line, |range, cut, around| {
            let args = filling.args.get(range).unwrap_or_default();
            typed(args.iter().map(|arg| cut.of(arg)), around)
        });
        line
    }

    /// Writes all parts, the arguments of a place as `write_args` has them.
    fn write(
        &self,
        filling: &Filling<'_>,
        repeat: bool,
        script: &mut Vec<u8>,
        mut write_args: impl FnMut(Range<usize>, Cut, Around) -> Vec<u8>,
    ) {
        let is_all = |part: &Part| matches!(part, Part::Place(place, _) if place.is_all());
        let is_gap = |part: &Part| matches!(part, Part::Gap(_));
        for word in self.parts.chunk_by(|one, next| !is_gap(one) && !is_gap(next)) {
            let repeated = repeat && word.iter().any(is_all);
            for (copy, all) in contexts(repeated, filling.args.len()).enumerate() {
                if copy > 0 {
                    script.push(b' ');
                }
                for part in word {
                    match part {
                        Part::Text(bytes) | Part::Gap(bytes) => script.extend(bytes),
                        Part::Place(place, around) => match place.value(filling, &all) {
                            Value::Number(number) => script.extend(number.to_string().bytes()),
                            Value::Args(range, cut) => {
                                script.extend(write_args(range, cut, *around));
                            }
                        },
                    }
                }
            }
        }
    }
}

/// The parameters that a script needs: each argument once, however often it stands there.
struct Parameters<'task> {
    args: &'task [Vec<u8>],
    taken: Vec<(usize, Cut)>,
}

impl Parameters<'_> {
    /// The number of the parameter that holds this part of this argument.
    fn number(&mut self, index: usize, cut: Cut) -> usize {
        // With as many arguments as `-X` allows, looking each up would be quadratic.
        let known = match self.args.len() {
            0..=8 => self.taken.iter().position(|taken| *taken == (index, cut)),
            _ => None,
        };
        known.unwrap_or_else(|| {
            self.taken.push((index, cut));
            self.taken.len() - 1
        }) + 1
    }
}

/// References to parameters, each one word of its exact value, in these surroundings.
fn reference(numbers: impl Iterator<Item = usize>, around: Around) -> Vec<u8> {
    let plain: Vec<_> = numbers.map(|number| format!("${{{number}}}")).collect();
    let text = match (plain.as_slice(), around) {
        ([], _) => String::new(),
        (plain, Around::Plain | Around::Backticks) => format!("\"{}\"", plain.join("\" \"")),
        (plain, Around::Double | Around::Arithmetic) => plain.join(" "),
        (plain, Around::Single) => format!("'\"{}\"'", plain.join(" ")),
    };
    text.into_bytes()
}

/// The arguments as one would type them in these surroundings.
fn typed<'a>(args: impl Iterator<Item = &'a [u8]>, around: Around) -> Vec<u8> {
    let typed = args.map(|arg| match around {
        Around::Plain => quote::value(arg),
        Around::Backticks => quote::in_backticks(&quote::value(arg)),
        Around::Double | Around::Arithmetic => quote::in_double_quotes(arg),
        Around::Single => quote::in_single_quotes(arg),
    });
    typed.collect::<Vec<_>>().join(&b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(line: &str, args: &[&str], repeat: bool) -> (Vec<u8>, Vec<Vec<u8>>, Vec<u8>) {
        let args: Vec<_> = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
        let filling = Filling { args: &args, seq: 3, slot: 2 };
        let script = Script::parse(line.as_bytes(), &Given::AsArgument.into());
        let (text, parameters) = script.filled(&filling, repeat);
        let parameters = parameters.into_iter().map(<[u8]>::to_vec).collect();
        (text, parameters, script.typed(&filling, repeat))
    }

    fn text(line: &str) -> String {
        String::from_utf8(script(line, &["x"], false).0).unwrap()
    }

    fn run(text: &[u8], parameters: &[Vec<u8>]) -> String {
        use std::os::unix::ffi::OsStrExt;
        let mut shell = std::process::Command::new("sh");
        shell.arg("-c").arg(std::ffi::OsStr::from_bytes(text)).arg("sh");
        shell.args(parameters.iter().map(|value| std::ffi::OsStr::from_bytes(value)));
        String::from_utf8_lossy(&shell.output().unwrap().stdout).into_owned()
    }

    #[test]
    fn each_surrounding_gets_its_own_reference() {
        assert_eq!(text("wc {} | x"), r#"wc "${1}" | x"#);
        assert_eq!(text(r#"echo "<{}>""#), r#"echo "<${1}>""#);
        assert_eq!(text("echo '<{}>'"), r#"echo '<'"${1}"'>'"#);
        assert_eq!(text(r#"echo "$(wc {})" {}"#), r#"echo "$(wc "${1}")" "${1}""#);
        assert_eq!(text("echo `wc {}` '{}'"), r#"echo `wc "${1}"` ''"${1}"''"#);
        assert_eq!(text("echo $(( ({} + 1) * 2 )) {}"), r#"echo $(( (${1} + 1) * 2 )) "${1}""#);
        assert_eq!(text("(cd {}; ls '{}')"), r#"(cd "${1}"; ls ''"${1}"'')"#);
    }

    #[test]
    fn an_escaped_quote_opens_nothing() {
        assert_eq!(text(r#"echo \" {}"#), r#"echo \" "${1}""#);
        assert_eq!(text(r#"echo "\"{}" {}"#), r#"echo "\"${1}" "${1}""#);
    }

    #[test]
    fn what_belongs_to_the_shell_is_left_to_it() {
        assert_eq!(text("f() { echo ${#}; }; f {}"), r#"f() { echo ${#}; }; f "${1}""#);
        assert_eq!(text("x=1; echo ${1} {2}{}"), r#"x=1; echo ${1} "${1}""#);
    }

    #[test]
    fn without_a_place_the_arguments_are_appended() {
        assert_eq!(text("wc -l"), r#"wc -l "${1}""#);
        assert_eq!(script("a | b", &["x", "y"], false).0, br#"a | b "${1}" "${2}""#);
        assert_eq!(text("echo {#}"), "echo 3");
    }

    #[test]
    fn several_arguments_are_words_where_the_shell_has_words() {
        let (text, parameters, typed) = script("e {} '{}' \"{.}\" {2}", &["a.b", "c d"], false);
        let expected = r#"e "${1}" "${2}" ''"${1} ${2}"'' "${3} ${4}" "${2}""#;
        assert_eq!(String::from_utf8_lossy(&text), expected);
        assert_eq!(parameters, [&b"a.b"[..], b"c d", b"a", b"c d"]);
        assert_eq!(typed, b"e a.b 'c d' 'a.b c d' \"a c d\" 'c d'");
    }

    #[test]
    fn a_repeated_context_is_a_word_of_the_shell() {
        let (text, parameters, typed) = script("echo a{}' b'|wc>{2}", &["1", "2"], true);
        assert_eq!(text, br#"echo a"${1}"' b' a"${2}"' b'|wc>"${2}""#);
        assert_eq!((parameters.len(), typed), (2, b"echo a1' b' a2' b'|wc>2".to_vec()));
    }

    #[test]
    fn the_shell_sees_exactly_the_argument() {
        // Asks a real shell, with the arguments that break careless quoting, for what runs and for
        // what is shown to be typed.
        let nasty =
            ["a b", "it's", "\"q\"", "$(echo no)", "`echo no`", "a\nb", "*", "\\", "-n", ""];
        let lines = [
            "printf '%s|' {}",
            r#"printf '%s|' "{}""#,
            "printf '%s|' '{}'",
            r#"printf '%s|' "$(printf '%s' {})""#,
            r#"printf '%s|' "`printf '%s' {}`""#,
            "(printf '%s|' {})",
            "printf '%s|'",
        ];
        for (line, arg) in lines.iter().flat_map(|line| nasty.map(|arg| (line, arg))) {
            let (text, parameters, typed) = script(line, &[arg], false);
            assert_eq!(run(&text, &parameters), format!("{arg}|"), "{line}");
            // Backticks inside of double quotes are the one place where typing it is not the same.
            if !line.contains("\"`") {
                assert_eq!(run(&typed, &[]), format!("{arg}|"), "{}", typed.escape_ascii());
            }
        }
        let (text, parameters, _) = script("printf '%s|' x{}y", &nasty, false);
        assert_eq!(run(&text, &parameters), format!("x{}y|", nasty.join("|")));
    }
}
