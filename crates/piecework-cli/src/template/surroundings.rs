//! Follows a line for the shell through its quotes, so that each place in it is known by what is
//! around it.

/// What surrounds a byte of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Around {
    /// No quotes, or the inside of `$(...)` or `(...)`, which starts afresh.
    Plain,
    /// `` `...` ``, which starts afresh too.
    Backticks,
    /// `"..."`.
    Double,
    /// `'...'`, where nothing is special.
    Single,
    /// `$((...))`, which is read as if in double quotes but must not hold any.
    Arithmetic,
}

/// All that is open around the current byte, the innermost last; nothing open is plain.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    open: Vec<Around>,
}

impl Surroundings {
    /// Returns the innermost.
    pub(super) fn inside(&self) -> Around {
        self.open.last().copied().unwrap_or(Around::Plain)
    }

    /// Tells whether the rest begins with what parts two words of the line as a whole.
    pub(super) fn is_gap(&self, rest: &[u8]) -> bool {
        self.open.is_empty() && rest.first().is_some_and(|byte| b" \t\n|&;<>".contains(byte))
    }

    /// Follows one sign of the shell into or out of its quotes; returns how many bytes it has.
    pub(super) fn step(&mut self, rest: &[u8]) -> usize {
        use Around::{Arithmetic, Backticks, Double, Plain, Single};
        let inside = self.inside();
        let fresh = matches!(inside, Plain | Backticks);
        match (inside, rest) {
            (Single, [b'\'', ..]) | (Double, [b'"', ..]) | (Backticks, [b'`', ..]) => {
                self.open.pop();
            }
            (Single, _) => {}
            // The next byte is not special, whatever it is; `${...}` is the shell's, not a place.
            (_, [b'\\', _, ..] | [b'$', b'{', ..]) => return 2,
            (_, [b'$', b'(', b'(', ..]) => {
                self.open.extend([Arithmetic, Arithmetic]);
                return 3;
            }
            (_, [b'$', b'(', ..]) => {
                self.open.push(Plain);
                return 2;
            }
            (_, [b'`', ..]) => self.open.push(Backticks),
            (Arithmetic, [b'(', ..]) => self.open.push(Arithmetic),
            (_, [b'(', ..]) if fresh => self.open.push(Plain),
            (_, [b')', ..]) if fresh || inside == Arithmetic => {
                self.open.pop();
            }
            (_, [b'"', ..]) if inside != Double => self.open.push(Double),
            (_, [b'\'', ..]) if fresh => self.open.push(Single),
            _ => {}
        }
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signs_of_the_shell_open_and_close() {
        use Around::{Arithmetic, Backticks, Double, Plain, Single};
        // Each `@` is asked for what is around it.
        let table: [(&str, &[Around]); 8] = [
            ("@ '@' \"@\" @", &[Plain, Single, Double, Plain]),
            ("`@ '@'` @", &[Backticks, Single, Plain]),
            ("\"$(@ \"@\")@\"", &[Plain, Double, Double]),
            ("$((@ * (@))) @", &[Arithmetic, Arithmetic, Plain]),
            ("\\\"@ \"\\\"@\"", &[Plain, Double]),
            ("'\\'@", &[Plain]),
            ("case x in a) '@';; esac @", &[Single, Plain]),
            ("(@; (\"@\")) @", &[Plain, Double, Plain]),
        ];
        for (line, expected) in table {
            let (mut found, mut surroundings) = (Vec::new(), Surroundings::default());
            let mut rest = line.as_bytes();
            while !rest.is_empty() {
                if rest[0] == b'@' {
                    found.push(surroundings.inside());
                }
                rest = &rest[surroundings.step(rest)..];
            }
            assert_eq!(found, expected, "{line}");
        }
    }
}
