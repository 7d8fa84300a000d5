//! What a benchmark leaves: tables to look at, JSON with each round, a section of the page.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::figures::{Measurement, text};
use super::page;
use super::plan::Plan;
use super::surroundings::Surroundings;
use crate::step::{Outcome, root, say, target_dir};

/// All that a benchmark has found out.
#[derive(Debug)]
pub(crate) struct Report<'r> {
    /// The benchmark's name.
    pub(crate) name: &'r str,
    pub(crate) plan: Plan,
    pub(crate) surroundings: &'r Surroundings,
    pub(crate) measurements: &'r [Measurement],
    /// The same as a picture, in SVG.
    pub(crate) chart: Option<String>,
}

/// Where the page looks for pictures, and what stands before their names in it.
const PICTURES: (&str, &str) = ("docs", "pictures");

/// Where benchmarks keep their files: what they made, and what they need the next time.
pub(crate) fn folder() -> Outcome<PathBuf> {
    let folder = target_dir()?.join("bench");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

impl Report<'_> {
    /// Shows the tables, keeps the figures, and writes the page if that is wanted.
    pub(crate) fn publish(&self) -> Outcome {
        let tables = self.tables();
        let file = folder()?.join(format!("{}.json", self.name));
        write(&file, &self.json())?;
        io::stdout().write_all(tables.as_bytes()).map_err(|error| format!("stdout: {error}"))?;
        say(&format!("    the same as JSON, round by round: {}", file.display()));
        if let Some(chart) = &self.chart {
            let file = file.with_extension("svg");
            write(&file, chart)?;
            say(&format!("    the same as a chart: {}", file.display()));
        }
        if self.plan.writes { self.put_on_page(tables) } else { Ok(()) }
    }

    fn put_on_page(&self, mut section: String) -> Outcome {
        if let Some(chart) = &self.chart {
            picture(self.name, chart)?;
            let (_, pictures) = PICTURES;
            section.push_str(&format!("\n![The same as a chart]({pictures}/{}.svg)\n", self.name));
        }
        page::write(self.name, &section)
    }

    fn tables(&self) -> String {
        let tables: Vec<_> = self.measurements.iter().map(Measurement::table).collect();
        format!("{}\n{}", self.surroundings.list(self.plan.rounds), tables.join("\n"))
    }

    fn json(&self) -> String {
        let known = self.surroundings.lines();
        let known: Vec<_> =
            known.map(|(name, value)| format!("{}:{}", text(name), text(value))).collect();
        let figures: Vec<_> = self.measurements.iter().map(Measurement::json).collect();
        format!(
            "{{\"rounds\":{},\"surroundings\":{{{}}},\"measurements\":[{}]}}\n",
            self.plan.rounds,
            known.join(","),
            figures.join(","),
        )
    }
}

/// Puts a chart among the pictures of the documentation.
pub(crate) fn picture(name: &str, chart: &str) -> Outcome {
    let (docs, pictures) = PICTURES;
    write(&root().join(docs).join(pictures).join(format!("{name}.svg")), chart)
}

/// Writes a file, and says its name if that fails.
pub(crate) fn write(file: &Path, what: &str) -> Outcome {
    fs::write(file, what).map_err(|error| format!("{}: {error}", file.display()))
}
