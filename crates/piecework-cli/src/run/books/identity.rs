//! What a task is known by whenever its run is taken up again: what it works on, not where in the
//! input that stands.

use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;
use sha2::{Digest, Sha256};

use crate::run::piece::Piece;

/// Bytes of the digest that are kept. Among a billion tasks, two are alike by chance once in 10^20
/// runs.
const BYTES: usize = 16;

/// A digest of the arguments and the input of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity([u8; BYTES]);

/// One task of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskId {
    /// What it works on.
    pub(super) identity: Identity,
    /// Which it is of those that work on the same, from 1.
    pub(super) occurrence: i64,
}

impl Identity {
    /// Makes the digest. Each part is led by its length, so that no two lists of arguments are
    /// written the same way.
    pub(super) fn of(piece: &Piece) -> Self {
        let Piece { seq: _, args, stdin } = piece;
        let mut digest = Sha256::new();
        digest.update((args.len() as u64).to_be_bytes());
        for part in args.iter().chain(stdin) {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let digest = digest.finalize();
        let kept = digest.first_chunk().expect("a digest has 32 bytes");
        Self(*kept)
    }
}

impl ToSql for Identity {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.as_slice().to_sql()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(args: &[&str], stdin: Option<&str>) -> Identity {
        let args = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
        Identity::of(&Piece { seq: 1, args, stdin: stdin.map(|stdin| stdin.as_bytes().to_vec()) })
    }

    #[test]
    fn what_a_task_works_on_tells_it_from_others() {
        let different = [
            identity(&[], None),
            identity(&[], Some("")),
            identity(&[], Some("ab")),
            identity(&["ab"], None),
            identity(&["ab"], Some("")),
            identity(&["ab", ""], None),
            identity(&["", "ab"], None),
            identity(&["a", "b"], None),
        ];
        for (at, one) in different.iter().enumerate() {
            assert!(!different[at + 1..].contains(one), "number {at} is not the only one");
        }
    }

    #[test]
    fn where_it_stands_in_the_input_does_not_matter() {
        let piece = |seq| Piece { seq, args: vec![b"a".to_vec()], stdin: None };
        assert_eq!(Identity::of(&piece(1)), Identity::of(&piece(2)));
    }
}
