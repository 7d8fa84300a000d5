//! The journal: what was decided lately, batch behind batch, until it is folded into the tables.
//!
//! Two files of a fixed size take turns. A batch is one write at the end of one of them; while
//! that one fills, `fold.rs` brings what is in the other into the tables, all at once, so that most
//! items are gone before they come to have a row. The files are written over and over: they never
//! grow, so a sync has the bytes to write and nothing else.
//!
//! A file begins with what it is and which journal it belongs to. Each entry behind that is the
//! length of its batch, its number, a checksum of all of it and of the journal's name, and the
//! batch ([`Record::encode`](piecework_state::Record::encode)). Numbers go up by one from entry to
//! entry; so what was left of an earlier turn is none, and what a crash has torn is none either.

use crate::EngineError;
use bytes::Bytes;
use piecework_state::{ItemId, Record};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The files within the data directory.
pub(super) const FILES: [&str; 2] = ["journal-a", "journal-b"];

/// How long each of them is: what some ten thousand small items take, so that folding them costs
/// little for each.
const FILE_BYTES: u64 = 1 << 20;

/// Longer batches go into the tables at once: they would fill a file by themselves.
pub(super) const ENTRY_BYTES_MAX: usize = FILE_BYTES as usize / 4;

/// What a file begins with, before the name of its journal.
const MAGIC: [u8; 8] = *b"PwJrnl1\n";
const HEADER_BYTES: u64 = 16;

/// What stands before a batch: its length, its number, the checksum.
const ENTRY_HEADER_BYTES: usize = 16;

/// The name of a journal: which tables it belongs to, since they were opened last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Name(pub(super) u64);

impl Name {
    /// That of tables which no manager has opened yet: there is no such journal.
    pub(super) const NONE: Self = Self(0);
}

/// A batch in the journal.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) number: u64,
    /// With its header.
    bytes: Bytes,
    /// All items that are put in it are among these.
    items: RangeInclusive<u64>,
    /// The payloads in it, once somebody has asked for one.
    payloads: OnceLock<HashMap<ItemId, Bytes>>,
}

impl Entry {
    pub(super) fn new(name: Name, number: u64, batch: &[Record]) -> Self {
        let size: u64 = batch.iter().map(Record::size).sum();
        let mut bytes = Vec::with_capacity(ENTRY_HEADER_BYTES + 1 + size as usize);
        bytes.resize(ENTRY_HEADER_BYTES, 0);
        let mut bytes = Record::encode_behind(bytes, batch);
        let batch_bytes = bytes.len() - ENTRY_HEADER_BYTES;
        // A batch of four gigabytes is not written to a file; it is its number that matters.
        let length = u32::try_from(batch_bytes).unwrap_or(u32::MAX);
        let mut head = [0; ENTRY_HEADER_BYTES];
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[4..12].copy_from_slice(&number.to_le_bytes());
        let sum = checksum(name, &head[..12], bytes.get(ENTRY_HEADER_BYTES..).unwrap_or_default());
        head[12..].copy_from_slice(&sum.to_le_bytes());
        if let Some(at) = bytes.get_mut(..ENTRY_HEADER_BYTES) {
            at.copy_from_slice(&head);
        }
        let ids = || batch.iter().flat_map(Record::items).map(|item| item.id.0);
        // None, where nothing is put.
        let items = ids().min().unwrap_or(1)..=ids().max().unwrap_or(0);
        Self { number, bytes: bytes.into(), items, payloads: OnceLock::new() }
    }

    /// The entry at the front of the bytes, if there is one.
    fn read(name: Name, bytes: &Bytes) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (sum, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let batch = rest.get(..length)?;
        let is_whole = checksum(name, bytes.get(..12)?, batch) == u32::from_le_bytes(*sum);
        is_whole.then(|| Self {
            number: u64::from_le_bytes(*number),
            bytes: bytes.slice(..ENTRY_HEADER_BYTES + length),
            items: 0..=u64::MAX,
            payloads: OnceLock::new(),
        })
    }

    /// The batch.
    fn records(&self) -> Result<Vec<Record>, EngineError> {
        let records = Record::decode(self.bytes.slice(ENTRY_HEADER_BYTES..));
        records.map_err(|error| EngineError::Batch { number: self.number, error })
    }

