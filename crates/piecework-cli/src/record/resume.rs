//! What earlier runs have done: tasks that need not run again, and commands that must.

use std::collections::BTreeMap;
use std::path::Path;

use super::folders::Layout;
use super::log_lines::LogLines;

/// How many tasks are told by one word of bits.
const WORD_BITS: u64 = u64::BITS as u64;

/// The tasks that are done.
#[derive(Debug, Default)]
pub(crate) struct Done {
    seqs: Seqs,
    /// Where a task that is not in the log may have left its output.
    folders: Option<Layout>,
}

impl Done {
    /// Reads which tasks the job log holds, or only those that went well. No job log is an empty
    /// one.
    ///
    /// # Errors
    /// If it cannot be read, or is no job log.
    pub(super) fn read(log: Option<&Path>, only_ok: bool) -> anyhow::Result<Self> {
        let mut seqs = Seqs::default();
        if let Some(mut lines) = log.map(LogLines::open).transpose()?.flatten() {
            while let Some(line) = lines.next()? {
                if line.went_well || !only_ok {
                    seqs.add(line.seq);
                }
            }
        }
        Ok(Self { seqs, folders: None })
    }

    /// Counts a task as done if its output is there, too.
    pub(super) fn or_in(mut self, folders: Layout) -> Self {
        self.folders = Some(folders);
        self
    }

    /// Tells whether the task with this number and these arguments is done.
    pub(crate) fn holds(&self, seq: u64, args: &[Vec<u8>]) -> bool {
        self.seqs.holds(seq)
            || self.folders.as_ref().is_some_and(|layout| layout.place(seq, args).is_filled())
    }
}

/// The commands of a job log that failed and have not gone well since, in the order of their
/// numbers.
#[derive(Debug)]
pub(crate) struct Failed {
    lines: Option<LogLines>,
    /// Where the last line of each task begins: a log may have ten million lines, and the commands
    /// themselves would not fit into memory.
    places: BTreeMap<u64, u64>,
}

impl Failed {
    /// Reads a job log. No job log is an empty one.
    ///
    /// # Errors
    /// If it cannot be read, or is no job log.
    pub(super) fn read(log: &Path) -> anyhow::Result<Self> {
        let mut lines = LogLines::open(log)?;
        let (mut places, mut ok) = (BTreeMap::new(), Seqs::default());
        while let Some(line) = lines.as_mut().map_or(Ok(None), LogLines::next)? {
            if line.went_well {
                ok.add(line.seq);
                places.remove(&line.seq);
            } else if !ok.holds(line.seq) {
                places.insert(line.seq, line.at);
            }
        }
        Ok(Self { lines, places })
    }

    /// Returns how many commands are left.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }
}

impl Iterator for Failed {
    /// The number and the command of a task.
    type Item = anyhow::Result<(u64, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let (_, at) = self.places.pop_first()?;
        let line = self.lines.as_mut()?.again(at);
        Some(line.map(|line| (line.seq, line.command)))
    }
}

/// A set of numbers that mostly follow each other: ten million of them take some three megabytes.
#[derive(Debug, Default)]
struct Seqs(BTreeMap<u64, u64>);

impl Seqs {
    fn add(&mut self, seq: u64) {
        *self.0.entry(seq / WORD_BITS).or_default() |= 1 << (seq % WORD_BITS);
    }

    fn holds(&self, seq: u64) -> bool {
        self.0.get(&(seq / WORD_BITS)).is_some_and(|word| word & (1 << (seq % WORD_BITS)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job log with these numbers and exit codes.
    fn log(lines: &[(u64, i32)]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let line = |(seq, code)| format!("{seq}\t:\t1.000\t     0.001\t0\t0\t{code}\t0\tc {seq}\n");
        std::fs::write(&path, lines.iter().copied().map(line).collect::<String>()).unwrap();
        (folder, path)
    }

    fn held(lines: &[(u64, i32)], only_ok: bool) -> Vec<u64> {
        let (_folder, path) = log(lines);
        let done = Done::read(Some(&path), only_ok).unwrap();
        (0..1000).filter(|seq| done.holds(*seq, &[])).collect()
    }

    #[test]
    fn what_is_in_the_log_is_done() {
        assert_eq!(held(&[(3, 0), (1, 1), (64, 0), (999, 0)], false), [1, 3, 64, 999]);
        assert_eq!(held(&[], false), [0; 0]);
    }

    #[test]
    fn what_failed_is_not_done_unless_it_ever_went_well() {
        let lines = [(1, 0), (2, 1), (3, 1), (3, 0), (4, 0), (4, 1), (5, -1)];
        assert_eq!(held(&lines, true), [1, 3, 4]);
    }

    #[test]
    fn without_a_log_nothing_is_done() {
        let missing = Path::new("/no such folder/log");
        assert!(!Done::read(Some(missing), false).unwrap().holds(1, &[]));
        assert!(!Done::read(None, false).unwrap().holds(1, &[]));
        assert_eq!(Failed::read(missing).unwrap().len(), 0);
    }

    #[test]
    fn failed_commands_come_once_and_in_order() {
        let (_folder, path) =
            log(&[(7, 1), (1, 0), (2, 1), (3, 1), (3, 0), (2, 9), (4, 0), (4, 1)]);
        let failed = Failed::read(&path).unwrap();
        assert_eq!(failed.len(), 2);
        let failed = failed.map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(failed, [(2, b"c 2".to_vec()), (7, b"c 7".to_vec())]);
    }

    #[test]
    fn many_numbers_take_little_memory() {
        let mut seqs = Seqs::default();
        (1..=1_000_000).for_each(|seq| seqs.add(seq));
        assert!(seqs.holds(1_000_000) && !seqs.holds(1_000_001) && !seqs.holds(0));
        assert_eq!(seqs.0.len(), 15_626);
    }
}
