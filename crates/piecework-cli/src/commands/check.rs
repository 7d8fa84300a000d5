//! `piecework check`: whether what a manager keeps is whole, and what is in it.

use crate::folders::DataDirArgs;
use crate::output::amounts::{self, counted};
use crate::output::{self, table};
use piecework_server::{Checked, DATABASE, check};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  piecework check                               what this user's manager keeps, even while it runs
  piecework check --data-dir /var/lib/piecework
  piecework check /backup/monday.db             a file that `piecework backup` has made
  piecework check --json | jq '.queues[].dead'

Exit code: 0 if nothing is wrong, 1 if something is.";

/// What can be done about a database that is damaged.
const ADVICE: &str = "\
hint: stop the manager and keep a copy of the whole folder; then restore a back-up, or save what
can be read: sqlite3 OLD/piecework.db .recover | sqlite3 NEW/piecework.db, the journal-* beside it";

/// Reads all that a manager keeps, page by page and record by record, and counts it. Nothing is
/// changed. A manager may run meanwhile; what a worker holds counts as ready.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    /// A file to check, in place of the one in the data directory
    file: Option<PathBuf>,

    /// Print what was found as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    data_dir: DataDirArgs,
}

/// Checks, and prints what was found.
pub(crate) fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let file = match args.file {
        Some(file) => file,
        None => args.data_dir.folder()?.join(DATABASE),
    };
    let checked = check(&file)?;
    if args.json {
        output::data(&format!("{}\n", json(&file, &checked)));
    } else {
        output::data(&text(&file, &checked));
    }
    if checked.problems.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let found = counted(checked.problems.len() as u64, "problem");
    output::talk(format_args!("'{}': {found}; {ADVICE}", file.display()));
    Ok(ExitCode::FAILURE)
}

fn json(file: &Path, checked: &Checked) -> serde_json::Value {
    let queue = |queue: &piecework_server::QueueCount| {
        serde_json::json!({
            "name": queue.name,
            "ready": queue.ready,
            "delayed": queue.delayed,
            "dead": queue.dead,
            "bytes": queue.bytes,
        })
    };
    let object = |object: &piecework_server::ObjectCount| {
        serde_json::json!({
            "name": object.name,
            "type": object.kind,
            "entries": object.entries,
            "bytes": object.bytes,
        })
    };
    serde_json::json!({
        "file": file.to_string_lossy(),
        "version": checked.version,
        "is_earlier": checked.is_earlier,
        "bytes": checked.bytes,
        "bytes_free": checked.bytes_free,
        "log_bytes": checked.log_bytes,
        "journal_bytes": checked.journal_bytes,
        "queues": checked.queues.iter().map(queue).collect::<Vec<_>>(),
        "objects": checked.objects.iter().map(object).collect::<Vec<_>>(),
        "problems": checked.problems,
    })
}

fn text(file: &Path, checked: &Checked) -> String {
    let Checked { version, bytes, bytes_free, log_bytes, journal_bytes, .. } = checked;
    let Checked { queues, objects, problems, .. } = checked;
    let sizes = [*bytes, *bytes_free, *log_bytes, *journal_bytes];
    let [bytes, free, log, journal] = sizes.map(amounts::bytes);
    let mut text = format!(
        "{}\n{bytes}, {free} of them free; a log of {log}, {journal} in the journal; tables of \
         version {version}\n",
        file.display()
    );
    if checked.is_earlier {
        text += "The tables are of an earlier version: the pages were checked, and the items will \
                 be read\nwhen a manager brings the tables up to date.\n";
    }
    if problems.is_empty() {
        text += "Nothing is wrong.\n";
    }
    for problem in problems {
        let _ = writeln!(text, "wrong: {problem}");
    }
    if !queues.is_empty() {
        let columns = [
            ("QUEUE", true),
            ("READY", false),
            ("DELAYED", false),
            ("DEAD", false),
            ("BYTES", false),
        ];
        let row = |queue: &piecework_server::QueueCount| {
            let counts = [queue.ready, queue.delayed, queue.dead].map(amounts::count);
            let [ready, delayed, dead] = counts;
            vec![queue.name.clone(), ready, delayed, dead, amounts::bytes(queue.bytes)]
        };
        let rows: Vec<_> = queues.iter().map(row).collect();
        let _ = write!(text, "\n{}", table(&columns, &rows));
    }
    if !objects.is_empty() {
        let columns = [("OBJECT", true), ("TYPE", true), ("ENTRIES", false), ("BYTES", false)];
        let row = |object: &piecework_server::ObjectCount| {
            let sizes = [amounts::count(object.entries), amounts::bytes(object.bytes)];
            let [entries, bytes] = sizes;
            vec![object.name.clone(), object.kind.to_owned(), entries, bytes]
        };
        let rows: Vec<_> = objects.iter().map(row).collect();
        let _ = write!(text, "\n{}", table(&columns, &rows));
    }
    text
}
