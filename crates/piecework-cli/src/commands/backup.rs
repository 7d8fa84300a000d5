//! `piecework backup`: a copy of what a manager keeps, while it goes on.

use crate::commands::serve::stop_signal;
use crate::folders::DataDirArgs;
use crate::output::amounts;
use crate::{exit, output};
use piecework_server::{EngineError, backup};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::NamedTempFile;

const EXAMPLES: &str = "\
Examples:
  piecework backup /backup/monday.db               what this user's manager keeps, as it is now
  piecework backup --data-dir /var/lib/piecework monday.db
  piecework backup --force /backup/latest.db       takes the place of the last one once it is whole
  piecework check /backup/latest.db                reads all of it, and counts what is in it

To restore it, put it into a folder of its own, and have a manager serve from there:
  mkdir restored
  cp /backup/monday.db restored/piecework.db
  piecework serve --data-dir restored

Exit code: 73 if FILE is there already, 74 if it cannot be written.";

/// The exit code of a command that a signal has stopped.
const STOPPED: u8 = 130;

/// Copies all that a manager keeps into one file: its queues and items as they are at this moment.
/// The manager may run meanwhile, and is not asked; so the command is for the machine that it runs
/// on, and for its user.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct BackupArgs {
    /// The file to make
    file: PathBuf,

    /// Replace the file if it is there
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    data_dir: DataDirArgs,
}

/// Copies next to where the file is to be, and gives the copy its name once it is whole.
pub(crate) async fn run(args: BackupArgs) -> anyhow::Result<ExitCode> {
    let folder = args.data_dir.folder()?;
    let beside = match args.file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    refuse(&args.file, &beside, &folder, args.force)?;
    let cannot =
        |why: io::Error| exit::io_error(format!("cannot make '{}': {why}", args.file.display()));
    let copy = NamedTempFile::new_in(&beside).map_err(cannot)?;
    let copied = copy_to(folder.clone(), copy.path().to_owned()).await?;
    let is_whole = copied.map_err(|error| match error {
        EngineError::Missing { .. } | EngineError::Damaged { .. } | EngineError::Later { .. } => {
            error.into()
        }
        error => exit::io_error(format!("cannot make '{}': {error}", args.file.display())),
    })?;
    if !is_whole {
        return Ok(ExitCode::from(STOPPED));
    }
    let named = match args.force {
        true => copy.persist(&args.file),
        false => copy.persist_noclobber(&args.file),
    };
    let named = named.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => there_already(&args.file),
        _ => cannot(error.error),
    });
    let bytes = named?.metadata().map_or(0, |file| file.len());
    // Its name is as safe as its bytes only when the folder is.
    File::open(&beside).and_then(|folder| folder.sync_all()).map_err(cannot)?;
    let (from, to) = (folder.display(), args.file.display());
    output::talk(format_args!("'{from}' is backed up in '{to}', {}", amounts::bytes(bytes)));
    Ok(ExitCode::SUCCESS)
}

/// Refuses a file that is there, and any in the folder that the manager has: the database itself
/// would be replaced, or a file of its own be taken for part of it.
fn refuse(file: &Path, beside: &Path, folder: &Path, force: bool) -> anyhow::Result<()> {
    let same = fs::canonicalize(beside).ok().zip(fs::canonicalize(folder).ok());
    if same.is_some_and(|(beside, folder)| beside == folder) {
        let (file, folder) = (file.display(), folder.display());
        let why = format!("'{file}' is in '{folder}' itself; hint: name a file elsewhere");
        return Err(exit::cannot_create(why));
    }
    match file.symlink_metadata() {
        Ok(_) if !force => Err(there_already(file)),
        _ => Ok(()),
    }
}

fn there_already(file: &Path) -> anyhow::Error {
    exit::cannot_create(format!(
        "'{}' is there already; hint: choose another name, or replace it with --force",
        file.display()
    ))
}

/// Copies until it is done or a signal comes; says whether it is done.
async fn copy_to(folder: PathBuf, to: PathBuf) -> anyhow::Result<Result<bool, EngineError>> {
    let stop = stop_signal()?;
    let stopped = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stopped);
    let mut copying = tokio::task::spawn_blocking(move || {
        backup(&folder, &to, || !asked.load(Ordering::Relaxed))
    });
    let copied = tokio::select! {
        copied = &mut copying => copied,
        () = stop => {
            stopped.store(true, Ordering::Relaxed);
            copying.await
        }
    };
    Ok(copied?)
}