    /// The payload of an item that is put in it.
    pub(super) fn payload(&self, item: ItemId) -> Option<Bytes> {
        if !self.items.contains(&item.0) {
            return None;
        }
        let payloads = self.payloads.get_or_init(|| {
            let records = self.records().unwrap_or_default();
            records.iter().flat_map(Record::items).filter_map(payload_of).collect()
        });
        let payload = payloads.get(&item)?;
        // Of a short one the long life is not to hold on to all of the entry.
        Some(match payload.len() * 2 < self.len() {
            true => Bytes::copy_from_slice(payload),
            false => payload.clone(),
        })
    }

    /// How long it is in the file.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

fn payload_of(item: &piecework_state::Item) -> Option<(ItemId, Bytes)> {
    Some((item.id, item.payload.here()?.clone()))
}

fn checksum(name: Name, head: &[u8], batch: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    [&name.0.to_le_bytes(), head, batch].into_iter().for_each(|part| sum.update(part));
    sum.finalize()
}

/// The journal of a manager that runs.
#[derive(Debug)]
pub(super) struct Journal {
    files: [(File, PathBuf); 2],
    /// Which of them is written.
    current: usize,
    /// Where in it.
    at: u64,
}

impl Journal {
    /// Makes the files, or takes those that are there over. What was in them is gone.
    pub(super) fn begin(folder: &Path, name: Name) -> Result<Self, EngineError> {
        let [a, b] = FILES.map(|file| {
            let path = folder.join(file);
            match begin(&path, name) {
                Ok(file) => Ok((file, path)),
                Err(error) => Err(EngineError::File { path, error }),
            }
        });
        Ok(Self { files: [a?, b?], current: 0, at: HEADER_BYTES })
    }

    /// Whether the present file has room for so many bytes.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.at + bytes as u64 <= FILE_BYTES
    }

