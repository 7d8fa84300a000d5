//! Check: whether a database is whole, and what is in it.

use super::journal::Entry;
use super::late::Late;
use super::look::{self, Look};
use super::read;
use super::schema::{self, KNOWN};
use crate::EngineError;
use piecework_state::{Body, Item, Limits, Loading, ObjectId, QueueId, Record, Standing};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What a check found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The version of the tables.
    pub version: i64,
    /// Whether the tables are of an earlier version than this piecework makes. Then it has not
    /// read what is in them: the manager that opens them brings them up to date first.
    pub is_earlier: bool,
    /// The bytes of the database.
    pub bytes: u64,
    /// Those of them that are used again before it grows.
    pub bytes_free: u64,
    /// The bytes of its log.
    pub log_bytes: u64,
    /// The bytes in the journal that are not in the tables yet; what they say is counted.
    pub journal_bytes: u64,
    /// What is in the queues, in the order in which they were made.
    pub queues: Vec<QueueCount>,
    /// What is in the objects that are kept, in the order in which they were made.
    pub objects: Vec<ObjectCount>,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// The items of a queue, by state. What is leased while a manager runs is kept as ready.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct QueueCount {
    /// The queue.
    pub name: String,
    /// Items that can be got.
    pub ready: u64,
    /// Items that become ready at their time.
    pub delayed: u64,
    /// Items that have used up their attempts.
    pub dead: u64,
    /// The bytes of their payloads.
    pub bytes: u64,
}

/// What is in an object.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ObjectCount {
    /// The object.
    pub name: String,
    /// What it is: `dict`, say.
    pub kind: &'static str,
    /// Its entries: of a dict, the keys; of a value, that and its typecode.
    pub entries: u64,
    /// The bytes of all of them.
    pub bytes: u64,
}

/// What is counted so far.
#[derive(Debug, Default)]
struct Counts {
    queues: BTreeMap<QueueId, QueueCount>,
    objects: BTreeMap<ObjectId, ObjectCount>,
}

/// What is wrong is told in so many lines at most; the first ones say it all as a rule.
const PROBLEMS_MAX: usize = 20;

/// Rows that belong to nothing: nothing is lost by them but their space.
const LEFT_OVER: [(&str, &str); 3] = [
    ("payloads", "SELECT count(*) FROM payloads WHERE item NOT IN (SELECT id FROM items)"),
    ("attempts", "SELECT count(*) FROM attempts WHERE item NOT IN (SELECT id FROM items)"),
    ("entries", "SELECT count(*) FROM entries WHERE object NOT IN (SELECT id FROM objects)"),
];

/// Checks a database: every page of it, and that what its tables say makes sense. It only reads,
/// and a manager may be using it.
///
/// # Errors
///
/// When there is no database, or none that can be opened. Whatever is found wrong in one that can
/// be is in [`Checked::problems`].
pub fn check(path: &Path) -> Result<Checked, EngineError> {
    let Look { tables, version, late, after_gap } = look::open(path)?;
    let measured = measure(&tables, path, version);
    let mut checked = measured.map_err(|error| schema::of_file(path, error))?;
    checked.journal_bytes = late.iter().map(|entry| entry.len() as u64).sum();
    if version == 0 {
        checked.problems.push("it is empty: no manager has kept anything in it".to_owned());
    }
    if after_gap > 0 {
        checked.problems.push(format!(
            "{after_gap} batches of the journal come after others that are gone, and are left out"
        ));
    }
    checked.note(pages(&tables));
    if !checked.is_earlier {
        let read = checked.read(&tables, &late);
        checked.note(read);
        let counted = left_over(&tables);
        checked.note(counted);
    }
    Ok(checked)
}

impl Checked {
    /// Adds what is wrong; an error is one more thing that is.
    fn note(&mut self, found: Result<Vec<String>, EngineError>) {
        let found = found.unwrap_or_else(|error| vec![error.to_string()]);
        let room = PROBLEMS_MAX.saturating_sub(self.problems.len());
        self.problems.extend(found.into_iter().take(room));
    }

