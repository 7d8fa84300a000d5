//! `cargo xtask bench`: every benchmark in the tree, one after the other, in release mode.

mod chart;
mod commands;
mod figures;
mod lines;
mod load;
mod packages;
mod page;
mod peers;
mod plan;
mod report;
mod side_by_side;
mod surroundings;
mod tool;

use std::fs;
use std::path::{Path, PathBuf};

use crate::step::{Outcome, cargo, root, run as step};

pub(crate) fn run(words: &[&str]) -> Outcome {
    match words {
        [] => {
            of_parts()?;
            beside_others(&[])
        }
        [word, ..] if word.starts_with("--") => beside_others(words),
        ["commands", words @ ..] => commands::run(words),
        [name, words @ ..] => match side_by_side::ALL.iter().find(|bench| bench.name == *name) {
            Some(bench) => side_by_side::run(bench, words),
            None => {
                let names: Vec<_> = side_by_side::ALL.iter().map(|bench| bench.name).collect();
                let names = names.join("`, `");
                Err(format!("no benchmark `{name}`: there are `commands`, `{names}`"))
            }
        },
    }
}

/// Sees that every comparison runs, in no time worth speaking of.
pub(crate) fn quick() -> Outcome {
    beside_others(&["--quick"])
}

/// What parts of piecework take by themselves.
fn of_parts() -> Outcome {
    for bench in sorted(&root().join("crates"))?.iter().map(|folder| folder.join("benches")) {
        for file in sorted(&bench)?.iter().filter(|file| file.is_file()) {
            let (Some(package), Some(name)) = (bench.parent(), file.file_stem()) else { continue };
            let package = package.file_name().unwrap_or_default().to_string_lossy();
            let name = name.to_string_lossy();
            let line = ["bench", "--package", &package, "--bench", &name];
            step(&format!("{package}: {name}"), cargo(&line))?;
        }
    }
    Ok(())
}

/// What piecework takes beside its peers and the floors.
fn beside_others(words: &[&str]) -> Outcome {
    commands::run(words)?;
    side_by_side::ALL.iter().try_for_each(|bench| side_by_side::run(bench, words))
}

/// What lies in a folder, by name; nothing where there is no such folder.
fn sorted(folder: &Path) -> Outcome<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |error| format!("cannot list {}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(failed)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<_> = paths.collect::<Result<_, _>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}
