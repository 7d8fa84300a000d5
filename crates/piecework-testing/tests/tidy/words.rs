//! Words that do not belong in the tree: paths of somebody's home, work put off without a number.

use crate::tree::{Offence, SourceFile};

/// Each word in two halves, so that this file does not break its own rule.
const BANNED: [(&str, &str, &str); 5] = [
    ("/ho", "me/", "a path of somebody's home: write `~/`, or make it relative"),
    ("/ro", "ot/", "a path of somebody's home: write `~/`, or make it relative"),
    ("/Us", "ers/", "a path of somebody's home: write `~/`, or make it relative"),
    ("TO", "DO", "do it, or file it and name its number: `(#12)` behind the word"),
    ("FIX", "ME", "do it, or file it and name its number: `(#12)` behind the word"),
];

pub(crate) fn none_banned(file: &SourceFile) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (front, back, advice) in BANNED {
        let word = format!("{front}{back}");
        for (number, line) in file.lines() {
            let stands = line.match_indices(&word).any(|(index, _)| {
                let (before, after) = (&line[..index], &line[index + word.len()..]);
                !before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
                    && !after.starts_with("(#")
            });
            if stands {
                offences.push(file.offence(number, format!("`{word}`: {advice}")));
            }
        }
    }
    offences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{lines_of, sample};

    #[test]
    fn each_banned_word_is_seen() {
        for (front, back, _) in BANNED {
            let text = format!("fine\nand {front}{back} here\n");
            assert_eq!(lines_of(&none_banned(&sample("a.md", &text))), [2], "{front}{back}");
        }
    }

    #[test]
    fn a_number_excuses_and_part_of_a_word_is_none() {
        let (front, back, _) = BANNED[3];
        assert!(none_banned(&sample("a.rs", &format!("// {front}{back}(#12): later"))).is_empty());
        let (front, back, _) = BANNED[0];
        assert!(none_banned(&sample("a.rs", &format!("example.org{front}{back}"))).is_empty());
    }
}
