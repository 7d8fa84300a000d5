//! The tables of a run's books, and the rule by which they may change.
//!
//! **The version rule.** `user_version` says which tables these are. Books of another version are
//! refused: a run is finished with the piecework that began it, or started anew.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, bail};
use piecework_wire::{Payload, Value};
use rusqlite::{Connection, OptionalExtension, params};

use crate::run::notes;
use crate::template::Template;

/// "PwRn": tells `file` and us that a database is a run of piecework.
const APPLICATION: i64 = 0x5077_526e;

/// The tables below.
const VERSION: i64 = 1;

/// A task has a row once it has ended for good.
const TABLES: &str = "
    CREATE TABLE run (
        command    BLOB NOT NULL,     -- the words of the template, pickled
        shown      TEXT NOT NULL      -- the same for people, cut short
    ) STRICT;

    CREATE TABLE tasks (
        identity   BLOB NOT NULL,     -- of its arguments and its input
        occurrence INTEGER NOT NULL,  -- which of those that are equal, from 1
        failed     INTEGER NOT NULL,
        report     BLOB NOT NULL,     -- how it ended, pickled
        stdout     INTEGER,           -- the file of a long output
        stderr     INTEGER,
        PRIMARY KEY (identity, occurrence)
    ) STRICT;
";

/// Pages of the write-ahead log after which they are written back: 64 MiB, which bounds the log.
/// Whoever writes then waits for the disk; that is once in several thousand tasks.
const LOG_PAGES_MAX: i64 = 16_000;

/// Memory for pages, in KiB: the rows of a hundred thousand tasks that print little.
const CACHE_KIB: i64 = 32 << 10;

/// Opens the tables of a run, which are made if there are none.
///
/// # Errors
/// If they are damaged, of another version of piecework, or of another command.
pub(super) fn open(path: &Path, template: &Template) -> anyhow::Result<Connection> {
    let opened = prepare(path, template);
    match opened {
        Err(error) if error.is::<rusqlite::Error>() => {
            Err(error).context("hint: if they are damaged, begin the run anew with --restart")
        }
        opened => opened,
    }
}

fn prepare(path: &Path, template: &Template) -> anyhow::Result<Connection> {
    let mut tables = Connection::open(path)?;
    let version: i64 = tables.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i64 = tables.pragma_query_value(None, "application_id", |row| row.get(0))?;
    // Both are of one transaction: a file without them has nothing in it.
    if (application, version) != (0, 0) && (application, version) != (APPLICATION, VERSION) {
        bail!(
            "they are those of another version of piecework\n\
             hint: finish the run with that one, or begin it anew with --restart"
        );
    }
    // What is written is with the system, so that no kill loses it; when it is on the disk, too,
    // `sync.rs` sees to.
    tables.pragma_update(None, "journal_mode", "WAL")?;
    tables.pragma_update(None, "synchronous", "NORMAL")?;
    tables.pragma_update(None, "wal_autocheckpoint", LOG_PAGES_MAX)?;
    tables.pragma_update(None, "cache_size", -CACHE_KIB)?;
    if version == 0 {
        make(&mut tables, template)?;
    } else {
        check(&tables, template)?;
    }
    Ok(tables)
}

fn make(tables: &mut Connection, template: &Template) -> anyhow::Result<()> {
    let transaction = tables.transaction()?;
    transaction.execute_batch(TABLES)?;
    let run = params![pickled(template), notes::command(template.words())];
    transaction.execute("INSERT INTO run VALUES (?1, ?2)", run)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

/// Results of one command are none of another.
fn check(tables: &Connection, template: &Template) -> anyhow::Result<()> {
    let run = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?));
    let found = tables.query_row("SELECT command, shown FROM run", (), run).optional()?;
    match found {
        Some((command, _)) if command == pickled(template) => Ok(()),
        Some((_, shown)) => bail!(
            "they are those of another command: '{shown}'\n\
             hint: choose another name for this one, or throw away what is there with --restart"
        ),
        None => bail!("they do not say of which command; hint: begin anew with --restart"),
    }
}

/// The files of long outputs that rows name.
pub(super) fn outputs(tables: &Connection) -> rusqlite::Result<HashSet<i64>> {
    let mut found = tables.prepare(
        "SELECT stdout FROM tasks WHERE stdout IS NOT NULL \
         UNION ALL SELECT stderr FROM tasks WHERE stderr IS NOT NULL",
    )?;
    found.query_map((), |row| row.get(0))?.collect()
}

fn pickled(template: &Template) -> Vec<u8> {
    let words = template.to_words().into_iter().map(Value::Bytes).collect();
    Payload::from_value(&Value::List(words)).into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Given;

    fn template(words: &[&str]) -> Template {
        Template::new(words.iter().map(Into::into).collect(), Given::AsArgument)
    }

    #[test]
    fn books_of_another_command_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.db");
        open(&path, &template(&["wc", "-l"])).unwrap();
        open(&path, &template(&["wc", "-l"])).unwrap();
        let error = open(&path, &template(&["wc", "-c"])).unwrap_err().to_string();
        assert!(error.contains("wc -l") && error.contains("--restart"), "{error}");
    }

    #[test]
    fn what_is_no_book_of_this_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.db");
        open(&path, &template(&["wc"])).unwrap().pragma_update(None, "user_version", 9).unwrap();
        let error = open(&path, &template(&["wc"])).unwrap_err().to_string();
        assert!(error.contains("version"), "{error}");
        std::fs::write(&path, "no database at all, but long enough to be one".repeat(20)).unwrap();
        assert!(open(&path, &template(&["wc"])).is_err());
    }
}