    /// Reads what a manager would read when it starts; says what it would not understand.
    fn read(&mut self, tables: &Connection, late: &[Entry]) -> Result<Vec<String>, EngineError> {
        let mut late = Late::of(late)?;
        let mut loading = Loading::new(1, Limits::default());
        let mut problems = Vec::new();
        let mut counts = Counts::default();
        let read = read::each(tables, u64::MAX, |mut record| {
            if let Record::Item { item, .. } = &mut record {
                // Nobody asks for it here, and all of them may be more than fits in memory.
                item.payload = Body::Away(item.payload.len());
            }
            let taken = late.takes(&record);
            if taken == Ok(false) {
                counts.add(&record);
            }
            let taken = taken.map(drop).and_then(|()| loading.add(record));
            problems.extend(taken.err().map(|error| error.to_string()));
        });
        match late.finish() {
            Ok(records) => records.iter().for_each(|record| counts.add(record)),
            Err(error) => problems.push(format!("the journal does not fit the tables: {error}")),
        }
        self.queues = counts.queues.into_values().collect();
        self.objects = counts.objects.into_values().collect();
        read.map(|()| problems)
    }
}

impl Counts {
    /// Adds what a record says of a queue or an object, or of what is in it.
    fn add(&mut self, record: &Record) {
        match record {
            Record::Queue { queue, name, .. } => {
                self.queues.entry(*queue).or_default().name.clone_from(name);
            }
            Record::Item { queue, item, standing } => {
                if let Some(count) = self.queues.get_mut(queue) {
                    count.add(item, *standing);
                }
            }
            Record::Object { object, name, kind } => {
                self.objects.entry(*object).or_insert_with(|| ObjectCount {
                    name: name.clone(),
                    kind: kind.name(),
                    entries: 0,
                    bytes: 0,
                });
            }
            Record::Rows { object, rows } => {
                if let Some(count) = self.objects.get_mut(object) {
                    count.entries += rows.len() as u64;
                    count.bytes += record.bytes();
                }
            }
            _ => {}
        }
    }
}

impl QueueCount {
    fn add(&mut self, item: &Item, standing: Standing) {
        match standing {
            Standing::Ready => self.ready += 1,
            Standing::Delayed(_) => self.delayed += 1,
            Standing::Dead => self.dead += 1,
        }
        self.bytes += item.payload.len();
    }
}

/// The sizes of the files, and nothing else so far.
fn measure(tables: &Connection, path: &Path, version: i64) -> Result<Checked, EngineError> {
    let pragma = |name| tables.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    let page_bytes = u64::from(pragma("page_size")?);
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Ok(Checked {
        version,
        is_earlier: version < KNOWN,
        bytes: u64::from(pragma("page_count")?) * page_bytes,
        bytes_free: u64::from(pragma("freelist_count")?) * page_bytes,
        log_bytes: fs::metadata(log).map_or(0, |log| log.len()), // without a log: none
        journal_bytes: 0,
        queues: Vec::new(),
        objects: Vec::new(),
        problems: Vec::new(),
    })
}

/// What SQLite finds wrong with the pages and the rows.
fn pages(tables: &Connection) -> Result<Vec<String>, EngineError> {
    let mut check = tables.prepare(&format!("PRAGMA integrity_check({PROBLEMS_MAX})"))?;
    let lines = check.query_map((), |row| row.get::<_, String>(0))?;
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

fn left_over(tables: &Connection) -> Result<Vec<String>, EngineError> {
    let mut problems = Vec::new();
    for (table, query) in LEFT_OVER {
        let rows: i64 = tables.query_row(query, (), |row| row.get(0))?;
        if rows > 0 {
            problems.push(format!("{rows} rows of table {table} belong to nothing"));
        }
    }
    Ok(problems)
}