    /// Writes an entry, for which there is room. One that was not written whole is none.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<(), EngineError> {
        let (file, path) = self.file();
        file.write_all_at(&entry.bytes, self.at).map_err(failed(path))?;
        self.at += entry.len() as u64;
        Ok(())
    }

    /// Makes sure that what was appended to the present file outlives a loss of power. After a
    /// failure nobody knows what of it does.
    pub(super) fn sync(&self) -> Result<(), EngineError> {
        let (file, path) = self.file();
        file.sync_data().map_err(failed(path))
    }

    /// Goes on at the beginning of the other file, where nothing is that anybody needs.
    pub(super) fn turn(&mut self) {
        self.current = 1 - self.current;
        self.at = HEADER_BYTES;
    }

    fn file(&self) -> &(File, PathBuf) {
        let [a, b] = &self.files;
        if self.current == 0 { a } else { b }
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> EngineError {
    |error| EngineError::File { path: path.to_owned(), error }
}

fn begin(path: &Path, name: Name) -> io::Result<File> {
    let options = &mut OpenOptions::new();
    let file = options.create(true).read(true).write(true).truncate(false).open(path)?;
    let mut magic = Vec::new();
    (&file).take(MAGIC.len() as u64).read_to_end(&mut magic)?;
    if magic != MAGIC && magic.iter().any(|byte| *byte != 0) {
        return Err(io::Error::other(
            "it is no journal of piecework, and would be written over; hint: move it away",
        ));
    }
    if file.metadata()?.len() != FILE_BYTES {
        // Written and not only set aside: a first write to a place costs a sync more than another.
        file.set_len(0)?;
        file.write_all_at(&vec![0; FILE_BYTES as usize], 0)?;
    }
    file.write_all_at(&[MAGIC, name.0.to_le_bytes()].concat(), 0)?;
    file.sync_all()?;
    Ok(file)
}

/// Takes the files away: all that was in them is in the tables.
pub(super) fn remove(folder: &Path) {
    for file in FILES {
        // One that stays is of no consequence: its name is not the next journal's.
        let _ = fs::remove_file(folder.join(file));
    }
}

/// All records of these entries.
pub(super) fn records(entries: &[Entry]) -> Result<Vec<Record>, EngineError> {
    let mut records = Vec::new();
    for entry in entries {
        records.append(&mut entry.records()?);
    }
    Ok(records)
}

/// What is in the journal of that name, in order. A manager may be writing it.
pub(super) fn read(folder: &Path, name: Name) -> Result<Vec<Entry>, EngineError> {
    let mut entries = Vec::new();
    if name == Name::NONE {
        return Ok(entries);
    }
    for file in FILES {
        let path = folder.join(file);
        match fs::read(&path) {
            Ok(bytes) => entries.extend(entries_of(&bytes.into(), name)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(EngineError::File { path, error }),
        }
    }
    entries.sort_by_key(|entry| entry.number);
    Ok(entries)
}

/// Those of the entries that come right behind what is folded, and those that come after a gap. A
/// loss of power may have taken some that were not synced: what came after these is to be left out.
pub(super) fn behind(entries: Vec<Entry>, folded: u64) -> (Vec<Entry>, Vec<Entry>) {
    let mut behind: Vec<Entry> =
        entries.into_iter().filter(|entry| entry.number > folded).collect();
    let next = (folded + 1..).zip(&behind).take_while(|(next, entry)| *next == entry.number);
    let whole = next.count();
    let after_gap = behind.split_off(whole);
    (behind, after_gap)
}

/// The entries at the beginning of a file.
fn entries_of(bytes: &Bytes, name: Name) -> Vec<Entry> {
    let header = [MAGIC, name.0.to_le_bytes()].concat();
    let mut entries: Vec<Entry> = Vec::new();
    if !bytes.starts_with(&header) {
        return entries;
    }
    let mut rest = bytes.slice(header.len()..);
    while let Some(entry) = Entry::read(name, &rest) {
        if entries.last().is_some_and(|last| last.number + 1 != entry.number) {
            break; // of an earlier turn
        }
        rest = rest.slice(entry.len()..);
        entries.push(entry);
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use piecework_state::QueueId;

    const NAME: Name = Name(7);

    fn entry(number: u64) -> Entry {
        Entry::new(NAME, number, &[Record::Acked(QueueId(1), ItemId(number))])
    }

    /// A journal with these entries; a 0 stands for going on in the other file.
    fn journal(numbers: &[u64]) -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::begin(folder.path(), NAME).unwrap();
        for &number in numbers {
            match number {
                0 => journal.turn(),
                number => journal.append(&entry(number)).unwrap(),
            }
        }
        (folder, journal)
    }

    fn numbers(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.number).collect()
    }

    #[test]
    fn entries_are_read_in_order_whichever_file_they_are_in() {
        let (folder, _) = journal(&[1, 2, 0, 3, 4]);
        let read = read(folder.path(), NAME).unwrap();
        assert_eq!(numbers(&read), [1, 2, 3, 4]);
        let acked = |item| Record::Acked(QueueId(1), ItemId(item));
        assert_eq!(records(&read).unwrap(), [acked(1), acked(2), acked(3), acked(4)]);
    }

    #[test]
    fn what_an_earlier_turn_has_left_is_none() {
        let (folder, _) = journal(&[1, 2, 3, 0, 4, 0, 5]);
        assert_eq!(numbers(&read(folder.path(), NAME).unwrap()), [4, 5]);
    }

    #[test]
    fn what_belongs_to_another_journal_is_none() {
        let (folder, _) = journal(&[1, 2]);
        assert!(read(folder.path(), Name(8)).unwrap().is_empty());
        assert!(read(folder.path(), Name::NONE).unwrap().is_empty());
        // The files are taken over, and what is in them is of another journal from then on.
        Journal::begin(folder.path(), Name(8)).unwrap();
        assert!(read(folder.path(), Name(8)).unwrap().is_empty());
    }

    #[test]
    fn a_byte_that_changes_is_noticed_wherever_it_is() {
        let bytes = entry(1).bytes;
        assert!(Entry::read(NAME, &bytes).is_some());
        for at in 0..bytes.len() {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 1;
            assert!(Entry::read(NAME, &bytes.into()).is_none(), "byte {at}");
        }
        for cut in 0..bytes.len() {
            assert!(Entry::read(NAME, &bytes.slice(..cut)).is_none(), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_folded_and_what_comes_after_a_gap_is_left_out() {
        let of = |list: &[u64]| {
            let (behind, after_gap) = behind(list.iter().map(|n| entry(*n)).collect(), 2);
            (numbers(&behind), numbers(&after_gap))
        };
        assert_eq!(of(&[1, 2, 3, 4]), (vec![3, 4], vec![]));
        assert_eq!(of(&[3, 4, 6, 7]), (vec![3, 4], vec![6, 7]));
        assert_eq!(of(&[4]), (vec![], vec![4]));
    }

    #[test]
    fn a_file_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILES[1]);
        fs::write(&path, "dear diary").unwrap();
        let refused = Journal::begin(folder.path(), NAME).unwrap_err().to_string();
        assert!(refused.contains(&path.display().to_string()), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), b"dear diary");
    }

    #[test]
    fn a_file_has_room_for_so_much_and_no_more() {
        let (_folder, journal) = journal(&[]);
        let all = (FILE_BYTES - HEADER_BYTES) as usize;
        assert!(journal.has_room(all) && !journal.has_room(all + 1));
    }
}
